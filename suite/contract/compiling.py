"""The compile facet of a subject: what it must offer to be held to the compile laws, and what it answers.

Only subjects that declare the capability `compiles` have it; those that declare `ledger` have the part that keeps
books of seconds. What can be observed is observed by the adapter (which graphs a piece compiler was handed, which lines
were logged), not taken from counters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from torch import Tensor, nn

from suite.contract.program import Start
from suite.contract.subject import Subject
from suite.contract.timeline import Ledger, Timeline

Origin = Literal["compiled", "loaded", "shared"]
"""How a piece came to be: compiled now, loaded from the cache, or one compiled earlier in this start."""


@dataclass(frozen=True)
class SeenPiece:
    """One piece of a graph, ready for one range of sizes."""

    index: int
    """Place of the piece in its graph."""
    start: int
    end: int | None
    """The range of sizes that it serves in units of a call, both ends included; None: open."""
    origin: Origin
    key: str
    """The key under which the subject keeps it."""
    program: str
    """What the piece compiler was handed, as text: code, constants, shapes, strides, dtypes, options."""
    served: tuple[int, ...] = ()
    """Units of each call in which it ran, as the caller counts them; empty where runs cannot be watched."""

    def serves(self, units: int) -> bool:
        """Whether calls of that size are in its range."""
        return self.start <= units and (self.end is None or units <= self.end)


@dataclass(frozen=True)
class CompileFacts:
    """What was seen of one start."""

    pieces: tuple[SeenPiece, ...]
    program_key: str | None
    """The key of the whole program, fixed before it is traced; None without ahead-of-time compiling."""
    traced: int
    """How often the forward was traced."""
    loaded_whole: int
    """How often a whole program was loaded instead of traced."""
    language_model_seconds: float
    encoder_seconds: float
    messages: tuple[str, ...]
    """Every line that was logged below WARNING, formatted."""
    warnings: tuple[str, ...]
    """Every line that was logged at WARNING or above, and every Python warning of the subject's own."""
    label: str | None
    """Label of the subject's logging in torch's trace (SPEC L1); None if it has none."""


class CompiledProgram(Protocol):
    """A started program: instances of one class, compiled as they are first called."""

    def module(self, instance: int) -> nn.Module:
        """The instance, as a user of the class holds it: hooks may be put on it, its state read."""
        ...

    def run(self, inputs: Mapping[str, Tensor], *, instance: int = 0) -> object:
        """What calling the instance with these keyword arguments returns."""
        ...

    def facts(self) -> CompileFacts:
        """What was seen so far."""
        ...

    def close(self) -> None:
        """Gives everything back; the cache directory stays."""
        ...


@runtime_checkable
class CompilingSubject(Subject, Protocol):
    """A subject with the compile facet."""

    def start_program(self, family: str, start: Start, workspace: Path) -> CompiledProgram:
        """Capability `compiles`: as a new process would start it, with its cache below `workspace`.

        Raises:
            Refused: the implementation refuses the setup.
        """
        ...


@runtime_checkable
class LedgerSubject(Subject, Protocol):
    """A subject whose accounting of compile time can be played a timeline."""

    def keep_ledger(self, timeline: Timeline) -> Ledger:
        """Capability `ledger`: runs the timeline under a virtual clock."""
        ...
