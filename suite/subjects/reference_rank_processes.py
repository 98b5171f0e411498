"""One session of the reference over several ranks: a process for each, forked from this one and joined over gloo.

The processes are the reference's own (`reference.engine.process`), and so is the meeting. They are forked and not
started afresh: a forked process has whatever part a fault replaced, and is there in milliseconds.
"""

from __future__ import annotations

import multiprocessing
import queue
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import partial
from multiprocessing.context import SpawnContext
from typing import cast

from models.api import Family, Item
from reference.engine.place import BUILD, Place, WorkerFactory
from reference.engine.process import Event, WorkerProcess
from suite.contract.case import Setup
from suite.contract.processes import quiet_fork
from suite.contract.shard_case import Plant
from suite.contract.sharding import RankAnswer
from suite.contract.subject import Refused
from suite.subjects import rank_worker
from suite.subjects.rank_worker import RankRaised, RankWorker
from suite.subjects.reference_parts import Parts

DEADLINE_SECONDS = 12.0
"""After this long a rank that has not answered counts as stuck."""
PLANTED_SECONDS = 1.0
"""For a rank that was told to hang, once all others have answered: it might not have come to that place."""
START_SECONDS = 18.0
"""For all ranks to be there, captured, and joined."""
END_SECONDS = 5.0
FACTORY = f"{rank_worker.__name__}:worker"
# The reference's processes are typed for the context that a user has.
FORK = cast("SpawnContext", multiprocessing.get_context("fork"))


class RankGone(RuntimeError):
    """The process of a rank has ended; the text says how."""


class ReferenceRankProcesses:
    """Runners of one configuration, each in a process of its own."""

    def __init__(self, family: Family, setup: Setup, *, ranks: int, parts: Parts) -> None:
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._lost: dict[int, RankAnswer] = {}
        """Ranks that died or did not come back: they are asked nothing more."""
        self._processes: list[WorkerProcess] = []
        make = partial(RankWorker, family=family, setup=setup, parts=parts)
        try:
            # Ranks that have met need the place of their meeting no more: no interrupt later on leaves it behind.
            with tempfile.TemporaryDirectory(prefix="lockstep-sharded-", ignore_cleanup_errors=True) as folder:
                self._start(make, [Place(rank, ranks, f"file://{folder}/meeting") for rank in range(ranks)], parts)
        except BaseException:
            self.close()
            raise

    def _start(self, make: rank_worker.Make, places: Sequence[Place], parts: Parts) -> None:
        with rank_worker.planned(make) as arguments, quiet_fork():
            factory = WorkerFactory(FACTORY, arguments)
            for place in places:
                self._processes.append(parts.sharding.process(place, factory, context=FORK, events=self._events))
            for each in self._processes:
                each.start()
        deadline = time.monotonic() + START_SECONDS
        # A process says of itself that it is there; the rest it is asked.
        for method in (None, BUILD, "begin"):
            if method:
                self._ask(method)
            values = self._values(self._gathered(deadline))
        if refusals := [each for each in values if isinstance(each, str)]:
            raise Refused(refusals[0])

    def _ask(self, method: str, *arguments: object) -> None:
        for rank, process in enumerate(self._processes):
            if rank not in self._lost:
                process.ask(method, *arguments)

    def _values(self, events: Mapping[int, Event]) -> list[object]:
        """What all ranks answered.

        Raises:
            RuntimeError: one did not; the best explanation first.
        """
        for kind in ("gone", "failed"):
            for rank, event in sorted(events.items()):
                if event.kind == kind:
                    raise RuntimeError(f"rank {rank} did not start: {event.value}")
        if missing := [rank for rank in range(len(self._processes)) if rank not in events]:
            raise TimeoutError(f"ranks {missing} did not start within {START_SECONDS:g} s")
        return [events[rank].value for rank in sorted(events)]

    def _gathered(self, deadline: float, *, hanging: int | None = None) -> dict[int, Event]:
        """The event that answers, by rank; without those who did not come in time."""
        wanted = set(range(len(self._processes))) - self._lost.keys()
        found: dict[int, Event] = {}
        while wanted - found.keys():
            if wanted - found.keys() == {hanging}:
                deadline = min(deadline, time.monotonic() + PLANTED_SECONDS)
            try:
                event = self._events.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                return found
            if event.kind != "stage" and event.rank not in self._lost:
                found[event.rank] = event
        return found

    def encode(self, items: Sequence[Item], plant: Plant | None = None) -> Sequence[RankAnswer]:
        """The batch on every rank at once; a rank that dies, or does not come back, is never asked again."""
        for rank, process in enumerate(self._processes):
            if rank not in self._lost:
                process.ask("encode", list(items), plant if plant is not None and plant.rank == rank else None)
        return self._answers(hanging=plant.rank if plant is not None and plant.what == "hangs" else None)

    def held(self, batch: int) -> Sequence[RankAnswer]:
        """What each rank holds of a batch, read in its own process."""
        self._ask("held", batch)
        return self._answers()

    def mark(self, batch: int, *, rank: int) -> Sequence[RankAnswer]:
        """Lets one rank write, and reads all."""
        for number, process in enumerate(self._processes):
            if number not in self._lost:
                process.ask("mark" if number == rank else "wait", batch)
        self._answers()
        return self.held(batch)

    def _answers(self, *, hanging: int | None = None) -> list[RankAnswer]:
        events = self._gathered(time.monotonic() + DEADLINE_SECONDS, hanging=hanging)
        return [self._answer(rank, events.get(rank)) for rank in range(len(self._processes))]

    def _answer(self, rank: int, event: Event | None) -> RankAnswer:
        if rank in self._lost:
            return self._lost[rank]
        if event is None:
            error = TimeoutError(f"rank {rank} did not come back within {DEADLINE_SECONDS:g} s")
            self._lost[rank] = RankAnswer(error=error, stuck=True)
        elif event.kind == "gone":
            self._lost[rank] = RankAnswer(error=RankGone(f"the process of rank {rank} {event.value}"))
        elif event.kind == "failed":
            return RankAnswer(error=RankRaised(str(event.value)))
        else:
            return cast("RankAnswer", event.value)
        return self._lost[rank]

    def close(self) -> None:
        """Ends all processes, whatever they do, and waits until they are gone.

        Raises:
            RuntimeError: one could not be ended.
        """
        processes, self._processes = self._processes, []
        left = [each.pid for each in processes if not each.end(seconds=END_SECONDS)]
        if left:
            raise RuntimeError(f"processes {left} could not be ended")
