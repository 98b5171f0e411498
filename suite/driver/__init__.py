"""The search for a violation: laws, strategies and subjects brought together, under a profile."""
