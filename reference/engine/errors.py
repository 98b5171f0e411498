"""How an engine fails: which rank, in which stage, why, and what it said last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class EngineConfigError(ValueError):
    """A wish for an engine that cannot work: the text names the value, the valid ones and the remedy."""


class Cause(Enum):
    """Why a rank failed, the best explanation first: the death of one rank lets the others raise."""

    DIED = "died"
    HUNG = "did not come back"
    RAISED = "raised"


@dataclass(frozen=True)
class Failure:
    """One rank that failed."""

    rank: int
    stage: str
    """What it was doing: a stage of the start, or the method that was called."""
    cause: Cause
    summary: str
    """One line, to follow the rank's name."""
    traceback: str = ""
    """Empty where none could be had."""

    def __str__(self) -> str:
        return f"rank {self.rank} {self.summary} in stage {self.stage!r}"


class WorkerFailed(RuntimeError):
    """A call to the workers failed. `failures` names all ranks that are known to have failed, the best reason first."""

    def __init__(self, failures: Sequence[Failure], *, what: str = "the call") -> None:
        self.failures = tuple(failures)
        first, *others = self.failures
        parts = [f"{what} failed: {first}."]
        if others:
            parts.append(f"Also failed: {'; '.join(map(str, others))}.")
        if first.traceback:
            parts.append(f"Traceback of rank {first.rank}:\n{first.traceback.rstrip()}")
        super().__init__("\n".join(parts))

    @property
    def rank(self) -> int:
        """The rank to look at first."""
        return self.failures[0].rank

    @property
    def stage(self) -> str:
        """What that rank was doing."""
        return self.failures[0].stage


class StartFailed(WorkerFailed):
    """The engine did not start; no worker is left."""

    def __init__(self, failures: Sequence[Failure]) -> None:
        super().__init__(failures, what="the start of the engine")


def summary_of(error: BaseException) -> str:
    """Type and first line of an exception."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"raised {type(error).__name__}{': ' + lines[0] if lines else ''}"
