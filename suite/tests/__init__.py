"""The pytest face of the laws: one file per topic, one test per law and family."""
