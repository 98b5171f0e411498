"""The sizes, orders and setups that compilers get wrong are drawn often, by the strategies that are there for them."""

from __future__ import annotations

from collections import Counter

import pytest

from models.families import family
from selftests.strategies.program_cases import draw_programs
from suite.contract.program import ProgramCase
from suite.strategies.catalogue import labels
from suite.strategies.program_labels import PROGRAM_LABELS
from suite.strategies.programs import PROGRAMS

DRAWS = 200

AT_LEAST: dict[str, dict[str, int]] = {
    "programs": {
        "no-rows": 13,
        "one-row": 32,
        "two-rows": 15,
        "many-rows": 34,
        "first-no-rows": 6,
        "first-one-row": 14,
        "several-items": 37,
        "other-borders": 11,
        "another-constant": 14,
        "split": 23,
        "ranges": 29,
        "language-model": 29,
        "not-the-cheapest-compiler": 12,
    },
    "layouts": {
        "writes-its-input": 8,
        "shares-memory": 16,
        "odd-strides": 8,
        "several-dtypes": 7,
        "split": 28,
        "no-rows": 17,
        "one-row": 29,
    },
    "writes": {"writes-its-input": 25, "shares-memory": 20, "split": 20},
    "layers": {"several-blocks": 66, "split": 66, "another-constant": 35, "not-the-cheapest-compiler": 8},
    "borders": {
        "ranges": 66,
        "last-of-a-range": 32,
        "first-of-a-range": 22,
        "second-of-a-range": 20,
        "last-but-one-of-a-range": 44,
        "range-of-one-size": 8,
        "no-rows": 40,
        "split": 24,
        "language-model": 25,
    },
    "instances": {"several-instances": 33, "instances-mixed": 30, "split": 20, "one-row": 36},
    "modes": {"mode-none": 30, "mode-stock": 27, "no-rows": 20, "one-row": 32},
    "marches_of_sizes": {
        "no-rows": 66,
        "one-row": 66,
        "two-rows": 66,
        "many-rows": 66,
        "several-items": 66,
        "empty-item": 60,
        "first-no-rows": 4,
        "first-one-row": 16,
    },
    "towers": {"one-row": 66, "two-rows": 66, "several-items": 66, "other-borders": 45, "text-decoder": 15},
    "generated_code": {"not-the-cheapest-compiler": 66, "several-items": 66, "one-row": 66},
}
"""Percent of 200 draws that must be in the class: about two thirds of the least of six seeds."""


@pytest.mark.parametrize("strategy", AT_LEAST)
def test_interesting_programs_occur(strategy: str) -> None:
    """Each class is drawn at least as often as the table says."""
    found: Counter[str] = Counter()
    seen: list[ProgramCase] = []

    def count(case: ProgramCase) -> None:
        seen.append(case)
        found.update(labels(case, family("toy")))

    draw_programs(strategy, examples=DRAWS, see=count)
    shares = {label: 100 * found[label] / len(seen) for label in AT_LEAST[strategy]}
    rare = {label: (share, AT_LEAST[strategy][label]) for label, share in shares.items()}
    assert not {label: pair for label, pair in rare.items() if pair[0] < pair[1]}, f"{strategy}: (drawn, wanted)"


def test_every_strategy_and_label_has_a_line() -> None:
    """A strategy that no line speaks of, or a label that no line asks for, could silently become empty."""
    assert set(AT_LEAST) == set(PROGRAMS)
    asked = {label for wanted in AT_LEAST.values() for label in wanted}
    assert set(PROGRAM_LABELS) - asked == {"no-items"}
