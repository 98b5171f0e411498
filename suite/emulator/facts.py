"""What a device can be asked about itself: one frozen snapshot."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BakedNumbers:
    """Python numbers and lists that captures turned into tensors (rule R6): how many, and at which lines."""

    count: int = 0
    sites: tuple[str, ...] = ()


@dataclass(frozen=True)
class Escape:
    """Memory born in a finished capture that lives on although the capture did not return it (rule R12)."""

    label: str
    """Dtype and shape at birth."""
    site: str
    capture: int
    """Which capture of the device, counted from 1."""


@dataclass(frozen=True)
class Facts:
    """Counters since the device was made, and its state at the moment of asking."""

    captures_started: int
    captures_completed: int
    replays: int
    """Replays that ran to their end."""
    graphs_alive: int
    """Graphs captured, not reset and not garbage."""
    retained_bytes: int
    """Bytes of pool memory that graphs and live tensors hold."""
    baked_numbers: BakedNumbers
    refused: tuple[str, ...]
    """Texts of all refusals in captures, those that model code swallowed included."""
    escaped: tuple[Escape, ...]
    """Captures made through the shim return nothing, so theirs are not known and not listed."""
    open_captures: int
