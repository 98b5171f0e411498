"""One run of a subject's startup benchmark, and what a law needs of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from suite.contract.calls import SubjectFailed
from suite.contract.guard import GuardedSubject
from suite.contract.observed_start import Script, SeenStart, left_behind, seen_starts
from suite.contract.startup import Ended
from suite.contract.startup_case import StartupCase
from suite.contract.verdict import Verdict, violated
from suite.oracles.startup import NotStrict, Statistics, expected_statistics, strict_json
from suite.properties.started import workspace


@dataclass(frozen=True, kw_only=True)
class Run:
    """What is there after a run."""

    case: StartupCase
    ended: Ended
    seen: tuple[SeenStart, ...]
    """What each start found, in order."""
    file: str | None
    """The file of results."""
    expected: list[Statistics]
    left: tuple[str, ...]
    """Caches that are still there, by the number of their start."""

    def data(self) -> dict[str, object]:
        """What the file holds.

        Raises:
            SubjectFailed: there is none, or it is no JSON.
        """
        if self.file is None:
            raise SubjectFailed("there is no file of results")
        try:
            return strict_json(self.file)
        except NotStrict as error:
            raise SubjectFailed(f"the file of results is {error}: {self.file[:200]!r}") from error

    def violated(self, *, expected: str, actual: str, because: str) -> Verdict:
        """A violation; of a run that failed by itself, with the end of what it printed."""
        failed = self.ended.status != 0 and self.case.failing is None
        told = f"; the run failed, and printed {self.ended.text[-400:]!r}" if failed else ""
        return violated(expected=expected, actual=actual, because=because + told)


@contextlib.contextmanager
def scripted(case: StartupCase) -> Iterator[tuple[Script, Path]]:
    """The script of the case's starts, and the folder that its files are in."""
    with workspace() as folder:
        yield script_of(case, folder), folder


def script_of(case: StartupCase, folder: Path) -> Script:
    """The script, with a log and a file of results in that folder."""
    return Script(
        answers=tuple(vars(each) for _, _, each in case.starts()),
        log=str(folder / "log"),
        result=str(folder / "startup.json"),
        failing=None if case.failing is None else case.failing.start,
        how="raises" if case.failing is None else case.failing.how,
        full=case.full,
    )


def benchmarked(case: StartupCase, subject: GuardedSubject) -> Run:
    """The subject's benchmark of the case."""
    with scripted(case) as (script, _):
        ended = subject.startup.benchmark(case, script)
        seen = seen_starts(script)
        return Run(
            case=case,
            ended=ended,
            seen=seen,
            file=file_of(script),
            expected=expected_statistics(case, subject.capabilities.startup_metrics),
            left=tuple(f"start {place}" for place, each in enumerate(seen) if left_behind(Path(each.cache))),
        )


def file_of(script: Script) -> str | None:
    """The file of results as it is now."""
    path = Path(script.result)
    return path.read_text(encoding="utf-8") if path.exists() else None


def unreadable(text: str | None) -> str | None:
    """What is wrong with a file of results; None if nothing is, or if there is none."""
    if text is None:
        return None
    try:
        strict_json(text)
    except NotStrict as error:
        return f"{error}: {text[:80]!r}"
    return None
