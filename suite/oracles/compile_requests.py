"""When two compiles are asked for the same: decided from what piece compilers were handed, not from keys."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from models import programs
from suite.contract.compiling import SeenPiece
from suite.contract.program import Start

_SYMBOL = re.compile(r"\b(?:[suz]|size)\d+\b")
_ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}\b")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, order=True)
class Owner:
    """Whose entries they are: nothing is shared between two owners (BUG-C08)."""

    component: str
    class_name: str

    def __str__(self) -> str:
        return f"{self.component} {self.class_name}"


@dataclass(frozen=True)
class Request:
    """One compile that was asked for. Equal requests have equal code, unequal ones must not share any."""

    owner: Owner
    start: int
    end: int | None
    text: str
    """Code, constants, layouts and options, with symbols numbered and addresses gone."""

    def __str__(self) -> str:
        return f"{self.owner}, sizes [{self.start}, {'open' if self.end is None else self.end}]: {self.text[:200]}"


def owner(start: Start, *, family: str = "toy") -> Owner:
    """The component and the class that a start compiles."""
    module = programs.program(start.program.name, family=family).module
    return Owner(start.setup.component, module.__qualname__)


def request(start: Start, piece: SeenPiece, *, family: str = "toy") -> Request:
    """What was asked for when a piece of the start was made ready."""
    return Request(owner(start, family=family), piece.start, piece.end, normalised(piece.program))


def requests(start: Start, pieces: Iterable[SeenPiece], *, family: str = "toy") -> frozenset[Request]:
    """Everything that a start asked for, each once."""
    return frozenset(request(start, piece, family=family) for piece in pieces)


def normalised(text: str) -> str:
    """The text without what differs from process to process: names of symbols, addresses, layout of lines."""
    names: dict[str, str] = {}
    numbered = _SYMBOL.sub(lambda found: names.setdefault(found.group(), f"size{len(names)}"), text)
    return _SPACE.sub(" ", _ADDRESS.sub("address", numbered)).strip()
