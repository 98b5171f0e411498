"""What decorators get wrong is drawn often, by the strategies that are there for it."""

from __future__ import annotations

from collections import Counter

import pytest

from models.families import family
from selftests.strategies.decoration_cases import draw_decorations
from suite.contract.decoration import DecorationCase
from suite.strategies.catalogue import labels
from suite.strategies.decoration_labels import DECORATION_LABELS
from suite.strategies.decorations import DECORATIONS

DRAWS = 200

AT_LEAST: dict[str, dict[str, int]] = {
    "decorations": {
        "inherited-forward": 18,
        "overridden-forward": 11,
        "two-levels-below": 16,
        "below-the-root": 22,
        "text-annotations": 10,
        "optional-annotations": 29,
        "odd-arguments": 16,
        "odd-construction": 13,
        "own-call": 2,
        "hooks-from-the-start": 7,
        "changes-a-buffer": 4,
        "language-model": 17,
        "dims-given": 16,
        "not-enabled": 7,
        "enabled": 7,
        "parent-and-child": 15,
        "plain-instances": 55,
        "no-rows": 35,
        "one-row": 32,
        "by-name": 9,
        "none-by-place": 6,
        "not-full": 15,
    },
    "decorated_once": {
        "below-the-root": 22,
        "overridden-forward": 18,
        "registry-of-subclasses": 1,
        "odd-construction": 12,
        "odd-arguments": 13,
        "own-call": 3,
        "hooks-from-the-start": 3,
        "changes-a-buffer": 5,
        "language-model": 17,
        "dims-given": 26,
        "enabled": 22,
        "plain-instances": 55,
        "no-rows": 8,
        "by-name": 11,
    },
    "copied": {
        "own-copying": 7,
        "changes-a-buffer": 5,
        "hooks-from-the-start": 3,
        "below-the-root": 18,
        "registry-of-subclasses": 5,
    },
    "decorated_again": {
        "decorated-twice": 55,
        "language-model": 17,
        "dims-given": 16,
        "enabled": 20,
    },
    "decorated_otherwise": {
        "decorated-otherwise": 55,
        "not-enabled": 28,
        "language-model": 45,
        "dims-given": 34,
    },
    "constructions": {
        "odd-construction": 11,
        "decorated-twice": 22,
        "parent-and-child": 10,
        "plain-instances": 23,
        "inherited-forward": 22,
        "overridden-forward": 13,
        "odd-arguments": 12,
        "text-annotations": 14,
    },
    "derived": {
        "user-derives": 55,
        "overridden-forward": 14,
        "inherited-forward": 16,
        "below-the-root": 17,
        "odd-construction": 13,
        "no-rows": 11,
        "derived-is-decorated": 20,
    },
    "failing": {
        "constructor-fails": 12,
        "cold-failure": 39,
        "warm-failure": 11,
        "language-model": 16,
        "overridden-forward": 5,
        "changes-a-buffer": 3,
    },
    "at_once": {
        "decorated-twice": 55,
        "decorated-otherwise": 19,
        "changes-a-buffer": 4,
        "odd-construction": 17,
    },
    "forms_of_calls": {
        "odd-arguments": 38,
        "by-name": 35,
        "none-by-place": 32,
        "text-annotations": 13,
        "overridden-forward": 11,
        "dims-given": 25,
    },
    "wrong_types": {
        "odd-arguments": 45,
        "text-annotations": 19,
        "optional-annotations": 22,
        "below-the-root": 36,
    },
    "marches_of_rows": {
        "no-rows": 55,
        "one-row": 55,
        "text-annotations": 11,
        "optional-annotations": 23,
        "odd-arguments": 26,
        "by-name": 9,
        "changes-a-buffer": 10,
        "language-model": 23,
    },
    "refused": {
        "cannot-be-decorated": 43,
        "absent-argument": 8,
    },
    "undone": {
        "plain-instances": 55,
        "below-the-root": 23,
        "language-model": 14,
        "odd-construction": 12,
        "dims-given": 10,
    },
}
"""Percent of 200 draws that must be in the class: about half of the least of three seeds."""


@pytest.mark.parametrize("strategy", AT_LEAST)
def test_interesting_decorations_occur(strategy: str) -> None:
    """Each class is drawn at least as often as the table says."""
    found: Counter[str] = Counter()
    seen: list[DecorationCase] = []

    def count(case: DecorationCase) -> None:
        seen.append(case)
        found.update(labels(case, family("toy")))

    draw_decorations(strategy, examples=DRAWS, see=count)
    shares = {label: 100 * found[label] / len(seen) for label in AT_LEAST[strategy]}
    rare = {label: (share, AT_LEAST[strategy][label]) for label, share in shares.items()}
    assert not {label: pair for label, pair in rare.items() if pair[0] < pair[1]}, f"{strategy}: (drawn, wanted)"


def test_every_strategy_and_label_has_a_line() -> None:
    """A strategy that no line speaks of, or a label that no line asks for, could silently become empty."""
    assert set(AT_LEAST) == set(DECORATIONS)
    assert set(DECORATION_LABELS) == {label for wanted in AT_LEAST.values() for label in wanted}
