"""A column of a subject: the same implementation, reached another way."""

from __future__ import annotations

from dataclasses import dataclass

from suite.contract.subject import Subject


@dataclass(frozen=True)
class Column:
    """One arrangement of a subject, and where it adds something to the first one."""

    subject: Subject
    text: str = ""
    """Which way to the implementation it is, in words."""
    name: str = ""
    """Empty for the first column, which runs every law on every family."""
    topics: tuple[str, ...] | None = None
    """The topics of laws that it runs; None: all."""
    every_family: bool = True
    """Whether it runs on every family, or on the toy alone."""

    def runs(self, *, topic: str, is_toy: bool) -> bool:
        """Whether a law of that topic runs on a family in this column."""
        return (self.every_family or is_toy) and (self.topics is None or topic in self.topics)
