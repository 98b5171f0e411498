"""The facet of subjects that start an engine: workers of several ranks, whose compile seconds the driver gathers.

What a worker does is scripted by the case. What it was asked, when, and what it reported is noted by the adapter where
it happens, not asked of the subject.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from suite.contract.engine_case import EngineCase
from suite.contract.subject import Subject
from suite.contract.timeline import Counters

PLANTED_FRAME = "planted_trouble"
"""Name of the function in which a scripted worker raises: the traceback of the failure has it."""
PLANTED_TEXT = "this failure was planted"
"""Text of that exception."""


@dataclass(frozen=True, order=True)
class Told:
    """A rank that the engine blames for the failure of its start."""

    rank: int
    stage: str
    """In which stage it failed, in the words of `EngineStage`; other words for what is before or between them."""


@dataclass(frozen=True, kw_only=True)
class RankSeen:
    """What the worker of one rank saw of a start. Readings are seconds on the clock that the driver reads too."""

    calls: tuple[str, ...] = ()
    """What it was asked, in order: `build`, `compile_or_warm_up_model`, `shutdown`, or another method's name."""
    asked: float | None = None
    """When it was first asked for something after it was built; None: never."""
    answered: float | None = None
    """When it had answered last, its shutdown aside; None: never, or it raised."""
    reported: object = None
    """What it returned as its compile seconds, rubbish included."""


@dataclass(frozen=True, kw_only=True)
class StartSeen:
    """What is seen of one start."""

    counters: Counters
    """Those of the driver's configuration, after the start and before the shutdown."""
    lines: tuple[str, ...]
    """Every line that was logged meanwhile, formatted, in order; of processes, the driver's."""
    error: str | None = None
    """What the start raised, its whole text; None: the engine is ready."""
    told: tuple[Told, ...] = ()
    """The ranks that this error blames, the first to look at first."""
    seconds: float = 0.0
    """Real seconds until the start returned or raised, on the adapter's watch."""
    ranks: tuple[RankSeen, ...] = ()
    """By rank; empty if the workers are processes."""


@runtime_checkable
class EngineSubject(Subject, Protocol):
    """A subject with an engine."""

    def run_engine(self, case: EngineCase) -> Sequence[StartSeen]:
        """Capabilities `engine` and, of a case in processes, `engine_processes`: what is seen of each start.

        A start that succeeds is followed by a shutdown, one that fails by nothing: it must have tidied up by itself.

        Raises:
            Refused: the implementation refuses the number of ranks.
        """
        ...
