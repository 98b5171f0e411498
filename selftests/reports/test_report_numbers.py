"""How much of the tolerance was used: the axis of a violation, and the table of margins."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import html
from reports.margins import margins
from reports.records import read
from reports.ruler import LEFT, RIGHT, WIDTH, rule
from reports.schema import Arm
from reports.summary import summarise
from selftests.reports import sample

SHARES = st.none() | st.floats(min_value=0)


def test_marks_lie_where_the_numbers_are() -> None:
    """Zero is at the left end, less than the tolerance before its line, more than it behind."""
    found = rule([Arm(arm="a", used=0.0), Arm(arm="b", used=0.02), Arm(arm="c", used=1.0), Arm(arm="d", used=40.0)])
    assert found is not None
    zero, small, exact, large = found.dots
    assert (zero.x, zero.zero, zero.words) == (LEFT, True, "no difference")
    assert small.x is not None
    assert large.x is not None
    assert exact.x == found.tolerance
    assert LEFT < small.x < found.tolerance < large.x <= RIGHT
    assert (exact.over, large.over, large.words) == (False, True, "40 times the tolerance")


def test_what_has_no_place_is_said() -> None:
    """An arm without a share, NaN and Inf are in the words."""
    found = rule([Arm(arm="eager again", used=0.0), Arm(arm="replay", nan=3, inf=1), Arm(arm="x", used=0.5, nan=2)])
    assert found is not None
    assert [dot.words for dot in found.dots][1:] == ["not measured, 3 NaN, 1 Inf", "50 % of the tolerance, 2 NaN"]
    assert found.dots[1].x is None
    assert "replay: not measured, 3 NaN, 1 Inf" in found.description


def test_nothing_to_rule() -> None:
    """Without a measured share there is no axis."""
    assert rule([]) is None
    assert rule([Arm(arm="a"), Arm(arm="b", used=math.inf)]) is None


@given(shares=st.lists(SHARES, max_size=5))
def test_everything_stays_inside(shares: list[float | None]) -> None:
    """Whatever the shares, no mark, tick or line leaves the axis, and no arm is lost."""
    found = rule([Arm(arm="x" * 60, used=share) for share in shares])
    if found is None:
        return
    assert len(found.dots) == len(shares)
    places = [dot.x for dot in found.dots if dot.x is not None] + [tick.x for tick in found.ticks] + [found.tolerance]
    assert all(LEFT <= x <= RIGHT < WIDTH for x in places)
    assert all(0 < dot.y < found.height for dot in found.dots)
    assert sum(bool(tick.label) for tick in found.ticks) <= 8


def test_margins_are_the_closest(tmp_path: Path) -> None:
    """The closest law comes first, with the place of its largest share; a law without numbers is not there."""
    found = summarise(read(sample.write(tmp_path / "r.jsonl")))
    (worst, other) = margins(found.laws)
    assert (worst.law.law, worst.used) == ("values/replay-equals-eager", 1321.0)
    assert worst.place == "qwen3-vl (route two devices)"
    assert (other.used, other.noise) == (0.031, 0.0)


@pytest.mark.parametrize("margin", [math.nan, math.inf, 0.0, 5e-324])
def test_odd_margins_render(tmp_path: Path, margin: float) -> None:
    """A share that is no number is worse than any, and is shown as what it is."""
    law = sample.law("values/replay-equals-eager", "toy")
    records = (replace(law, margin=margin), replace(law, family="glm4v", margin=0.5))
    found = summarise(read(sample.write(tmp_path / "r.jsonl", records)))
    (row,) = margins(found.laws)
    assert row.place == ("toy" if not margin < 0.5 else "glm4v")
    assert "How close to the tolerance" in html.render(found)
