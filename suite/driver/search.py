"""Looks for a case that violates a law: Hypothesis generates and shrinks, the verdicts are kept here.

What Hypothesis makes of exceptions is not asked. The search keeps the smallest violation that it saw
itself, so a subject that hangs, or answers differently the second time, still yields one clear result.
"""

from __future__ import annotations

import time
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import hypothesis
from hypothesis import given

from suite.contract.case import AnyCase
from suite.contract.guard import GuardedSubject
from suite.contract.judge import judge
from suite.contract.law import Law
from suite.contract.sheets import Sheet
from suite.contract.verdict import CompiledGraph, DecorationSheet, Difference, Outcome, Verdict, unknown, violated
from suite.driver.profiles import Profile
from suite.strategies.cases import Space
from suite.strategies.catalogue import cases, labels

Clock = Callable[[], float]
OnCase = Callable[[AnyCase], None]


@dataclass(frozen=True)
class Found:
    """What a search says of one law on one family."""

    law: Law
    verdict: Verdict
    case: AnyCase | None
    """The case of the violation or of the unknown verdict."""
    cases: int
    seconds: float
    labels: dict[str, int]
    noise: Difference | None
    margin: float | None
    graphs: tuple[CompiledGraph, ...] = ()
    """What was compiled for the case that is told, or else for the last one that said it."""
    decoration: DecorationSheet | None = None
    """What decoration changed in the case that is told, or else in the one in which it changed most."""
    sheet: Sheet | None = None
    """The sheet of the case that is told, or else the fullest."""
    witnesses: tuple[Outcome, ...] = ()
    """What was found of the cases that deviations name, which are tried before all others."""
    known: bool = False
    """Whether the verdict is that of a witness, and no case was violated for another reason."""


class _Stop(Exception):
    """Tells Hypothesis that this case is interesting; never leaves this file."""


class _Known(NamedTuple):
    """A violation that a deviation names."""

    verdict: Verdict
    case: AnyCase


