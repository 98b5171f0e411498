"""One run under pytest: what was asked for, what a process checks, what the controller writes down."""
