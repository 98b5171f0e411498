"""Strategies: geometry and seeds, never tensor elements (DESIGN rule 9)."""
