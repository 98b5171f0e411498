"""The part of schema 1 that tells of decoration: what it changed, and which of that it was allowed to change."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ChangedThing:
    """One thing that is other after decoration: whose it is, what it was and is, and the row that it belongs to.

    `what` is the entry, name or path in the aspect; `allowed` false means: changed by mistake.
    """

    subject: str
    aspect: str
    what: str
    before: str
    after: str
    row: str
    allowed: bool

    def __post_init__(self) -> None:
        """Refuse a change that belongs nowhere."""
        if not self.row:
            raise ValueError(f"row must name a row of the table, got '' for {self.subject!r}")


@dataclass(frozen=True, kw_only=True)
class DecorationRow:
    """A row of the table of side effects: the thing and what must hold of it, in words.

    `looked_at` false means that nobody compared it: no change in it is no sign that there was none.
    """

    row: str
    thing: str
    promise: str = ""
    looked_at: bool = False


@dataclass(frozen=True, kw_only=True)
class DecorationSheet:
    """What one decoration changed."""

    title: str = ""
    changes: tuple[ChangedThing, ...] = ()
    rows: tuple[DecorationRow, ...] = ()
    """In the order in which they are shown; a change may name a row that is not among them."""

    def __post_init__(self) -> None:
        """Refuse a row that has two meanings."""
        names = [each.row for each in self.rows]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"rows: {twice[0]!r} stands there {names.count(twice[0])} times, each row stands once")

    @property
    def mistakes(self) -> tuple[ChangedThing, ...]:
        """The changes that were not allowed."""
        return tuple(each for each in self.changes if not each.allowed)
