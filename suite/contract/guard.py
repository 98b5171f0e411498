"""Between a law and a subject: what a subject raises, prints or returns wrongly becomes `SubjectFailed`.

A law may then be written as if every subject behaved, and an exception of the law itself stays an
exception of the law: the judge tells the two apart by type.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from torch import Tensor

from models.api import Family, Item
from suite.contract.calls import Guard, SubjectFailed
from suite.contract.case import Setup
from suite.contract.compiling import CompilingSubject, LedgerSubject
from suite.contract.decorating import DecoratingSubject, LoadingSubject, Wishes
from suite.contract.engine import EngineSubject, StartSeen
from suite.contract.engine_case import EngineCase
from suite.contract.guarded_decoration import GuardedLoad, GuardedWorkbench
from suite.contract.guarded_engine import run_engine
from suite.contract.guarded_keeping import GuardedKeeping
from suite.contract.guarded_program import GuardedProgram
from suite.contract.guarded_rank_processes import GuardedRankProcesses
from suite.contract.guarded_ranks import GuardedRanks
from suite.contract.guarded_startup import GuardedStartup
from suite.contract.keeping import KeepingSubject
from suite.contract.outputs import check_outputs
from suite.contract.program import Start
from suite.contract.sharding import RankProcessSubject, ShardingSubject
from suite.contract.subject import (
    AdapterBroken,
    Bounds,
    Capabilities,
    Counts,
    DeviceFacts,
    Launch,
    Session,
    Subject,
    Where,
)
from suite.contract.timeline import Ledger, Timeline


class GuardedSession:
    """A session whose every answer has been looked at."""

    def __init__(self, session: Session, *, family: Family, guard: Guard, device: str) -> None:
        self._session = session
        self._family = family
        self._device = device
        self._guard = guard

    def encode(self, items: Sequence[Item]) -> list[Tensor]:
        """As `Session.encode`; the answers have the right number, type, shape, dtype and device, and no NaN."""
        with self._guard.call("encode"):
            outputs = self._session.encode(items)
        return check_outputs(outputs, items, self._family, device=self._device)

    def refusal(self, items: Sequence[Item]) -> str | None:
        """The subject's words for refusing a batch that it should refuse; None if it answered."""
        try:
            with self._guard.call("encode"):
                self._session.encode(items)
        except SubjectFailed as failure:
            return str(failure.__cause__)
        return None

    def padded_eager(self, items: Sequence[Item]) -> list[Tensor]:
        """As `Session.padded_eager`; a NaN is let through, since the arm is there to find it."""
        with self._guard.call("padded_eager"):
            return list(self._session.padded_eager(items))

    def close(self) -> None:
        """As `Session.close`."""
        with self._guard.call("close"):
            self._session.close()

    def bounds(self) -> Bounds:
        """As `Session.bounds`."""
        with self._guard.call("bounds"):
            return self._session.bounds()

    def launches(self) -> list[Launch]:
        """As `Session.launches`."""
        with self._guard.call("launches"):
            return list(self._session.launches())

    def promised_ratio(self, items: Sequence[Item]) -> float | None:
        """As `Session.promised_ratio`."""
        with self._guard.call("promised_ratio"):
            return self._session.promised_ratio(items)

    def counts(self) -> Counts:
        """As `Session.counts`."""
        with self._guard.call("counts"):
            return self._session.counts()

    def clear(self) -> None:
        """As `Session.clear`."""
        with self._guard.call("clear"):
            self._session.clear()

    def capture(self) -> None:
        """As `Session.capture`."""
        with self._guard.call("capture"):
            self._session.capture()

    def fail_next(self, where: Where, *, after: int = 0) -> None:
        """As `Session.fail_next`."""
        with self._guard.call("fail_next"):
            self._session.fail_next(where, after=after)

    def facts(self) -> DeviceFacts:
        """As `Session.facts`."""
        with self._guard.call("facts"):
            return self._session.facts()

    def memory(self) -> dict[int, int]:
        """As `Session.memory`."""
        with self._guard.call("memory"):
            return self._session.memory()


