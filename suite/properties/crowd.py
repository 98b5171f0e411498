"""Two processes over one cache folder, one held before a step of its work on files; then a third."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from suite.contract.processes import ProcessDied, working
from suite.contract.verdict import Verdict, violated
from suite.oracles.cache_folder import files
from suite.properties.forked_starts import LIMIT, ForkedStarts, Told
from suite.properties.restarted import unlike
from suite.properties.started import workspace

NOBODY = 0
PATIENCE = 4.0
"""Seconds that the other one has while the first is held: it may rightly wait for it, as for a lock."""


@dataclass(frozen=True)
class _Round:
    """What became of a folder, and of the three processes that used it."""

    hold: int
    told: tuple[Told, ...]
    """The first, the second that ran meanwhile, and the third that came after both."""
    files: frozenset[str]
    steps: int


class Crowd(ForkedStarts):
    """Starts side by side."""

    def violations(self) -> Iterator[Verdict]:
        """What a start alone would not have done, said or left."""
        with workspace() as folder:
            alone, kept = self.run(self.case.starts[0], folder), files(folder)
        if alone.wrong:
            yield alone.wrong
            return
        try:
            free = self._round(NOBODY)
            yield from _unlike_alone(free, alone, kept)
            for hold in self.places(free.steps):
                yield from _unlike_alone(self._round(hold), alone, kept)
        except ProcessDied as died:
            yield violated(
                expected="each process does its work",
                actual=f"a process {died}",
                because="the subject ends the interpreter, or two processes wait for each other",
            )

    def _round(self, hold: int) -> _Round:
        one, other = self.case.starts[:2]
        with workspace() as outer:
            folder = outer / "starts"
            folder.mkdir()
            with working(lambda: self.run(one, folder), folder=folder, hold=hold) as first:
                if hold:
                    first.wait(LIMIT)
                with working(lambda: self.run(other, folder), folder=folder) as second:
                    if hold:
                        second.wait(PATIENCE)
                    done = [first.finish(LIMIT), second.finish(LIMIT)]
            found = files(folder)
            with working(lambda: self.run(one, folder), folder=folder) as third:
                done.append(third.finish(LIMIT))
        return _Round(hold, tuple(each.answer for each in done), found, done[0].steps)


def _unlike_alone(seen: _Round, alone: Told, kept: frozenset[str]) -> Iterator[Verdict]:
    where = f"held before step {seen.hold} of {seen.steps}" if seen.hold else "not held"
    for name, told in zip(("first", "second", "third"), seen.told, strict=True):
        if told.wrong:
            yield told.wrong
        added = told.added_warnings(alone)
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
    if compiled := seen.told[-1].compiled:
        yield unlike(
            expected=f"with the first process {where}, the third loads every piece",
            actual=f"compiled: {compiled}",
            because="one writer took away what the other wrote, or left half of it",
        )
