"""The zoo: real vision towers with tiny random weights, and one adapter that makes their metadata explicit.

Importing this package imports no tower; `build` imports the one it needs.
"""

from __future__ import annotations

from functools import cache

from models.api import Encoder
from models.attention import kernels_seen
from models.encoder import GenericEncoder
from models.families import FAMILIES, UnknownFamily, family
from models.towers import build_tower

__all__ = ["FAMILIES", "UnknownFamily", "build", "family", "kernels_seen"]


def build(name: str, *, device: str = "cpu") -> Encoder:
    """The encoder of one family. It is built once per process and device, and holds no state between calls.

    Raises:
        UnknownFamily: there is no such family.
    """
    return _build(family(name).name, device)


@cache
def _build(name: str, device: str) -> Encoder:
    return GenericEncoder(build_tower(name), device=device)
