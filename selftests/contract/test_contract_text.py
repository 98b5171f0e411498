"""The one formatter, compared as full text."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from selftests.contract.invented import CASE, invented_law
from suite.contract.text import arm_text, changed_lines, plan_lines, short_sides, unknown_text, violation_text
from suite.contract.verdict import (
    ChangedThing,
    DecorationSheet,
    Difference,
    DrawnBin,
    DrawnItem,
    Evidence,
    Violation,
    unknown,
)

ARM = Difference(
    arm="subject",
    max_abs=0.5,
    max_rel=2.0,
    mismatched=3,
    total=32,
    nan=0,
    inf=0,
    index=(1, 7),
    item=1,
    batch=0,
)
FIRST, SECOND = DrawnItem(0, "2x2", 1), DrawnItem(1, "2x4", 2)
PLAN = ((DrawnBin(4, (FIRST, SECOND)),), (DrawnBin(None, (SECOND,)), DrawnBin(8, (FIRST,))), ())

FULL = """\
VIOLATED invented/law   reference · toy · emulator
  expected   item 1 equal to its solo run
  actual     3 / 32 elements differ
  arm        eager again: nothing to compare
  arm        subject: 3 / 32 elements differ (9.4%); greatest abs 0.5, rel 2 at item 1 of batch 0, token 1, channel 7
  because    rows left over
  case       toy: history [[2x2, 2x4], [2x4]]  budgets [4, 8]  at most 2 items  (id 0123abcd)
  plan       batch 0: 4 <- item 0 (2x2, 1 tokens), item 1 (2x4, 2 tokens)
  plan       batch 1: eager <- item 1 (2x4, 2 tokens); 8 <- item 0 (2x2, 1 tokens)
  plan       batch 2: nothing launched
  reproduce  pytest "a::b[c]" --subject reference
             python -m suite replay 0123abcd"""

BARE = """\
VIOLATED invented/law   fault:packing/loses-one · toy · cuda
  expected   one
  actual     two
  because    three
  case       toy: history [[2x2, 2x4], [2x4]]  budgets [4, 8]  at most 2 items  (id 0123abcd)
  reproduce  again"""


WRITTEN = ChangedThing(
    "Tower", "bases", "itself", before="(Module)", after="(Module, Wrapper)", row="class", allowed=False
)
DECORATED = """\
VIOLATED invented/law   reference · toy · emulator
  expected   one
  actual     two
  changed    Tower: bases: itself: was (Module), is (Module, Wrapper)
  because    three
  case       toy: history [[2x2, 2x4], [2x4]]  budgets [4, 8]  at most 2 items  (id 0123abcd)
  reproduce  again"""


def _text(
    violation: Violation,
    *,
    subject: str,
    device: str,
    reproduce: tuple[str, ...],
    decoration: DecorationSheet | None = None,
) -> str:
    return violation_text(
        invented_law(),
        CASE,
        violation,
        case_id="0123abcd",
        subject=subject,
        device=device,
        reproduce=reproduce,
        decoration=decoration,
    )


def test_a_violation_with_everything() -> None:
    """Expected, actual, arms, because, case, plan, reproduce: in this order and with this wording."""
    nothing = Difference("eager again", 0.0, 0.0, 0, 0, 0, 0, ())
    violation = Violation(
        expected="item 1 equal to its solo run",
        actual="3 / 32 elements differ",
        because="rows left over",
        evidence=Evidence(arms=(nothing, ARM), plan=PLAN),
    )
    commands = ('pytest "a::b[c]" --subject reference', "python -m suite replay 0123abcd")
    assert _text(violation, subject="reference", device="emulator", reproduce=commands) == FULL


def test_a_violation_without_evidence() -> None:
    """No arm and no plan: no line for them."""
    violation = Violation(expected="one", actual="two", because="three")
    assert _text(violation, subject="fault:packing/loses-one", device="cuda", reproduce=("again",)) == BARE


def test_what_was_changed_by_mistake_is_listed() -> None:
    """One line for each change that was not allowed, and none for those that were."""
    sheet = DecorationSheet("Tower", (replace(WRITTEN, aspect="subclasses", allowed=True), WRITTEN))
    violation = Violation(expected="one", actual="two", because="three")
    text = _text(violation, subject="reference", device="emulator", reproduce=("again",), decoration=sheet)
    assert text == DECORATED


def test_many_changes_are_counted() -> None:
    """Five stand in full, each on one line, and the number of the others is told."""
    changes = tuple(replace(WRITTEN, what=f"entry {n}") for n in range(12))
    lines = changed_lines(DecorationSheet("Tower", (*changes, replace(WRITTEN, allowed=True))))
    assert lines[0] == "Tower: bases: entry 0: was (Module), is (Module, Wrapper)"
    assert lines[5:] == ["and 7 more by mistake"]
    (line,) = changed_lines(DecorationSheet("Tower", (replace(WRITTEN, before="a\n\tb" * 100, after=" "),)))
    assert line.startswith("Tower: bases: itself: was a ba b")
    assert line.endswith("..., is empty")
    assert changed_lines(None) == changed_lines(DecorationSheet("Tower", ())) == []


def test_an_unknown_verdict() -> None:
    """Why nothing can be said, under another word than a violation."""
    text = unknown_text(invented_law(), unknown("adapter broken: no such library"), subject="vllm", family="toy")
    assert text == "UNKNOWN  invented/law   vllm · toy\n  because    adapter broken: no such library"


@pytest.mark.parametrize(
    ("arm", "text"),
    [
        (
            Difference("subject", 0.0, 0.0, 4, 4, 4, 0, (0, 0), item=2, batch=1),
            (
                "subject: 4 / 4 elements differ (100.0%); greatest abs 0, rel 0 at item 2 of batch 1, token 0, "
                "channel 0; NaN 4, Inf 0"
            ),
        ),
        (
            Difference("subject", 1.25e-7, 1e30, 0, 10, 0, 2, (3, 1)),
            (
                "subject: 0 / 10 elements differ (0.0%); greatest abs 1.25e-07, rel 1e+30 at item 0 of batch 0, "
                "token 3, channel 1; NaN 0, Inf 2"
            ),
        ),
        (Difference("subject", math.nan, math.nan, 0, 0, 0, 0, ()), "subject: nothing to compare"),
    ],
)
def test_an_arm(arm: Difference, text: str) -> None:
    """Finite errors, NaN and Inf are told apart; an empty comparison says so."""
    assert arm_text(arm) == text


def test_no_plan_has_no_lines() -> None:
    """A subject without a ladder has no launches to show."""
    assert plan_lines(Evidence()) == []
    assert plan_lines(Evidence(plan=((), ()))) == ["batch 0: nothing launched", "batch 1: nothing launched"]


def test_long_values_are_shown_where_they_differ() -> None:
    """A change at the end of a long value is in the text, and short values stay whole."""
    long = ", ".join(f"name_{n}" for n in range(200))
    one, other = short_sides(long, long.replace("name_170", "other"))
    assert "name_170," in one
    assert "other," in other
    assert one.startswith("...")
    assert max(map(len, (one, other))) < 200
    assert short_sides("a", "b") == ("a", "b")
