"""The startup benchmark, and real starts, behind the guard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from suite.contract.calls import Guard, SubjectFailed
from suite.contract.observed_start import Script
from suite.contract.processes import working
from suite.contract.startup import Ended, RealStartSubject, StartFacts, StartupSubject
from suite.contract.startup_case import StartupCase
from suite.contract.subject import AdapterBroken, Refused, Subject

_T = TypeVar("_T")
LIMIT_SECONDS = 40.0
"""Of one real start, and of a run that cannot write."""


class GuardedStartup:
    """A subject's benchmark, and its starts."""

    def __init__(self, subject: Subject, *, guard: Guard) -> None:
        self._subject = subject
        self._guard = guard

    def benchmark(self, case: StartupCase, script: Script) -> Ended:
        """As `StartupSubject.benchmark`."""
        if not isinstance(self._subject, StartupSubject):
            raise AdapterBroken(f"{self._subject.name} declares a startup benchmark, but has no `benchmark`")
        with self._guard.call("benchmark"):
            return self._subject.benchmark(case, script)

    def benchmark_elsewhere(self, case: StartupCase, script: Script, folder: Path) -> str:
        """Runs the benchmark in a process of its own; how it ended there, in words.

        Raises:
            SubjectFailed: the process died or did not come back.
        """
        return self._forked("benchmark", lambda: self._ended(case, script), folder)

    def real_start(self, family: str, cache: Path, *, encoder: bool) -> StartFacts:
        """As `RealStartSubject.real_start`, in a process of its own.

        Raises:
            SubjectFailed: the start raised, or its process died or did not come back.
        """
        subject = self._subject
        if not isinstance(subject, RealStartSubject):
            raise AdapterBroken(f"{subject.name} declares real starts, but has no `real_start`")

        def started() -> StartFacts:
            with self._guard.call("real_start"):
                return subject.real_start(family, cache, encoder=encoder)

        return self._forked("real_start", started, cache)

    def _ended(self, case: StartupCase, script: Script) -> str:
        try:
            return f"exit status {self.benchmark(case, script).status}"
        except SubjectFailed as failure:
            return str(failure)

    def _forked(self, name: str, work: Callable[[], _T], folder: Path) -> _T:
        def tried() -> _T | Exception:
            try:
                return work()
            except (SubjectFailed, Refused, AdapterBroken) as error:
                return error

        with working(tried, folder=folder) as process, self._guard.call(name):
            done = process.finish(LIMIT_SECONDS).answer
        if isinstance(done, Exception):
            raise done
        return done
