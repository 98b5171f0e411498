"""Loads any model of transformers, and compiles its decoder and encoders in this one instance (SPEC D)."""
