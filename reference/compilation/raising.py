"""Exceptions of a forward's own, which torch takes for something that it cannot trace."""

from __future__ import annotations

from torch._dynamo.exc import Unsupported


def forward_raises(error: Unsupported) -> bool:
    """Whether torch gave up because the forward raises for these inputs. In eager it raises the user's exception."""
    return (error.gb_type or "").startswith("Observed exception")
