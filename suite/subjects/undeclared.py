"""What an adapter answers where its implementation has nothing of the kind: no law asks, since nothing is declared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from models.api import Family, Item
from suite.contract.subject import AdapterBroken, Where


def _undeclared(capability: str) -> NoReturn:
    raise AdapterBroken(f"the capability `{capability}` is not declared: the subject has nothing of the kind")


class BareSession:
    """The part of a session that goes by capability, with no capability. Adapters override what they declare."""

    def bounds(self) -> NoReturn:
        """Capability `token_budgets`."""
        _undeclared("token_budgets")

    def launches(self) -> NoReturn:
        """Capability `token_budgets`."""
        _undeclared("token_budgets")

    def promised_ratio(self, items: Sequence[Item]) -> NoReturn:
        """Capability `token_budgets`."""
        _undeclared("token_budgets")

    def counts(self) -> NoReturn:
        """Capability `statistics`."""
        _undeclared("statistics")

    def padded_eager(self, items: Sequence[Item]) -> NoReturn:
        """Capability `padded_eager`."""
        _undeclared("padded_eager")

    def clear(self) -> NoReturn:
        """Capability `lifecycle`."""
        _undeclared("lifecycle")

    def capture(self) -> NoReturn:
        """Capability `lifecycle`."""
        _undeclared("lifecycle")

    def fail_next(self, where: Where, *, after: int = 0) -> NoReturn:
        """Capability `disturbable`."""
        _undeclared("disturbable")

    def memory(self) -> NoReturn:
        """Capability `memory_report`."""
        _undeclared("memory_report")


class BareSubject:
    """The part of a subject that goes by capability, with no capability."""

    def missing_method(self, family: Family, method: str) -> NoReturn:
        """Capability `model_protocol`."""
        _undeclared("model_protocol")

    def inferred_ladder(self, family: Family, *, least: int, most: int) -> NoReturn:
        """Capability `infers_ladder`."""
        _undeclared("infers_ladder")

    def methods(self) -> NoReturn:
        """Capability `model_protocol`."""
        _undeclared("model_protocol")
