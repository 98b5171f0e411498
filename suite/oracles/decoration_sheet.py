"""What two snapshots say of a decoration, as the sheet that text and report draw from."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from suite.contract.verdict import ChangedThing, DecorationSheet
from suite.oracles.class_aspects import ASPECTS, ROWS, Row
from suite.oracles.class_difference import Change, Snapshot, differences


def decoration_sheet(title: str, before: Snapshot, after: Snapshot, *, allowed: Collection[Row]) -> DecorationSheet:
    """Every change between two snapshots; those in the `allowed` rows were allowed.

    Rows in which the snapshots hold nothing count as not looked at, so that nobody takes them for untouched.

    Raises:
        ValueError: the two are not of the same classes and instances.
    """
    return sheet_of(title, differences(before, after), allowed=allowed, looked_at=rows_in(before))


def sheet_of(
    title: str, changes: Iterable[Change], *, allowed: Collection[Row], looked_at: Collection[Row]
) -> DecorationSheet:
    """The sheet of changes that were found already, over the rows that were compared for them."""
    things = tuple(
        ChangedThing(
            each.subject,
            each.aspect,
            each.what,
            before=each.before,
            after=each.after,
            row=each.row,
            allowed=each.row in allowed,
        )
        for each in changes
    )
    return DecorationSheet(title, things, tuple(row for row in ROWS if row in looked_at))


def rows_in(snapshot: Snapshot) -> frozenset[Row]:
    """The rows of SPEC D6 of which a snapshot would see a change.

    Registries and global hooks are in every snapshot: they alone say nothing of instances that were made before.
    """
    aspects = (ASPECTS[aspect] for _, aspect in snapshot.facts)
    return frozenset(aspect.row for aspect in aspects if aspect.of != "process")
