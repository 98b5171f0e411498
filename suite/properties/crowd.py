"""Two processes over one cache folder, one held before a step of its work on files; then a third."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from suite.contract.calls import SubjectFailed
from suite.contract.compiling import CompileFacts
from suite.contract.guard import GuardedSubject
from suite.contract.processes import ProcessDied, working
from suite.contract.program import ProgramCase, Start
from suite.contract.verdict import Verdict, violated
from suite.oracles.cache_folder import files
from suite.properties.restarted import unlike
from suite.properties.started import started, workspace

NOBODY = 0
PLACES = 3
"""At how many of its steps a process is held, in one case."""
PATIENCE = 4.0
"""Seconds that the other one has while the first is held: it may rightly wait for it, as for a lock."""
LIMIT = 30.0
"""Seconds of one process."""


@dataclass(frozen=True)
class _Told:
    """What one process says of its start."""

    wrong: Verdict | None
    facts: CompileFacts | None


@dataclass(frozen=True)
class _Round:
    """What became of a folder, and of the three processes that used it."""

    hold: int
    told: tuple[_Told, ...]
    """The first, the second that ran meanwhile, and the third that came after both."""
    files: frozenset[str]
    steps: int


class Crowd:
    """The starts of one case, each in a process of its own."""

    def __init__(self, case: ProgramCase, subject: GuardedSubject) -> None:
        self._case = case
        self._subject = subject

    def violations(self) -> Iterator[Verdict]:
        """What a start alone would not have done, said or left."""
        with workspace() as folder:
            alone, kept = self._run(self._case.starts[0], folder), files(folder)
        if alone.wrong:
            yield alone.wrong
            return
        try:
            free = self._round(NOBODY)
            yield from _unlike_alone(free, alone, kept)
            for hold in self._places(free.steps):
                yield from _unlike_alone(self._round(hold), alone, kept)
        except ProcessDied as died:
            yield violated(
                expected="each process does its work",
                actual=f"a process {died}",
                because="the subject ends the interpreter, or two processes wait for each other",
            )

    def _places(self, steps: int) -> range:
        """A few steps at equal distances; which ones, depends on the case."""
        distance = -(-steps // PLACES) or 1
        return range(1 + self._case.starts[0].calls[0].seed % distance, steps + 1, distance)

    def _round(self, hold: int) -> _Round:
        one, other = self._case.starts[:2]
        with workspace() as outer:
            folder = outer / "starts"
            folder.mkdir()
            with working(lambda: self._run(one, folder), folder=folder, hold=hold) as first:
                if hold:
                    first.wait(LIMIT)
                with working(lambda: self._run(other, folder), folder=folder) as second:
                    if hold:
                        second.wait(PATIENCE)
                    done = [first.finish(LIMIT), second.finish(LIMIT)]
            found = files(folder)
            with working(lambda: self._run(one, folder), folder=folder) as third:
                done.append(third.finish(LIMIT))
        return _Round(hold, tuple(each.answer for each in done), found, done[0].steps)

    def _run(self, start: Start, folder: Path) -> _Told:
        """One start, wherever this is called."""
        try:
            with started(self._case, start, self._subject, folder) as run:
                wrong = run.first_wrong()
                return _Told(wrong, run.program.facts())
        except SubjectFailed as failure:
            return _Told(_failed(failure), None)


def _failed(failure: SubjectFailed) -> Verdict:
    return violated(
        expected="a start that shares its folder with another process fails no more than one that is alone",
        actual=str(failure),
        because="what another process does to the folder at the same time is an exception here",
    )


def _unlike_alone(seen: _Round, alone: _Told, kept: frozenset[str]) -> Iterator[Verdict]:
    where = f"held before step {seen.hold} of {seen.steps}" if seen.hold else "not held"
    known = alone.facts.warnings if alone.facts else ()
    for name, told in zip(("first", "second", "third"), seen.told, strict=True):
        if told.wrong:
            yield told.wrong
        added = [line for line in told.facts.warnings if line not in known] if told.facts else []
        if added:
            yield unlike(
                expected=f"the {name} process, with the first one {where}, warns of nothing that it does not alone",
                actual=f"{len(added)} warnings: {added[0]}",
                because="it saw what another process had half written, or its own work was taken away",
            )
    if seen.files != kept:
        yield unlike(
            expected=f"with the first process {where}, the files that one start leaves: {len(kept)}",
            actual=f"files that differ: {sorted(seen.files ^ kept)}",
            because="entries were lost between the processes, or what is temporary stays",
        )
    facts = seen.told[-1].facts
    compiled = [piece.key for piece in facts.pieces if piece.origin == "compiled"] if facts else []
    if compiled:
        yield unlike(
            expected=f"with the first process {where}, the third loads every piece",
            actual=f"compiled: {compiled}",
            because="one writer took away what the other wrote, or left half of it",
        )
