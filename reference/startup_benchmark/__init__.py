"""Measures cold and warm starts of the engine, each in a fresh process (SPEC T8)."""
