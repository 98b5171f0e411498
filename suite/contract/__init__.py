"""What a subject is, what a case is, what a verdict is."""
