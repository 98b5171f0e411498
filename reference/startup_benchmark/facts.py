"""What one start said of itself, and how a start is asked for, as plain data."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any

COUNTED = ("num_aot_compiles", "num_backend_compilations")
"""What counts as compiling: whole programs traced ahead of time, and pieces handed to a compiler."""


class BadFacts(ValueError):
    """A start left something behind that is no measurement: the text says what."""


@dataclass(frozen=True)
class Wish:
    """How one start is made."""

    factory: str
    """`module:function` of the workers."""
    arguments: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    """Its keyword arguments, but for `cache_dir`, which belongs to the iteration."""
    world_size: int = 1
    seconds: float = 600.0
    """The limit of the whole start."""

    def as_json(self) -> str:
        """For another process."""
        return json.dumps({**asdict(self), "arguments": dict(self.arguments)}, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Wish:
        """The wish again."""
        return cls(**json.loads(text))


@dataclass(frozen=True)
class Facts:
    """One start that succeeded. All seconds are finite and at least 0."""

    seconds: float
    """From the call until the engine is ready, imports of the model's libraries included."""
    init_seconds: float
    """Of that, what came after the models were built."""
    compilation: float
    """The language model's counter, the maximum over ranks (SPEC T6)."""
    encoder_compilation: float
    """The encoder's."""
    compiles: int
    """Programs and pieces that were really compiled, over all ranks; loading is not compiling."""
    loads: int
    """Programs and pieces that came from the cache."""
    lines: tuple[str, ...] = ()
    """What the engine logged of its start."""

    def __post_init__(self) -> None:
        for name in ("seconds", "init_seconds", "compilation", "encoder_compilation", "compiles", "loads"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
                raise BadFacts(f"a start reported {name}={value!r}: it must be a finite number of at least 0.")

    def as_data(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    @classmethod
    def from_json(cls, text: str) -> Facts:
        """The facts again.

        Raises:
            BadFacts: the text is not what a start leaves behind.
        """
        try:
            data = json.loads(text)
            return cls(**{**data, "lines": tuple(data["lines"])})
        except (ValueError, TypeError, KeyError) as error:
            raise BadFacts(f"a start left an unreadable report: {error}") from error


@dataclass(frozen=True)
class FailedStart:
    """One start that did not succeed."""

    phase: str
    iteration: int
    """From 1."""
    reason: str
    output: str = ""
    """The end of what its process wrote."""

    def __str__(self) -> str:
        return f"{self.phase} start {self.iteration} {self.reason}"
