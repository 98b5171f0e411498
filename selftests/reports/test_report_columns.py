"""A subject is reached by several routes: each is a column of its own, and families keep their names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from reports import annotations as github
from reports import html
from reports.grid import FIRST_ROUTE, breakdown, grid
from reports.merge import merge
from reports.records import read
from reports.schema import Deviation, Inapplicable, Plan, PlannedLaw, Record
from reports.summary import Summary, as_json, as_text, summarise
from selftests.reports import sample

LAW = "values/replay-equals-eager"
ROUTES = ("", "shim", "two devices")


def _of(tmp_path: Path, *lines: Record) -> Summary:
    return summarise(read(sample.write(tmp_path / "r.jsonl", lines)))


def _planned() -> Plan:
    return Plan(laws=tuple(PlannedLaw(law=LAW, family="toy", column=route) for route in ROUTES))


def test_cells_are_told_apart(tmp_path: Path) -> None:
    """One family by three routes is one family and three cells; the one that did not run is unknown."""
    found = _of(
        tmp_path,
        _planned(),
        sample.law(LAW, "toy"),
        sample.law(LAW, "toy", column="shim", verdict="violated", violation=sample.plain_violation()),
    )
    assert as_json(found)["families"] == ["toy"]
    assert [(cell.column, cell.standing) for cell in found.cells] == [
        ("", "holds"),
        ("shim", "violated"),
        ("two devices", "unknown"),
    ]
    assert "on 1 family, by 3 routes." in as_text(found)


def test_excuses_and_known_failures_belong_to_a_route(tmp_path: Path) -> None:
    """What is excused or known by one route is neither by another."""
    broken = sample.law(LAW, "toy", verdict="violated", violation=sample.plain_violation())
    known = Deviation(law=LAW, family="toy", column="shim", deviation_kind="bug", still_fails=True)
    excuse = Inapplicable(law=LAW, family="toy", column="two devices", reason="one device")
    found = _of(tmp_path, broken, replace(broken, column="shim"), known, excuse)
    assert [cell.standing for cell in found.cells] == ["violated", "violated", "inapplicable"]
    assert [cell.deviation is not None for cell in found.cells] == [False, True, False]


def test_routes_are_named_in_words(tmp_path: Path) -> None:
    """Text, annotations and page name the route; the first one has no name."""
    stale = Deviation(law=LAW, family="toy", column="shim", deviation_kind="bug", still_fails=False, reason="old")
    broken = sample.law(LAW, "toy", column="shim", verdict="violated", violation=sample.plain_violation())
    found = _of(tmp_path, sample.law(LAW, "toy"), broken, stale)
    assert f"violated: {LAW} on toy (route shim): " in as_text(found)
    assert any("On toy (route shim) it does not fail any more" in line for line in github.lines(found))
    page = html.render(found)
    assert "on <strong>toy</strong>, reached by the route <strong>shim</strong>" in page
    assert f'colspan="1">{FIRST_ROUTE}</th>' in page


def test_a_known_failure_says_where_it_is_reported(tmp_path: Path) -> None:
    """Beside the violation: the public issue as a link, or that there is none."""
    broken = sample.law(LAW, "toy", verdict="violated", violation=sample.plain_violation())
    entry = Deviation(law=LAW, family="toy", deviation_kind="bug", still_fails=True, reason="never masked")
    for link, shown in (
        ("unreported", "never masked (unreported)"),
        ("https://example.org/1", 'never masked (<a href="https://example.org/1" rel="noreferrer">'),
    ):
        assert shown in html.render(_of(tmp_path, broken, replace(entry, link=link)))


def test_a_requirement_of_which_no_law_applies_is_left_out(tmp_path: Path) -> None:
    """And the table says that it leaves some out."""
    law = replace(sample.law(LAW, "toy"), spec=("G1",))
    plan = Plan(laws=(PlannedLaw(law=LAW, family="toy"), PlannedLaw(law="a/b", family="toy", spec=("Z9",))))
    other = Inapplicable(law="a/b", family="toy", reason="no engine")
    page = html.render(_of(tmp_path, plan, law, other))
    assert ">G1</th>" in page
    assert ">Z9</th>" not in page
    assert "without those of which no law applies" in page


def test_plans_join_by_route(tmp_path: Path) -> None:
    """A merge keeps the routes of a plan apart."""
    path = sample.write(tmp_path / "r.jsonl", (_planned(),))
    whole = tmp_path / "whole.jsonl"
    whole.write_text(merge({"r": read(path)}))
    assert [planned.column for planned in read(whole).plan.laws] == list(ROUTES)


def test_grid_keeps_every_cell(tmp_path: Path) -> None:
    """Each cell is in the group of its route, under its family; blanks fill the rest."""
    found = _of(tmp_path, *sample.records())
    table = grid(found.laws)
    assert [group.column for group in table.groups] == ["", sample.SECOND_ROUTE]
    for rows in table.topics.values():
        for row in rows:
            placed = [
                cell
                for group, cells in zip(table.groups, row.groups, strict=True)
                for family, cell in zip(group.families, cells, strict=True)
                if cell is not None and (cell.column, cell.family) == (group.column, family)
            ]
            assert sorted(placed, key=lambda cell: (cell.family, cell.column)) == list(row.law.cells)
    assert table.width == 11


def test_families_with_most_laws_come_first(tmp_path: Path) -> None:
    """A family on which more laws run stands further left, so that blanks gather on the right."""
    found = _of(
        tmp_path,
        sample.law(LAW, "alpha"),
        sample.law(LAW, "toy"),
        sample.law("packing/every-item-once", "toy"),
    )
    assert grid(found.laws).groups[0].families == ("toy", "alpha")


@pytest.mark.parametrize("name", ["plain", "topic/", "/", "", "a/b/c"])
def test_odd_law_names_have_a_name(tmp_path: Path, name: str) -> None:
    """A row of the grid is never nameless if its law is not."""
    found = _of(tmp_path, replace(sample.law(LAW, "toy"), law=name))
    (rows,) = grid(found.laws).topics.values()
    assert (rows[0].name == "") == (name == "")


def test_breakdown_leaves_nothing_out(tmp_path: Path) -> None:
    """Each cell of a law is among those that hold, those that are excused, or the rest."""
    found = _of(tmp_path, *sample.records())
    for row in found.laws:
        parts = breakdown(row)
        held = sum(len(words.split(", ")) for words in parts.held.values())
        excused = sum(len(places) for places in parts.excused.values())
        assert held + excused + len(parts.rest) == len(row.cells)
        assert all(cell.standing in ("violated", "unknown") or cell.deviation for cell in parts.rest)


def test_the_grid_leaves_out_what_does_not_apply(tmp_path: Path) -> None:
    """A law that applies to nothing has no row, a family to which nothing applies no column; the page counts them."""
    other = "packing/every-item-once"
    excuses = [
        Inapplicable(law=law, family=name, reason="no packer")
        for law, name in ((LAW, "alpha"), (other, "alpha"), (other, "toy"))
    ]
    found = _of(tmp_path, sample.law(LAW, "toy"), *excuses)
    table = grid(found.laws)
    assert [group.families for group in table.groups] == [("toy",)]
    assert [row.law.law for rows in table.topics.values() for row in rows] == [LAW]
    assert (table.left_out, found.families) == (1, ("toy",))
    assert "on 1 family." in as_text(found)
    assert "1 law that does not apply to this subject, and families on which none applies, are left out." in (
        html.render(found)
    )


def test_a_page_without_a_law_that_applies(tmp_path: Path) -> None:
    """It says so in place of an empty grid."""
    found = _of(tmp_path, Inapplicable(law=LAW, family="toy", reason="no graphs"))
    assert "None of 1 law applies to this subject." in html.render(found)
    assert found.families == ()
