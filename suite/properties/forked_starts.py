"""The starts of one case, each in a process of its own over one cache folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from suite.contract.calls import SubjectFailed
from suite.contract.compiling import CompileFacts
from suite.contract.guard import GuardedSubject
from suite.contract.program import ProgramCase, Start
from suite.contract.verdict import Verdict, violated
from suite.properties.started import started

PLACES = 3
"""At how many of its steps a process is held, in one case."""
LIMIT = 30.0
"""Seconds of one process."""


@dataclass(frozen=True)
class Told:
    """What one process says of its start."""

    wrong: Verdict | None
    facts: CompileFacts | None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the subject warned of."""
        return self.facts.warnings if self.facts else ()

    def added_warnings(self, alone: Told) -> list[str]:
        """Warnings that a start alone does not give."""
        return [line for line in self.warnings if line not in alone.warnings]

    @property
    def compiled(self) -> list[str]:
        """Keys of the pieces that came from a compiler and not from the folder."""
        return [piece.key for piece in self.facts.pieces if piece.origin == "compiled"] if self.facts else []


class ForkedStarts:
    """Runs the starts of a case where it is told."""

    def __init__(self, case: ProgramCase, subject: GuardedSubject) -> None:
        self.case = case
        self.subject = subject

    def run(self, start: Start, folder: Path) -> Told:
        """One start, in whatever process this is called."""
        try:
            with started(self.case, start, self.subject, folder) as run:
                wrong = run.first_wrong()
                return Told(wrong, run.program.facts())
        except SubjectFailed as failure:
            return Told(_failed(failure), None)

    def places(self, steps: int) -> range:
        """A few of so many steps at equal distances; which ones, depends on the case."""
        distance = -(-steps // PLACES) or 1
        return range(1 + self.case.starts[0].calls[0].seed % distance, steps + 1, distance)


def _failed(failure: SubjectFailed) -> Verdict:
    return violated(
        expected="a start that shares its folder with another process fails no more than one that is alone",
        actual=str(failure),
        because="what another process does to the folder, or left in it, is an exception here",
    )
