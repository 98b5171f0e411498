"""The reference implementation of the feature set under test. It never knows the suite."""

__version__ = "0.1.0"