class GuardedSubject:
    """A subject whose sessions are guarded and closed."""

    def __init__(self, subject: Subject, *, families: dict[str, Family]) -> None:
        self._subject = subject
        self._families = families
        self.guard = Guard()
        self.name = subject.name
        self.version = subject.version
        self.capabilities: Capabilities = subject.capabilities

    @contextlib.contextmanager
    def session(self, family: str, setup: Setup) -> Iterator[GuardedSession]:
        """Starts a session, and closes it whatever happens.

        Raises:
            Refused: the subject refuses the setup.
        """
        known = self._families[family]
        self.guard.inside = None
        with self.guard.call("start"):
            started = self._subject.start(known, setup)
        session = GuardedSession(started, family=known, guard=self.guard, device=self.capabilities.device)
        with _closed(session):
            yield session

    def missing_method(self, family: str, method: str) -> None:
        """As `Subject.missing_method`."""
        with self.guard.call(f"start without {method}"):
            self._subject.missing_method(self._families[family], method)

    def inferred_ladder(self, family: str, *, least: int, most: int) -> tuple[int, ...]:
        """As `Subject.inferred_ladder`."""
        with self.guard.call(f"start of a model with budgets from {least} to {most}"):
            return tuple(self._subject.inferred_ladder(self._families[family], least=least, most=most))

    def methods(self) -> tuple[str, ...]:
        """As `Subject.methods`."""
        return self._subject.methods()

    @contextlib.contextmanager
    def program(self, family: str, start: Start, workspace: Path) -> Iterator[GuardedProgram]:
        """Starts a program, and closes it whatever happens.

        Raises:
            Refused: the subject refuses the setup.
        """
        with self.guard.call("start"):
            program = GuardedProgram(self._compiling.start_program(family, start, workspace), guard=self.guard)
        with _closed(program):
            yield program

    def ledger(self, timeline: Timeline) -> Ledger:
        """As `LedgerSubject.keep_ledger`."""
        if not isinstance(self._subject, LedgerSubject):
            raise AdapterBroken(f"{self.name} declares a ledger, but has no keep_ledger")
        with self.guard.call("keep_ledger"):
            return self._subject.keep_ledger(timeline)

    @contextlib.contextmanager
    def workbench(self, wishes: Wishes) -> Iterator[GuardedWorkbench]:
        """A workbench, closed whatever happens.

        Raises:
            Refused: the subject refuses the wishes.
        """
        if not isinstance(self._subject, DecoratingSubject):
            raise AdapterBroken(f"{self.name} declares that it decorates, but has no workbench")
        with self.guard.call("workbench"):
            bench = GuardedWorkbench(self._subject.workbench(wishes), guard=self.guard)
        with _closed(bench):
            yield bench

    @contextlib.contextmanager
    def loaded(self, config: object, wishes: Wishes) -> Iterator[GuardedLoad]:
        """A loaded model, closed whatever happens.

        Raises:
            Refused: the subject refuses the configuration or the wishes.
        """
        if not isinstance(self._subject, LoadingSubject):
            raise AdapterBroken(f"{self.name} declares that it loads models, but has no load_model")
        with self.guard.call("load_model"):
            load = GuardedLoad(self._subject.load_model(config, wishes), guard=self.guard)
        with _closed(load):
            yield load

    @contextlib.contextmanager
    def ranks(self, family: str, setup: Setup, ranks: int) -> Iterator[GuardedRanks]:
        """Starts a session over so many ranks, and closes it whatever happens.

        Raises:
            Refused: the subject refuses the setup or the number of ranks.
        """
        if not isinstance(self._subject, ShardingSubject):
            raise AdapterBroken(f"{self.name} declares that it runs on ranks, but has no start_ranks")
        known = self._families[family]
        with self.guard.call("start_ranks"):
            started = self._subject.start_ranks(known, setup, ranks)
        device = self.capabilities.device
        session = GuardedRanks(started, family=known, guard=self.guard, device=device, ranks=ranks)
        with _closed(session):
            yield session

    @contextlib.contextmanager
    def rank_processes(self, family: str, setup: Setup, ranks: int) -> Iterator[GuardedRankProcesses]:
        """Starts a session over so many processes, and closes it whatever happens.

        Raises:
            Refused: the subject refuses the setup or the number of ranks.
        """
        if not isinstance(self._subject, RankProcessSubject):
            raise AdapterBroken(f"{self.name} declares ranks in processes, but has no start_rank_processes")
        known = self._families[family]
        with self.guard.call("start_rank_processes"):
            started = self._subject.start_rank_processes(known, setup, ranks)
        device = self.capabilities.device
        session = GuardedRankProcesses(started, family=known, guard=self.guard, device=device, ranks=ranks)
        with _closed(session):
            yield session

    @contextlib.contextmanager
    def keeping(self, family: str, setup: Setup, capacity_bytes: int) -> Iterator[GuardedKeeping]:
        """Starts a session with a cache, and closes it whatever happens.

        Raises:
            Refused: the subject refuses the setup or the capacity.
        """
        if not isinstance(self._subject, KeepingSubject):
            raise AdapterBroken(f"{self.name} declares that it keeps outputs, but has no start_keeping")
        known = self._families[family]
        with self.guard.call("start_keeping"):
            started = self._subject.start_keeping(known, setup, capacity_bytes)
        session = GuardedKeeping(started, family=known, guard=self.guard, device=self.capabilities.device)
        with _closed(session):
            yield session

    @property
    def startup(self) -> GuardedStartup:
        """The subject's startup benchmark, and real starts of its own."""
        return GuardedStartup(self._subject, guard=self.guard)

    def run_engine(self, case: EngineCase) -> list[StartSeen]:
        """As `EngineSubject.run_engine`, within the limits of the case."""
        if not isinstance(self._subject, EngineSubject):
            raise AdapterBroken(f"{self.name} declares that it has an engine, but has no run_engine")
        return run_engine(self._subject, case, guard=self.guard)

    @property
    def _compiling(self) -> CompilingSubject:
        if not isinstance(self._subject, CompilingSubject):
            raise AdapterBroken(f"{self.name} declares that it compiles, but has no start_program")
        return self._subject


class _Closable(Protocol):
    def close(self) -> None: ...


@contextlib.contextmanager
def _closed(each: _Closable) -> Iterator[None]:
    """Closes it at the end; a failure before is the one to tell, which one of the close would hide."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(SubjectFailed):
            each.close()
        raise
    each.close()
