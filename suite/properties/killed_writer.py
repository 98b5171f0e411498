"""A process that is killed before a step of its work on the cache folder; then two starts of others."""

from __future__ import annotations

from collections.abc import Iterator

from suite.contract.processes import ProcessDied, working
from suite.contract.verdict import Verdict, violated
from suite.oracles.cache_folder import files
from suite.properties.forked_starts import LIMIT, ForkedStarts, Told
from suite.properties.restarted import unlike
from suite.properties.started import workspace


class KilledWriter(ForkedStarts):
    """The first start of a case ends by SIGKILL, which nothing can tidy up after."""

    def violations(self) -> Iterator[Verdict]:
        """What later starts do, say or miss because of it."""
        start = self.case.starts[0]
        with workspace() as outer:
            folder = outer / "starts"
            folder.mkdir()
            with working(lambda: self.run(start, folder), folder=folder) as whole:
                done = whole.finish(LIMIT)
            kept = files(folder)
        if done.answer.wrong:
            yield done.answer.wrong
            return
        for step in self.places(done.steps):
            try:
                yield from self._after_a_kill(step, done.answer, kept)
            except ProcessDied as died:
                yield violated(
                    expected=f"a start does its work after another was killed before step {step} of {done.steps}",
                    actual=f"its process {died}",
                    because="it waits for a lock that nobody gives back, or reads half of something",
                )

    def _after_a_kill(self, step: int, alone: Told, kept: frozenset[str]) -> Iterator[Verdict]:
        start = self.case.starts[0]
        with workspace() as outer:
            folder = outer / "starts"
            folder.mkdir()
            with working(lambda: self.run(start, folder), folder=folder, hold=step) as victim:
                victim.wait(LIMIT)
            later = []
            for _ in range(2):
                with working(lambda: self.run(start, folder), folder=folder) as each:
                    later.append(each.finish(LIMIT).answer)
            missing = kept - files(folder)
        yield from _harmed(later, alone, where=f"after a start that was killed before step {step}")
        if missing:
            yield unlike(
                expected=f"after a start that was killed before step {step}, the next one keeps what it would alone",
                actual=f"files that are not there: {sorted(missing)}",
                because="what the dead process left keeps others from writing",
            )


def _harmed(later: list[Told], alone: Told, *, where: str) -> Iterator[Verdict]:
    for name, told in zip(("first", "second"), later, strict=True):
        if told.wrong:
            yield told.wrong
        if added := told.added_warnings(alone):
            yield unlike(
                expected=f"{where}, the {name} start warns of nothing",
                actual=f"{len(added)} warnings: {added[0]}",
                because="an entry is not written as a whole or not at all",
            )
    if compiled := later[-1].compiled:
        yield unlike(
            expected=f"{where}, the second start loads every piece",
            actual=f"compiled: {compiled}",
            because="what the dead process left keeps others from writing, or from finding what they wrote",
        )