class _Search:
    """The state of one search."""

    def __init__(
        self,
        law: Law,
        space: Space,
        subject: GuardedSubject,
        profile: Profile,
        *,
        clock: Clock,
        on_case: OnCase | None,
    ) -> None:
        self._law = law
        self._on_case = on_case
        self._space = space
        self._subject = subject
        self._profile = profile
        self._clock = clock
        self._started = clock()
        self._shrink_until: float | None = None
        self._fatal = False
        self.verdict: Verdict | None = None
        self.case: AnyCase | None = None
        self.cases = 0
        self.skipped = 0
        self.labels: Counter[str] = Counter()
        self.noise: Difference | None = None
        self.margin: float | None = None
        self.graphs: tuple[CompiledGraph, ...] = ()
        self.decoration: DecorationSheet | None = None
        self.sheet: Sheet | None = None
        self.witnesses: list[Outcome] = []
        self._known: dict[str, _Known] = {}

    def show(self, witness: AnyCase) -> None:
        """Judges the case of a deviation: what it shows is known from then on, and looked for no more."""
        verdict = self._tried(witness)
        self.witnesses.append(verdict.outcome)
        if verdict.violation is not None:
            self._known.setdefault(verdict.violation.because, _Known(verdict, witness))
        elif verdict.outcome is Outcome.UNKNOWN:
            self._keep(verdict, witness)

    def holds_for(self, case: AnyCase) -> bool:
        """Judges one case, unless it is known already or time is up. The first is always judged."""
        if case == self.case:
            return False
        if self._spent():
            self.skipped += 1
            return True
        verdict = self._tried(case)
        if verdict.outcome is Outcome.HOLDS or self._knows(verdict):
            return True
        self._keep(verdict, case)
        return False

    def _knows(self, verdict: Verdict) -> bool:
        return verdict.violation is not None and verdict.violation.because in self._known

    def _tried(self, case: AnyCase) -> Verdict:
        self.cases += 1
        self.labels.update(labels(case, self._space.family))
        if self._on_case is not None:
            self._on_case(case)
        verdict = self._judge(case)
        self._note(verdict)
        return verdict

    def _spent(self) -> bool:
        now = self._clock()
        if self._fatal:
            return True
        if self.verdict is not None:
            return now > (self._shrink_until or 0.0)
        # Of a law of which nothing was tried nothing can be said, however late this machine comes to it.
        return self.cases > 0 and now > self._started + self._profile.search_seconds

    def _judge(self, case: AnyCase) -> Verdict:
        try:
            return judge(self._law, case, self._subject)
        except KeyboardInterrupt:
            raise
        except BaseException as stop:
            # A time-out arrives as an outcome of pytest, which is no Exception.
            inside = self._subject.guard.inside
            self._fatal = True
            if inside is None:
                return unknown(f"the check was stopped: {type(stop).__name__}: {stop}")
            return violated(
                expected=self._law.statement,
                actual=f"{inside} did not come back: {type(stop).__name__}: {stop}",
                because="the subject hangs or ends the interpreter",
            )

    def _note(self, verdict: Verdict) -> None:
        if verdict.noise is not None and (self.noise is None or verdict.noise.max_abs > self.noise.max_abs):
            self.noise = verdict.noise
        if verdict.margin is not None:
            self.margin = max(self.margin or 0.0, verdict.margin)
        self.graphs = verdict.graphs or self.graphs
        sheet, fullest = verdict.decoration, self.decoration
        if sheet is not None and (fullest is None or _fullness(sheet) > _fullness(fullest)):
            self.decoration = sheet
        if verdict.sheet is not None and (self.sheet is None or verdict.sheet.fullness > self.sheet.fullness):
            self.sheet = verdict.sheet

    def _keep(self, verdict: Verdict, case: AnyCase) -> None:
        if self.verdict is None:
            self._shrink_until = self._clock() + self._profile.shrink_seconds
        if self.verdict is None or self._tells_more(verdict, case):
            self.verdict, self.case = verdict, case

    def _tells_more(self, verdict: Verdict, case: AnyCase) -> bool:
        """A violation tells more than an unknown verdict, and a smaller case more than a larger one."""
        known = self.verdict is not None and self.verdict.outcome is Outcome.VIOLATED
        if (verdict.outcome is Outcome.VIOLATED) != known:
            return not known
        return self.case is not None and case.size() < self.case.size()

    def result(self, problem: str | None) -> Found:
        """The verdict: unknown if nothing was tried, and what is known only if there is nothing else."""
        verdict, case = self.verdict or Verdict(Outcome.HOLDS, reason=self._cut_short()), self.case
        known = next(iter(self._known.values()), None) if self.verdict is None and problem is None else None
        if self.verdict is None and problem is not None:
            verdict = unknown(problem)
        elif self.cases == 0:
            verdict = unknown("no case was drawn: this class of inputs was not reached")
        elif known is not None:
            verdict, case = known
        return Found(
            law=self._law,
            verdict=verdict,
            case=case,
            cases=self.cases,
            seconds=self._clock() - self._started,
            labels=dict(sorted(self.labels.items())),
            noise=self.noise,
            margin=self.margin,
            graphs=verdict.graphs or self.graphs,
            # A violation shows its own case or nothing: another case's changes would be taken for its cause.
            decoration=self.decoration if verdict.outcome is Outcome.HOLDS else verdict.decoration,
            sheet=self.sheet if verdict.outcome is Outcome.HOLDS else verdict.sheet,
            witnesses=tuple(self.witnesses),
            known=known is not None,
        )

    def _cut_short(self) -> str | None:
        if not self.skipped:
            return None
        return f"time was up after {self.cases} of {self.cases + self.skipped} cases: this machine is slow or busy"


def _fullness(sheet: DecorationSheet) -> tuple[int, int]:
    """How much a sheet tells: changes first, then what was looked at."""
    return len(sheet.changes), len(sheet.looked_at)


def search(
    law: Law,
    space: Space,
    subject: GuardedSubject,
    *,
    profile: Profile,
    seed: int = 0,
    examples: int | None = None,
    clock: Clock = time.monotonic,
    on_case: OnCase | None = None,
    witnesses: Sequence[AnyCase] = (),
) -> Found:
    """Holds the law against generated cases of one family; the seed and the law's id decide which.

    `on_case` is told of each case before it is tried. The cases of deviations, `witnesses`, come first, so what a small
    number of cases would have found makes no difference. Of the others, only a violation for another reason counts:
    what is known hides nothing else. If nothing can be said of a witness, no other case is tried.
    """
    state = _Search(law, space, subject, profile, clock=clock, on_case=on_case)
    for witness in witnesses:
        state.show(witness)
    if state.verdict is not None:
        return state.result(None)
    count = examples or profile.examples_for(space.cost, law.cost)
    problem = None

    @hypothesis.seed(zlib.crc32(f"{seed}/{law.id}/{space.name}".encode()))
    @profile.settings(count)
    @given(cases(law.inputs, space))
    def hold(case: AnyCase) -> None:
        # Raised at this one line: Hypothesis takes another line for another bug, and would not shrink.
        if not state.holds_for(case):
            raise _Stop

    try:
        hold()
    except _Stop:
        pass
    except Exception as error:
        problem = f"the strategy {law.inputs!r} failed: {type(error).__name__}: {error}"
    return state.result(problem)
