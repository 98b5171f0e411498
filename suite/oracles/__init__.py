"""Independent answers: no code in here is shared with any subject."""
