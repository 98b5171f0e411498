"""Towers: the bare modules, called as a user calls them. The eager oracle is built on this package alone."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Protocol, cast

import torch

from models.families import family
from models.towers.base import AttentionFunction, Tower

__all__ = ["AttentionFunction", "Tower", "build_tower"]


class _TowerFile(Protocol):
    """What each file of towers offers. A file has the name of its family."""

    def build(self) -> Tower: ...


def build_tower(name: str, *, device: str = "cpu") -> Tower:
    """The tower of one family, built once per process and device. Its weights never change.

    Raises:
        UnknownFamily: there is no such family.
    """
    return _build_tower(family(name).name, device)


@cache
def _build_tower(name: str, device: str) -> Tower:
    if device != "cpu":
        return build_tower(name).to(device)
    # Modules draw first weights from the process's random numbers, which are the caller's.
    with torch.random.fork_rng(devices=[]):
        # Only the file that is needed is imported, since transformers takes seconds.
        return cast(_TowerFile, importlib.import_module(f"{__name__}.{name}")).build()
