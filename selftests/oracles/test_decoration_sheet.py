"""Two snapshots as a sheet: every change with its row, and no row called compared that holds nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from torch import nn

from suite.oracles.class_aspects import PROMISES, ROWS, Row
from suite.oracles.class_difference import differences
from suite.oracles.class_snapshot import snapshot
from suite.oracles.decoration_sheet import decoration_sheet, rows_in, sheet_of


class _Tower(nn.Module):
    """A class to write to."""


def _write(cls: type[nn.Module]) -> None:
    cls.forward = nn.Identity.forward


def _leave(_cls: type[nn.Module]) -> None:
    """Nothing."""


@pytest.mark.parametrize(("act", "changed"), [(_write, True), (_leave, False)])
@pytest.mark.parametrize("allowed", [(), ("class",)])
def test_changes_are_allowed_by_row(
    act: Callable[[type[nn.Module]], None], changed: bool, allowed: tuple[Row, ...]
) -> None:
    """A method that was written to is a change of the class: by mistake, unless its row may change."""
    tower = type("Tower", (_Tower,), {})
    before = snapshot({"tower": tower})
    act(tower)
    sheet = decoration_sheet("a tower", before, snapshot({"tower": tower}), allowed=allowed)
    assert bool(sheet.changes) == changed
    assert all((each.subject, each.row, each.allowed) == ("tower", "class", bool(allowed)) for each in sheet.changes)
    assert sheet.mistakes == (() if allowed else sheet.changes)
    assert sheet.title == "a tower"


def test_only_what_was_looked_at_is_compared() -> None:
    """A class alone says nothing of instances, and without probes nothing of copies."""
    tower = _Tower()
    assert rows_in(snapshot([_Tower])) == {"class", "state", "undo"}
    assert rows_in(snapshot([_Tower], [tower])) == {"class", "state", "undo", "earlier", "hooks"}
    assert "copies" in rows_in(snapshot([_Tower], [tower], probes=["deep copy"]))
    assert sheet_of("", (), allowed=(), looked_at={"undo", "class"}).looked_at == ("class", "undo")


def test_every_row_has_a_promise() -> None:
    """What must hold is told of each."""
    assert list(PROMISES) == list(ROWS)


def test_texts_are_whole_and_sentences_short() -> None:
    """A long method resolution order is told in full, as a sentence only where it differs."""
    base: type = nn.Module
    for number in range(8):
        base = type(f"AClassWithALongName{number}", (base,), {})
    before = snapshot({"tower": base})
    base.__bases__ = (type("Mixed", (), {}), *base.__bases__)
    (order,) = (each for each in differences(before, snapshot({"tower": base})) if each.aspect == "MRO")
    assert order.before in order.after.replace(f"class {__name__}.Mixed, ", "")
    assert "another one" not in order.after
    assert len(order.before) > 300 > len(str(order).partition(", is ")[0])
    assert "Mixed" in str(order)
