"""What goes wrong here, by one name."""

from __future__ import annotations


class BackendError(ValueError):
    """A model that cannot be loaded or compiled as wished: the text names the class and the remedy."""
