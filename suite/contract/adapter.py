"""Base classes for adapters: what a capability asks for and the adapter does not have makes it broken, not violated.

An adapter need not derive from them; `Subject` and `Session` are the contract.
"""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import Never

from torch import Tensor

from models.api import Family, Item
from suite.contract.case import Setup
from suite.contract.replacement import Replacement
from suite.contract.subject import AdapterBroken, Bounds, Capabilities, Counts, DeviceFacts, Launch, Session, Where


def _lacks(adapter: object, method: str, capability: str) -> Never:
    raise AdapterBroken(f"{type(adapter).__qualname__} declares {capability!r}, but has no {method}")


class Adapter(abc.ABC):
    """One implementation behind an adapter: give `name`, `version`, `capabilities`, and write `start`."""

    name: str
    version: str
    capabilities: Capabilities = Capabilities()
    replacements: tuple[Replacement, ...] = ()
    """What of the implementation is replaced; the report lists it."""

    @abc.abstractmethod
    def start(self, family: Family, setup: Setup) -> Session:
        """A session, captured and ready.

        Raises:
            Refused: the implementation refuses the setup.
            AdapterBroken: the implementation could not be reached.
        """

    def missing_method(self, family: Family, method: str) -> None:
        """Capability `model_protocol`."""
        _lacks(self, "missing_method", "model_protocol")

    def inferred_ladder(self, family: Family, *, least: int, most: int) -> tuple[int, ...]:
        """Capability `infers_ladder`."""
        _lacks(self, "inferred_ladder", "infers_ladder")

    def methods(self) -> tuple[str, ...]:
        """Capability `model_protocol`."""
        _lacks(self, "methods", "model_protocol")


class AdapterSession(abc.ABC):
    """A started session: write `encode`, and what the declared capabilities ask for."""

    @abc.abstractmethod
    def encode(self, items: Sequence[Item]) -> Sequence[Tensor]:
        """One `[tokens, width]` per item, in order."""

    def close(self) -> None:  # noqa: B027 - most sessions hold nothing that has to be given back
        """Gives everything back."""

    def bounds(self) -> Bounds:
        """Capability `token_budgets`."""
        _lacks(self, "bounds", "token_budgets")

    def launches(self) -> Sequence[Launch]:
        """Capability `token_budgets`."""
        _lacks(self, "launches", "token_budgets")

    def promised_ratio(self, items: Sequence[Item]) -> float | None:
        """Capability `token_budgets`: a packer promises nothing unless it says so."""
        return None

    def counts(self) -> Counts:
        """Capability `statistics`."""
        _lacks(self, "counts", "statistics")

    def padded_eager(self, items: Sequence[Item]) -> Sequence[Tensor]:
        """Capability `padded_eager`."""
        _lacks(self, "padded_eager", "padded_eager")

    def clear(self) -> None:
        """Capability `lifecycle`."""
        _lacks(self, "clear", "lifecycle")

    def capture(self) -> None:
        """Capability `lifecycle`."""
        _lacks(self, "capture", "lifecycle")

    def fail_next(self, where: Where, *, after: int = 0) -> None:
        """Capability `disturbable`."""
        _lacks(self, "fail_next", "disturbable")

    def facts(self) -> DeviceFacts:
        """Capability `observable`."""
        _lacks(self, "facts", "observable")

    def memory(self) -> dict[int, int]:
        """Capability `memory_report`."""
        _lacks(self, "memory", "memory_report")
