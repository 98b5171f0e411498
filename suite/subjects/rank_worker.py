"""What runs in the process of one rank: it joins the group, encodes when it is asked, and keeps what it gave out."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from models.api import Family, Item
from reference.encoder_graph.collectives import Collectives
from reference.engine.place import Place
from suite.contract.case import Setup
from suite.contract.processes import as_forked
from suite.contract.shard_case import ENDINGS, Plant
from suite.contract.sharding import RankAnswer, SeenCollective
from suite.contract.subject import Disturbance
from suite.subjects.reference_parts import Parts
from suite.subjects.reference_rank import Rank, seen

GROUP_SECONDS = 6.0
"""How long a rank waits for the others, at the meeting and in each collective."""
MOST_TEXT = 2000
"""Characters of what a rank raised that come back."""


class RankRaised(RuntimeError):
    """What a rank raised, in words: not every exception can be sent."""


class _Watched:
    """The group behind a rank's seat: it notes each collective, and the rank may end before the second of a batch."""

    def __init__(self, group: Collectives, end: Callable[[Plant], None]) -> None:
        self._group = group
        self._end = end
        self.rank = group.rank
        self.world_size = group.world_size
        self.entered: list[SeenCollective] = []
        self.plant: Plant | None = None

    def begin(self, plant: Plant | None) -> None:
        """A new batch."""
        self.entered = []
        self.plant = plant if plant is not None and plant.what in ENDINGS and plant.at == "between" else None

    def all_gather(self, tensor: Tensor) -> list[Tensor]:
        """As the group's."""
        if self.plant is not None and len(self.entered) == 1:
            self._end(self.plant)
        self.entered.append(seen(tuple(tensor.shape), tensor.dtype))
        return self._group.all_gather(tensor)


def _end(plant: Plant) -> None:
    """Dies at once, or waits for somebody to end this process."""
    if plant.what == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    threading.Event().wait()


class RankWorker:
    """One rank of a session; its methods are what its process can be asked."""

    def __init__(self, place: Place, *, family: Family, setup: Setup, parts: Parts) -> None:
        self._place = place
        self._family = family
        self._setup = setup
        self._parts = parts
        self._rank: Rank | None = None
        self._group: _Watched | None = None
        self._kept: list[list[Tensor] | None] = []

    def begin(self) -> str | None:
        """Captures, then meets the others; a text if the configuration is refused."""
        with as_forked():
            return self._begin()

    def _begin(self) -> str | None:
        place, parts = self._place, self._parts
        try:
            rank = Rank(place.rank, place.world_size, family=self._family, setup=self._setup, parts=parts, end=_end)
        except ValueError as error:
            return str(error)
        rank.capture()
        group = parts.sharding.join(place, torch.device("cpu"), seconds=GROUP_SECONDS)
        self._rank, self._group = rank, _Watched(group.collectives, _end)
        rank.seat.join(self._group)
        return None

    def encode(self, items: Sequence[Item], plant: Plant | None) -> RankAnswer:
        """The batch together with the others; what it raises is in the answer."""
        rank, group = self._ready
        rank.watch.begin(items, plant)
        group.begin(plant)
        outputs, error = None, None
        try:
            if plant is not None and plant.what in ENDINGS and plant.at == "before":
                _end(plant)
            with as_forked():
                outputs = rank.encode(items)
        except Exception as raised:
            error = _sendable(raised)
        self._kept.append(outputs)
        return RankAnswer(
            outputs=outputs, error=error, encoded=tuple(rank.watch.encoded), collectives=tuple(group.entered)
        )

    def held(self, batch: int) -> RankAnswer:
        """What it holds of a batch."""
        return RankAnswer(outputs=self._kept[batch])

    def mark(self, batch: int) -> RankAnswer:
        """Fills each output of a batch with its place."""
        with torch.inference_mode():
            for place, output in enumerate(self._kept[batch] or ()):
                output.fill_(place)
        return self.held(batch)

    def wait(self, batch: int) -> RankAnswer:
        """Nothing is to be done here."""
        return RankAnswer()

    @property
    def _ready(self) -> tuple[Rank, _Watched]:
        if self._rank is None or self._group is None:
            raise RuntimeError("the rank has not begun")
        return self._rank, self._group


def _sendable(error: Exception) -> Exception:
    """The failure that a law planted as it is, anything else as its words."""
    if isinstance(error, Disturbance):
        return Disturbance(str(error))
    return RankRaised(f"{type(error).__name__}: {error}"[:MOST_TEXT])


Make = Callable[[Place], RankWorker]
_PLANS: dict[int, Make] = {}
_NUMBERS = itertools.count()


@contextmanager
def planned(make: Make) -> Iterator[dict[str, object]]:
    """The arguments with which `worker` makes these workers, in processes that are forked meanwhile.

    A factory of the reference is data. What a forked process inherits beside it is this module as it stands.
    """
    number = next(_NUMBERS)
    _PLANS[number] = make
    try:
        yield {"plan": number}
    finally:
        del _PLANS[number]


def worker(place: Place, *, plan: int) -> RankWorker:
    """The worker of one place."""
    return _PLANS[plan](place)
