"""Starts one after the other over one cache folder, and what each of them was seen to do."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from suite.contract.compiling import CompileFacts, SeenPiece
from suite.contract.guard import GuardedSubject
from suite.contract.program import ProgramCase, Start
from suite.contract.verdict import Verdict, holds, violated
from suite.oracles.cache_folder import damage, files, full_disk, no_folder
from suite.oracles.compile_requests import Owner, Request, owner, request
from suite.oracles.torch_trace import Trace, recorded
from suite.properties.started import Started, started, workspace

NOTHING = Trace()


@dataclass(frozen=True)
class After:
    """What is known of a start once it is over."""

    number: int
    start: Start
    facts: CompileFacts
    files: frozenset[str]
    """Every file of the cache folder, by its path there."""
    damaged: tuple[str, ...]
    """Names of the entries that were damaged before it."""
    trace: Trace
    """Torch's structured trace of it, if that was asked for."""

    @property
    def owner(self) -> Owner:
        """Whose entries it makes."""
        return owner(self.start)

    def requests(self) -> list[tuple[SeenPiece, Request]]:
        """Every piece that was made ready, and what was asked for."""
        return [(piece, request(self.start, piece)) for piece in self.facts.pieces]

    def compiled(self) -> list[Request]:
        """What was compiled now."""
        return [asked for piece, asked in self.requests() if piece.origin == "compiled"]

    def added_warnings(self, before: After) -> list[str]:
        """Warnings that the same start did not give before."""
        return [line for line in self.facts.warnings if line not in before.facts.warnings]

    @property
    def entries(self) -> frozenset[str]:
        """Names of the folders that have files in them."""
        return frozenset(Path(each).parent.name for each in self.files)

    def __str__(self) -> str:
        return f"start {self.number} ({self.start})"


Look = Callable[[Started], Verdict | None]


def all_equal_eager(run: Started) -> Verdict | None:
    """A violation at the first answer that is not eager's."""
    return run.first_wrong()


def only_run(run: Started) -> Verdict | None:
    """Makes all calls and looks at no answer."""
    for call in run.start.calls:
        run.run(call)
    return None


class Wrong(Exception):
    """An answer within a history was wrong: carries the verdict out of it."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(str(verdict))
        self.verdict = verdict


def histories(case: ProgramCase, subject: GuardedSubject, folder: Path, look: Look = only_run) -> Iterator[After]:
    """Every start of the case in order, over one folder, each with a fresh process' memory.

    Raises:
        Wrong: `look` found an answer that is wrong.
    """
    for number, start in enumerate(case.starts):
        hurt = damage(folder, start.damage) if start.damage and start.damage != "unwritable" else ()
        with _recorded(start) as trace, _surroundings(start, folder), started(case, start, subject, folder) as run:
            if verdict := look(run):
                raise Wrong(verdict)
            facts = run.program.facts()
        yield After(number, start, facts, files(folder), hurt, trace)


def _recorded(start: Start) -> contextlib.AbstractContextManager[Trace]:
    return recorded() if start.setup.trace else contextlib.nullcontext(NOTHING)


@contextlib.contextmanager
def _surroundings(start: Start, folder: Path) -> Iterator[None]:
    """A disk that is full from the second write on, or no folder at all if nothing was ever written."""
    if start.damage != "unwritable":
        yield
        return
    with full_disk() if files(folder) else no_folder(folder):
        yield


Judge = Callable[[Sequence[After]], Verdict]


def over_one_folder(
    case: ProgramCase, subject: GuardedSubject, judge: Judge | None = None, *, look: Look = only_run
) -> Verdict:
    """Runs all starts over one folder and looks at their answers, then judges what else was seen of them."""
    with workspace() as outer:
        folder = outer / "starts"
        folder.mkdir()
        try:
            seen = list(histories(case, subject, folder, look))
        except Wrong as wrong:
            return wrong.verdict
        return judge(seen) if judge else holds()


def over_own_folders(case: ProgramCase, subject: GuardedSubject, judge: Judge) -> Verdict:
    """Runs each start over an empty folder of its own, then judges what was seen of them."""
    seen: list[After] = []
    for start in case.starts:
        with workspace() as folder:
            seen += histories(ProgramCase(case.family, (start,)), subject, folder)
    return judge(seen)


def first_of(verdicts: Iterator[Verdict]) -> Verdict:
    """The first violation, or that the law held."""
    return next(verdicts, holds())


def unlike(*, expected: str, actual: str, because: str) -> Verdict:
    """A violation; long texts are cut."""
    return violated(expected=expected[:600], actual=actual[:600], because=because)
