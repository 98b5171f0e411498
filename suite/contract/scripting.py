"""What an adapter gives if a violation of its subject is to be shown by a script, without the suite's laws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from models.api import Family
from suite.contract.case import Setup


@dataclass(frozen=True)
class ScriptPart:
    """The part of a script that only the adapter can write.

    The lines may use `torch` and `FAMILY`, the `models.api.Family` of the case, and define `encode(items)`, which
    answers one `[tokens, width]` per `models.api.Item`. Both run once, from the top.
    """

    imports: tuple[str, ...]
    """Import statements, one per line."""
    lines: tuple[str, ...]
    """What starts the implementation in the setup of the case, and `encode`."""
    configures: int = 0
    """How many of the lines it takes until the implementation has taken or refused its configuration; 0: not said."""
    refusals: tuple[str, ...] = ("Exception",)
    """Names of the exceptions by which those lines refuse."""
    tells: Mapping[str, str] = field(default_factory=dict)
    """More that scripts can show, each as one expression over what the lines define.

    `bounds`: the budgets, the limit on items and that on frames (or None), as soon as it is configured. `held`: how
    many graphs are alive, and how many bytes their pools hold. `cold`: a list of what was captured without having run.
    """


@runtime_checkable
class ScriptedSubject(Protocol):
    """A subject whose violations can be written as scripts."""

    def script(self, family: Family, setup: Setup) -> ScriptPart:
        """The part that starts this implementation on the emulator, with an encoder of the zoo.

        Raises:
            ValueError: it cannot be written for this subject; the text says why.
        """
        ...


@runtime_checkable
class ScriptedRanks(Protocol):
    """A subject that shares out over ranks, whose violations there can be written as scripts."""

    def script_over_ranks(self, family: Family, setup: Setup, ranks: int) -> ScriptPart:
        """The part that starts so many ranks, and defines `encode_on_ranks(items, plant)` in place of `encode`.

        As `suite.contract.sharding.RankSession.encode`, which answers one `RankAnswer` per rank.

        Raises:
            ValueError: it cannot be written for this subject; the text says why.
        """
        ...
