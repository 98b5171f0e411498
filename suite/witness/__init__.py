"""Tests that engines have of their own, run on the emulator: a second witness beside the laws."""
