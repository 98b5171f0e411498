"""A second implementation of the contract, written for these tests: it only keeps books, and encodes in eager.

It shares no code with the reference. Equal neighbours share the smallest budget that holds them; graphs are
numbers. What it does in one line, a test may do wrongly in one line.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from models.api import Family, Grid, Item
from models.towers import build_tower
from suite.contract.case import Setup
from suite.contract.subject import Bounds, Capabilities, Counts, DeviceFacts, Disturbance, Launch, Refused, Where

GRAPH_BYTES = 100
OVERHEAD = 16
CAPABLE = Capabilities(
    token_budgets=True,
    statistics=True,
    padded_eager=True,
    lifecycle=True,
    configurable=True,
    can_be_off=True,
    disturbable=True,
    observable=True,
    memory_report=True,
    buffers_observed=True,
    model_protocol=True,
    infers_ladder=True,
    packers=("neighbours",),
    backends=("flash", "bucketed"),
    kernels_observed=True,
    video=True,
    several_sessions=True,
    checks_inputs=True,
    overhead=OVERHEAD,
)


class Books:
    """A session: what it captured, what ran, and what is to fail."""

    def __init__(self, family: Family, setup: Setup) -> None:
        self.family = family
        self.setup = setup
        self.graphs: list[int] = []
        self.last: list[Launch] = []
        self.hits = self.misses = self.failures = 0
        self.batches = 0
        self.armed: dict[Where, int] = {}
        self.max_items = setup.max_items or 1
        self.check()
        self.budgets = self.ladder()
        if setup.enabled:
            self.capture()

    def check(self) -> None:
        """Refuses what cannot work, by its value."""
        given: list[tuple[object, int]] = [*((budget, 1) for budget in self.setup.budgets), (self.max_items, 1)]
        given += [(self.setup.max_frames or 0, 0)]
        wrong = [value for value, least in given if type(value) is not int or value < least]
        if wrong or self.setup.backend not in (None, *self.family.backends):
            raise Refused(f"cannot be: {wrong or self.setup.backend}; see the manual for what can")
        if self.max_items > min(self.ladder()):
            raise Refused(f"{self.max_items} items do not fit {min(self.ladder())} tokens: give fewer")

    def ladder(self) -> tuple[int, ...]:
        """The budgets given, sorted and without duplicates, or powers of two."""
        given = tuple(sorted(set(self.setup.budgets)))
        return given or tuple(self.family.sizes.unit << step for step in range(6))

    @staticmethod
    def inferred(least: int, most: int) -> tuple[int, ...]:
        """Doubled until the maximum is reached."""
        return (least, *Books.inferred(2 * least, most)) if least < most else (most,)

    # -- encoding

    def encode(self, items: Sequence[Item]) -> Sequence[Tensor]:
        """Launch by launch."""
        self.batches += 1
        self.last = []
        return [output for group in self.groups(items) for output in self.launch(group, items)]

    def groups(self, items: Sequence[Item]) -> list[list[int]]:
        """Neighbours of one size share a launch as far as a graph holds them."""
        groups: list[list[int]] = []
        for index, item in enumerate(items):
            if groups and self.joins([items[member] for member in groups[-1]], item):
                groups[-1].append(index)
            else:
                groups.append([index])
        return groups

    def joins(self, group: Sequence[Item], item: Item) -> bool:
        """Whether the item may run with those."""
        equal = (group[0].grid, group[0].modality) == (item.grid, item.modality)
        room = len(group) < self.max_items and self.budget_for(item, len(group) + 1) is not None
        return equal and room

    def launch(self, group: Sequence[int], items: Sequence[Item]) -> list[Tensor]:
        """In a graph; each alone in eager if none fits or it fails."""
        budget = self.budget_for(items[group[0]], len(group))
        if budget is not None:
            try:
                self.fail("replay")
                self.last.append(Launch(tuple(group), budget, self.kernels()))
            except Disturbance:
                self.failures += 1
                budget = None
        return [self.run(index, items[index], budget) for index in group]

    def run(self, index: int, item: Item, budget: int | None) -> Tensor:
        """One item of a launch."""
        if len(item.pixels) != self.family.sizes.rows(item.grid):
            raise ValueError(f"{len(item.pixels)} rows for {item.grid}")
        return self.eager(index, item) if budget is None else self.replay(item)

    def budget_for(self, item: Item, copies: int = 1) -> int | None:
        """The smallest captured budget that holds so many items of that size."""
        if self.is_too_long(item, copies):
            return None
        tokens = copies * self.family.sizes.tokens(item.grid)
        return min((budget for budget in self.graphs if budget >= tokens), default=None)

    def is_too_long(self, item: Item, copies: int) -> bool:
        """Whether the frame limit keeps them in eager."""
        if self.setup.max_frames == 0 and item.modality == "video":
            return True
        return copies * self.frames(item.grid) > (self.setup.max_frames or math.inf)

    def frames(self, grid: Grid) -> int:
        """Tiles are no frames."""
        return 1 if self.family.sizes.tile else grid.frames

    def replay(self, item: Item) -> Tensor:
        """A hit."""
        output = self.answer(item)
        self.hits += 1
        return output

    def eager(self, index: int, item: Item) -> Tensor:
        """A miss."""
        self.fail("eager")
        output = self.answer(item)
        self.last.append(Launch((index,), None, self.kernels()))
        self.misses += 1
        return output

    def answer(self, item: Item) -> Tensor:
        """What the bare tower gives."""
        return build_tower(self.family.name).encode(item.pixels.contiguous(), item.grid)

    def kernels(self) -> frozenset[str]:
        """Those of the back end that was asked for."""
        return frozenset({self.setup.backend or CAPABLE.backends[0]})

    def padded_eager(self, items: Sequence[Item]) -> Sequence[Tensor]:
        """Nothing is padded."""
        return [build_tower(self.family.name).encode(item.pixels.contiguous(), item.grid) for item in items]

    # -- graphs

    def capture(self) -> None:
        """One graph per budget; a failure leaves none."""
        self.clear()
        for budget in self.budgets:
            try:
                self.fail("capture")
            except Disturbance:
                self.clear()
                raise
            self.graphs.append(budget)

    def clear(self) -> None:
        """No graph."""
        self.graphs = []

    def close(self) -> None:
        """No graph."""
        self.graphs = []

    def fail_next(self, where: Where, *, after: int = 0) -> None:
        """The next call there but `after` fails."""
        self.armed[where] = after

    def fail(self, where: Where) -> None:
        """Fails if it is time to."""
        left = self.armed.pop(where, None)
        if left == 0:
            raise Disturbance(f"planted failure in {where}")
        if left is not None:
            self.armed[where] = left - 1

    # -- what it says of itself

    def bounds(self) -> Bounds:
        """As configured."""
        return Bounds(self.budgets, self.max_items, self.setup.max_frames or (None, 1)[self.setup.max_frames == 0])

    def launches(self) -> Sequence[Launch]:
        """Of the last batch."""
        return self.last

    def promised_ratio(self, items: Sequence[Item]) -> float | None:
        """At worst every item has a launch of its own, in the largest graph instead of the smallest."""
        return max(1, len(items)) * self.budgets[-1] / self.budgets[0]

    def counts(self) -> Counts:
        """All items so far."""
        executed = self.hits + self.misses
        rate = self.hits / executed if executed else 0.0
        return Counts(self.hits, self.misses, self.failures, rate, self.budgets, len(self.graphs))

    def facts(self) -> DeviceFacts:
        """A clean device."""
        return DeviceFacts(len(self.graphs), GRAPH_BYTES * len(self.graphs), (), (), (), ())

    def memory(self) -> dict[int, int]:
        """The same for each budget."""
        return dict.fromkeys(self.graphs, GRAPH_BYTES)


class Bookkeeper:
    """The subject, with its sessions made by a class of sessions."""

    def __init__(self, books: type[Books] = Books) -> None:
        self.name = "bookkeeper"
        self.version = "1"
        self.capabilities = CAPABLE
        self._books = books

    def start(self, family: Family, setup: Setup) -> Books:
        """A session."""
        return self._books(family, setup)

    def missing_method(self, family: Family, method: str) -> None:
        """Refuses, by the method's name; a class of sessions may have its own way."""
        missing = getattr(self._books, "missing_method", None)
        if missing is None:
            raise Refused(f"the model lacks {method}")
        missing(method)

    def inferred_ladder(self, family: Family, *, least: int, most: int) -> tuple[int, ...]:
        """As a class of sessions infers it."""
        return self._books.inferred(least, most)

    def methods(self) -> tuple[str, ...]:
        """Two methods."""
        return ("encode_images", "encode_metadata")
