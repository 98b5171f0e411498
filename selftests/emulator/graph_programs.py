"""Small programs to capture, and a way to compare messages without their line numbers."""

from __future__ import annotations

import re
from collections.abc import Callable

import torch
from torch import Tensor

from suite.emulator.device import EmulatedDevice
from suite.emulator.errors import CaptureSpoiled, EmulatorError

_SITE = re.compile(r"emulator/test_\w+\.py:\d+ in [\w<>]+ `([^`]*)`")


def floats(device: EmulatedDevice, *shape: int) -> Tensor:
    """A static buffer with the values 0, 1, 2, ..."""
    buffer = device.allocate(shape, dtype=torch.float32)
    buffer.copy_(device.place(torch.arange(buffer.numel(), dtype=torch.float32)).view(shape))
    return buffer


def without_lines(text: str) -> str:
    """A message with `<code>` for every place in a test file, so that texts can be compared in full."""
    return _SITE.sub(r"<\1>", text)


def refusal(device: EmulatedDevice, run: Callable[[], object]) -> str:
    """The message with which capturing `run` is refused, without lines; and nothing stays open.

    Raises:
        AssertionError: the capture was not refused.
    """
    try:
        device.capture(run)
    except EmulatorError as error:
        assert device.facts.open_captures == 0
        return without_lines(f"{type(error).__name__}: {error}")
    raise AssertionError("the capture was not refused")


def swallowed(device: EmulatedDevice, run: Callable[[], object]) -> str:
    """The message at the end of a capture in which `run` is refused and the refusal is swallowed."""

    def careless() -> None:
        try:
            run()
        except EmulatorError:
            return

    try:
        device.capture(careless)
    except CaptureSpoiled as error:
        return without_lines(str(error))
    raise AssertionError("the spoiled capture was accepted")
