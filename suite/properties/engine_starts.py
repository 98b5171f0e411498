"""The starts of a case, what is seen of each, and the checks that laws on engines share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from suite.contract.engine import PLANTED_FRAME, PLANTED_TEXT, StartSeen
from suite.contract.engine_case import EngineCase, EngineStart
from suite.contract.guard import GuardedSubject
from suite.contract.verdict import Verdict, holds, violated
from suite.oracles.engine_log import InitLine, init_lines, printed, read, wanted_form
from suite.oracles.engine_times import agree, maxima, text_of

Seconds = tuple[float, float]


@dataclass(frozen=True)
class Start:
    """One start of a case, and what was seen of it."""

    number: int
    script: EngineStart
    seen: StartSeen
    before: Seconds
    """The driver's counters before it."""

    @property
    def counters(self) -> Seconds:
        """The driver's, in seconds."""
        return self.seen.counters.language_model, self.seen.counters.encoder

    @property
    def name(self) -> str:
        """The start in words."""
        return f"start {self.number} ({self.script})"

    def must_succeed(self) -> Verdict | None:
        """A violation if a start in which nothing goes wrong fails."""
        if self.seen.error is None:
            return None
        return violated(
            expected=f"{self.name} ends well",
            actual=f"it raised: {self.seen.error}",
            because="the engine fails by itself, or suffers from a start before",
        )

    def counts_otherwise(self, *, because: str) -> Verdict | None:
        """A violation if a counter is not the greatest of all ranks."""
        wanted = maxima(self.script)
        if agree(wanted, self.counters):
            return None
        return violated(
            expected=f"after {self.name}: {text_of(wanted)}",
            actual=text_of([seconds * 1_000_000 for seconds in self.counters]),
            because=because,
        )

    def line(self) -> InitLine | Verdict:
        """The one line on the start, in the form that the driver's counters ask for; or a violation."""
        lines = init_lines(self.seen.lines)
        found = read(lines[0]) if len(lines) == 1 else None
        form = wanted_form(*self.counters)
        if found is not None and found.form == form:
            return found
        return violated(
            expected=f"after {self.name}: one line on the start, of form {form!r}, since the counters are "
            f"{text_of([seconds * 1_000_000 for seconds in self.counters])}",
            actual=f"lines {lines}",
            because="the line is logged twice or not at all, or its form is chosen by something else than the counters",
        )

    def adds_up(self, line: InitLine) -> Verdict | None:
        """A violation if a number of the line is not that of the counters, or their sum, to rounding."""
        language_model, encoder = self.counters
        pairs = [(line.total, language_model + encoder), (line.language_model, language_model), (line.encoder, encoder)]
        wrong = [(number, seconds) for number, seconds in pairs if number is not None and not printed(number, seconds)]
        if not wrong:
            return None
        return violated(
            expected=f"in the line on {self.name}: {wrong[0][1]:.6f} s to two decimals, as the counters say",
            actual=f"{wrong[0][0]:.2f} s in {init_lines(self.seen.lines)[0]!r}",
            because="fields of the line are mixed up, or its total is no sum of its parts",
        )

    def told_right(self) -> Verdict | None:
        """A violation if the start did not fail, or blames others, or hides where and how."""
        if self.seen.error is None:
            return self._hidden("the start fails", f"it succeeded, and logged {init_lines(self.seen.lines)}")
        blamed = [each.rank for each in self.seen.told]
        troubled = self.script.troubled
        if not blamed or not set(blamed) <= set(troubled):
            return self._hidden(f"ranks {list(troubled)} are blamed", f"ranks {blamed} are: {self.seen.error}")
        for each in self.seen.told:
            trouble = self.script.ranks[each.rank].trouble
            if trouble is not None and not trouble.is_rubbish and each.stage != trouble.stage:
                return self._hidden(f"stage {trouble.stage!r} of rank {each.rank} is named", f"stage {each.stage!r} is")
        return next(self._missing_words(self.seen.error), None)

    def _missing_words(self, error: str) -> Iterator[Verdict]:
        first = self.seen.told[0]
        trouble = self.script.ranks[first.rank].trouble
        if not re.search(rf"\branks? {first.rank}\b", error):
            yield self._hidden(f"the text of the failure names rank {first.rank}", error)
        if trouble is not None and trouble.what == "raises":
            for word in (PLANTED_TEXT, PLANTED_FRAME):
                if word not in error:
                    yield self._hidden(f"the text has {word!r}, from the traceback of rank {first.rank}", error)

    def _hidden(self, expected: str, actual: str) -> Verdict:
        return violated(
            expected=f"{self.name}: {expected}",
            actual=actual,
            because="the failure is swallowed on its way to the driver, or put down to another rank or stage",
        )

    def left_traces(self) -> Verdict | None:
        """A violation if a start that failed logged a line, or changed a counter."""
        lines = init_lines(self.seen.lines)
        if not lines and self.counters == self.before:
            return None
        return violated(
            expected=f"{self.name} fails, so it logs no line on the start and leaves the counters at {self.before}",
            actual=f"lines {lines}, counters {self.counters}",
            because="what the ranks reported is written or told before it is known that all of them are ready",
        )


def starts(case: EngineCase, subject: GuardedSubject) -> list[Start]:
    """All starts of the case, run one after the other."""
    found: list[Start] = []
    before = (0.0, 0.0)
    for number, (script, seen) in enumerate(zip(case.starts, subject.run_engine(case), strict=True)):
        found.append(Start(number, script, seen, before))
        before = found[-1].counters
    return found


def each_good(case: EngineCase, subject: GuardedSubject, look: Callable[[Start], Verdict | None]) -> Verdict:
    """Holds what a law says of a start against every one in which nothing is planted; each must end well."""
    found = (start for start in starts(case, subject) if not start.script.troubled)
    return next((verdict for start in found if (verdict := start.must_succeed() or look(start))), holds())


def each_planted(case: EngineCase, subject: GuardedSubject, look: Callable[[Start], Verdict | None]) -> Verdict:
    """Holds what a law says of a start against every one in which something is planted."""
    found = (start for start in starts(case, subject) if start.script.troubled)
    return next((verdict for start in found if (verdict := look(start))), holds())
