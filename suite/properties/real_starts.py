"""Real starts of the subject's engine, each in a process of its own: what a cache is good for, and what is counted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from suite.contract.guard import GuardedSubject
from suite.contract.law import law
from suite.contract.sheets import StartupSheet
from suite.contract.startup import StartFacts
from suite.contract.startup_case import StartupCase
from suite.contract.verdict import Verdict, holds, violated
from suite.oracles.startup_sheet import startup_sheet
from suite.properties.started import workspace

NEEDS = ("real_starts",)


@dataclass(frozen=True)
class Starts:
    """Cold starts, each with an empty folder, and warm ones with the folder of the last of them."""

    case: StartupCase
    cold: tuple[StartFacts, ...]
    warm: tuple[StartFacts, ...]

    def sheet(self) -> StartupSheet:
        """The table that the report draws."""
        return startup_sheet(self.cold, self.warm, note=f"{self.case.family}, {_encoders(asked=self.case.encoder)}")


def _starts(case: StartupCase, subject: GuardedSubject) -> Starts:
    with workspace() as folder:
        caches = [_made(folder / f"cache-{number}") for number in range(len(case.cold))]
        give = [*caches, *caches[-1:] * len(case.warm)]
        facts = [subject.startup.real_start(case.family, cache, encoder=case.encoder) for cache in give]
    return Starts(case, tuple(facts[: len(caches)]), tuple(facts[len(caches) :]))


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@law(
    "real_starts/cold-compiles-and-warm-loads",
    source=("SPEC T8", "SPEC C2", "BUG-T07"),
    inputs="real_starts",
    needs=NEEDS,
    kind=StartupCase,
    cost=60.0,
    ignores="how long anything takes: loading may take seconds",
)
def cold_compiles_and_warm_loads(case: StartupCase, subject: GuardedSubject) -> Verdict:
    """A start with an empty cache compiles something; a later one with the same cache loads and compiles nothing."""
    seen = _starts(case, subject)
    cold = [number for number, each in enumerate(seen.cold, 1) if each.compiles < 1 or each.loads]
    warm = [number for number, each in enumerate(seen.warm, 1) if each.compiles or each.loads < 1]
    if not cold and not warm:
        return holds(sheet=seen.sheet())
    return violated(
        expected="cold starts compile and load nothing, warm starts load and compile nothing",
        actual=f"cold: {_counts(seen.cold)}; warm: {_counts(seen.warm)}",
        because="the cache that a start is given is not the one that it uses, or loading is taken for compiling",
        sheet=seen.sheet(),
    )


@law(
    "real_starts/encoder-is-counted-as-asked",
    source=("SPEC T3", "SPEC T6", "SPEC T8", "BUG-T03"),
    inputs="real_starts",
    needs=NEEDS,
    kind=StartupCase,
    cost=60.0,
    ignores="warm starts, whose seconds are of loading",
)
def encoder_is_counted_as_asked(case: StartupCase, subject: GuardedSubject) -> Verdict:
    """A cold start has encoder seconds exactly if encoders compile, and its parts are within what they are parts of."""
    for asked in (True, False):
        with workspace() as folder:
            facts = subject.startup.real_start(case.family, folder, encoder=asked)
        nested = facts.language_model + facts.encoder <= facts.init <= facts.seconds
        if (facts.encoder > 0) != asked or not facts.language_model > 0 or not nested:
            return violated(
                expected=f"{_encoders(asked=asked)}: their seconds {'above' if asked else 'at'} 0, the "
                "language model's above 0, both together within init, and init within the whole start",
                actual=str(facts),
                because="a counter is lost, is another's, or counts what is outside of the start",
            )
    return holds()


def _encoders(*, asked: bool) -> str:
    return "encoders compile too" if asked else "encoders stay eager"


def _counts(starts: tuple[StartFacts, ...]) -> str:
    return ", ".join(f"{each.compiles} compiled and {each.loads} loaded" for each in starts)
