"""Encoder graphs: items packed into token budgets, one captured graph per budget, replayed (SPEC G)."""
