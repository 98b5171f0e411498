"""What the project costs (`python -m benchmarks`), and its false alarms (`python -m benchmarks.seeds`)."""
