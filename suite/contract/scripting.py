"""What an adapter gives if a violation of its subject is to be shown by a script, without the suite's laws."""

from __future__ import annotations

from dataclasses import dataclass
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


@runtime_checkable
class ScriptedSubject(Protocol):
    """A subject whose violations can be written as scripts."""

    def script(self, family: Family, setup: Setup) -> ScriptPart:
        """The part that starts this implementation on the emulator, with an encoder of the zoo.

        Raises:
            ValueError: it cannot be written for this subject; the text says why.
        """
        ...
