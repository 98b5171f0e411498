"""What a process hands on to what it starts, and what Python and Dynamo keep for everyone in it."""

from __future__ import annotations

import contextlib
import os
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch._dynamo.config as dynamo_config

State = Mapping[str, object]


def _set_environment(values: dict[str, str]) -> None:
    for name in set(os.environ) - set(values):
        del os.environ[name]
    os.environ.update(values)


def _set_search_path(value: list[str]) -> None:
    sys.path[:] = value


_settings: Any = dynamo_config
_PARTS: dict[str, tuple[Callable[[], object], Callable[[Any], object]]] = {
    "environment": (lambda: dict(os.environ), _set_environment),
    "working directory": (Path.cwd, os.chdir),
    "search path": (lambda: list(sys.path), _set_search_path),
    "Python's random numbers": (random.getstate, random.setstate),
    "Dynamo's settings": (lambda: _settings.get_config_copy(), lambda value: _settings.load_config(value)),
}
"""How each part is asked for, and how it is put back."""
_CHANGING = frozenset({"PYTEST_CURRENT_TEST"})
"""Variables of the environment that whoever runs the test writes meanwhile."""


def inherited_state() -> State:
    """Every part as it is now, by name."""
    return {name: ask() for name, (ask, _) in _PARTS.items()}


def handed_on(before: State) -> tuple[str, ...]:
    """What is not now what it was: names of the parts, those of the environment's variables with it."""
    now = inherited_state()
    return tuple(_told(name, before[name], now[name]) for name in now if _stable(now[name]) != _stable(before[name]))


def _stable(value: object) -> object:
    if isinstance(value, dict):
        return {name: each for name, each in value.items() if name not in _CHANGING}
    return value


def _told(name: str, before: object, now: object) -> str:
    if not (isinstance(before, dict) and isinstance(now, dict)):
        return name
    keys = sorted(key for key in {*before, *now} - _CHANGING if before.get(key) != now.get(key))
    return f"{name} ({', '.join(keys)})"


@contextlib.contextmanager
def inherited_kept() -> Iterator[State]:
    """The state at the beginning; what differs at the end is put back."""
    before = inherited_state()
    try:
        yield before
    finally:
        now = inherited_state()
        for name, (_, put_back) in _PARTS.items():
            if now[name] != before[name]:
                put_back(before[name])
