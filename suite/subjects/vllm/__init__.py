"""vLLM's encoder graphs as a subject: its manager unmodified, with an encoder of the zoo as the model.

Nothing here imports vLLM before it is asked for.
"""
