"""Places to call a program from: grad modes, another thread, a context of somebody else's."""

from __future__ import annotations

import contextlib
import contextvars
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import torch

from suite.oracles.programs import Answer

Work = Callable[[], Answer]
Place = Callable[[Work], Answer]
"""Runs the work in some surroundings."""

_FOREIGN: contextvars.ContextVar[str] = contextvars.ContextVar("_FOREIGN")


def under(context: Callable[[], AbstractContextManager[object]]) -> Place:
    """Work inside a context."""

    def place(work: Work) -> Answer:
        with context():
            return work()

    return place


def _in_a_thread(work: Work) -> Answer:
    """A new thread has grad mode on, no context variables, and none of the caller's thread-locals."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


@contextlib.contextmanager
def _foreign() -> Iterator[None]:
    """A context variable, a default device and a filter for warnings: nothing that a forward should ask for."""
    token = _FOREIGN.set("set")
    try:
        with warnings.catch_warnings(), torch.device("cpu"):
            yield
    finally:
        _FOREIGN.reset(token)


SURROUNDINGS: Mapping[str, Place] = {
    "under no_grad": under(torch.no_grad),
    "in another thread": _in_a_thread,
    "with gradients on": under(torch.enable_grad),
    "under inference_mode": under(torch.inference_mode),
    "in a foreign context": under(_foreign),
}
