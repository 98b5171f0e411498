"""Lockstep's suite: laws that any implementation of encoder graphs can be held to."""

from __future__ import annotations

import importlib.util
from pathlib import Path


def _refuse_foreign_models() -> None:
    """A folder `models/` of the caller's, earlier on the path, would be tested in place of ours."""
    ours = Path(__file__).resolve().parents[1] / "models"
    spec = importlib.util.find_spec("models")
    found = Path(spec.origin).resolve().parent if spec is not None and spec.origin else None
    if found != ours:
        raise ImportError(
            f"`models` is {found}, not {ours}: start from {ours.parent}, or take the other folder off the path."
        )


_refuse_foreign_models()
