"""A subject whose every answer is a function given to it: honest by default, broken as a test wishes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from torch import Tensor

from models.api import Family, Grid, Item
from models.families import FAMILIES
from models.towers import build_tower
from suite.contract.case import Case, ItemSpec, Setup, draw_pixels
from suite.contract.guard import GuardedSubject
from suite.contract.law import Check, Law
from suite.contract.subject import Bounds, Capabilities, Counts, DeviceFacts, Session, Where
from suite.contract.verdict import Verdict, holds

ALL_FAMILIES = {family.name: family for family in FAMILIES}
TOY = ALL_FAMILIES["toy"]
ONE = ItemSpec(Grid(1, 2, 2))
TWO = ItemSpec(Grid(1, 2, 4), seed=1)
CASE = Case("toy", Setup(budgets=(4, 8), max_items=2), ((ONE, TWO), (TWO,)))
FACTS = DeviceFacts(graphs_alive=2, retained_bytes=64, refused=(), escaped=(), baked_numbers=(), cold_captures=())


def honest(items: Sequence[Item]) -> list[Tensor]:
    """Each item alone through the bare toy."""
    return [build_tower("toy").encode(item.pixels, item.grid) for item in items]


def nothing(*_: object) -> None:
    """The answer of a method that says nothing."""


@dataclass(frozen=True)
class Behaviour:
    """What each method of the session does."""

    encode: Callable[[Sequence[Item]], object] = honest
    padded_eager: Callable[[Sequence[Item]], object] = honest
    bounds: Callable[[], object] = lambda: Bounds((4, 8), 2, None)
    launches: Callable[[], object] = list
    promised_ratio: Callable[[Sequence[Item]], object] = nothing
    counts: Callable[[], object] = lambda: Counts(0, 0, 0, 0.0, (4, 8), 2)
    facts: Callable[[], object] = lambda: FACTS
    memory: Callable[[], object] = lambda: {4: 64, 8: 64}
    clear: Callable[[], object] = nothing
    capture: Callable[[], object] = nothing
    close: Callable[[], object] = nothing
    fail_next: Callable[[Where], object] = nothing
    start: Callable[[Family, Setup], object] = nothing
    """Called before the session is made."""
    inferred_ladder: Callable[[int, int], object] = lambda least, most: (least, most)
    missing_method: Callable[[Family, str], object] = nothing


class Invented:
    """A subject of that behaviour."""

    def __init__(self, behaviour: Behaviour, capabilities: Capabilities) -> None:
        self.name = "invented"
        self.version = "1"
        self.capabilities = capabilities
        self._behaviour = behaviour

    def start(self, family: Family, setup: Setup) -> Session:
        """The behaviour itself is the session: its fields are called as methods."""
        self._behaviour.start(family, setup)
        return cast("Session", self._behaviour)

    def missing_method(self, family: Family, method: str) -> None:
        """As the behaviour's."""
        self._behaviour.missing_method(family, method)

    def inferred_ladder(self, family: Family, *, least: int, most: int) -> tuple[int, ...]:
        """As the behaviour's."""
        return cast("tuple[int, ...]", self._behaviour.inferred_ladder(least, most))

    def methods(self) -> tuple[str, ...]:
        """Two methods."""
        return ("first", "second")


def subject(capabilities: Capabilities | None = None, /, **changes: Callable[..., object]) -> GuardedSubject:
    """A guarded subject, honest but for the given methods."""
    behaviour = replace(Behaviour(), **cast("dict[str, Any]", changes))
    return GuardedSubject(Invented(behaviour, capabilities or Capabilities()), families=ALL_FAMILIES)


def raising(error: BaseException) -> Callable[..., object]:
    """A method that raises."""

    def method(*_: object, **__: object) -> object:
        raise error

    return method


def encodes_first_batch(case: Case, given: GuardedSubject) -> Verdict:
    """The smallest check: the first batch is encoded."""
    with given.session(case.family, case.setup) as session:
        session.encode(items_of(case))
    return holds()


def items_of(case: Case, batch: int = 0) -> list[Item]:
    """Fresh items of a batch of the case."""
    return [draw_pixels(spec, ALL_FAMILIES[case.family]) for spec in case.history[batch]]


def invented_law(check: Check = encodes_first_batch, *, inputs: str = "mixes") -> Law:
    """A law with that check."""
    return Law("invented/law", "What must hold.", "nothing", ("SPEC G4",), inputs, check)
