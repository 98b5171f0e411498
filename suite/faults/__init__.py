"""Deliberate defects: each is the reference with one wrong part, and names the laws that must catch it."""
