"""The laws: (case, subject) -> verdict, one file per topic."""
