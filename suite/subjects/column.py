"""A column of a subject: the same implementation, reached another way."""

from __future__ import annotations

from dataclasses import dataclass

from suite.contract.case import Case
from suite.contract.law import Law
from suite.contract.subject import Subject


@dataclass(frozen=True)
class Column:
    """One arrangement of a subject, and where it adds something to the first one."""

    subject: Subject
    text: str = ""
    """Which way to the implementation it is, in words."""
    name: str = ""
    """Empty for the first column, which runs every law on every family."""
    laws: tuple[str, ...] | None = None
    """Ids of the laws that it runs, those to which it adds something; None: all."""
    every_family: bool = True
    """Whether it runs on every family, or on the toy alone."""

    graphs_only: bool = False
    """Whether it is another way to graphs only: laws that are not about histories of batches are not run again."""

    def runs(self, law: Law, *, is_toy: bool) -> bool:
        """Whether the law runs on a family in this column."""
        if self.graphs_only and law.kind is not Case:
            return False
        return (self.every_family or is_toy) and (self.laws is None or law.id in self.laws)
