"""For every law on configurations a session that breaks it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from models.api import Item
from selftests.properties.bookkeeper import Books
from suite.contract.subject import Bounds, Refused


class _AcceptsAndFails(Books):
    """Takes two budgets or more, and cannot encode with them."""

    def answer(self, item: Item) -> Tensor:
        return super().answer(item) + (len(self.setup.budgets) > 1)


class _AcceptsAll(Books):
    """Looks at no value."""

    def check(self) -> None:
        """No check."""

    def ladder(self) -> tuple[int, ...]:
        return tuple(budget for budget in self.setup.budgets if isinstance(budget, int) and budget > 0)


class _KeepsOrder(Books):
    """Does not sort what it was given."""

    def bounds(self) -> Bounds:
        bounds = super().bounds()
        return replace(bounds, budgets=self.setup.budgets or bounds.budgets)


class _TakesManyItems(Books):
    """Infers room for more items than its smallest budget has tokens."""

    def bounds(self) -> Bounds:
        bounds = super().bounds()
        return replace(bounds, max_items=self.setup.max_items or 2 * bounds.budgets[-1])


class _AlwaysOn(Books):
    """Captures though it was told not to."""

    def encode(self, items: Sequence[Item]) -> Sequence[Tensor]:
        if not self.graphs:
            self.capture()
        return super().encode(items)


class _EndsAtAPower(Books):
    """Doubles as long as the maximum is not exceeded."""

    @staticmethod
    def inferred(least: int, most: int) -> tuple[int, ...]:
        return tuple(budget for budget in Books.inferred(least, most) if budget & (budget - 1) == 0)


class _OnlyFlash(Books):
    """Has kernels of one back end, whichever is asked for."""

    def kernels(self) -> frozenset[str]:
        return frozenset({"flash"})


class _TakesAnyModel(Books):
    """Accepts a model that lacks a method."""

    @staticmethod
    def missing_method(method: str) -> None:
        """No refusal."""


class _RefusesCurtly(Books):
    """Refuses without a word."""

    def check(self) -> None:
        raise Refused("no")


REFUSES_CURTLY = _RefusesCurtly
BROKEN_CONFIGURATIONS: dict[str, type[Books]] = {
    "configuration/accepted-means-it-runs": _AcceptsAndFails,
    "configuration/bad-values-are-refused": _AcceptsAll,
    "configuration/ladder-is-sound": _KeepsOrder,
    "configuration/items-fit-the-smallest-budget": _TakesManyItems,
    "configuration/inferred-ladder-spans-the-range": _EndsAtAPower,
    "configuration/off-changes-nothing": _AlwaysOn,
    "configuration/asked-backend-runs": _OnlyFlash,
    "configuration/missing-method-is-named": _TakesAnyModel,
}
"""By law, the session that it must catch."""
