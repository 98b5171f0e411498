"""The classes of inputs that can break a subject are drawn often, by the strategies that are there for them."""

from __future__ import annotations

from collections import Counter

import pytest

from models.api import Grid
from models.families import family
from selftests.strategies.spaces import draw_all
from suite.contract.case import Case, ItemSpec, Setup
from suite.strategies.catalogue import labels
from suite.strategies.labels import LABELS

DRAWS = 200

AT_LEAST: dict[str, dict[str, int]] = {
    "mixes": {
        "one-under": 6,
        "exact-fit": 10,
        "one-over": 10,
        "over-the-cap": 15,
        "oversized": 15,
        "all-oversized": 8,
        "smallest-item": 30,
        "single-item": 20,
        "several-budgets": 35,
        "blank-image": 6,
    },
    "histories": {
        "one-under": 10,
        "exact-fit": 12,
        "one-over": 15,
        "over-the-cap": 15,
        "empty-batch": 8,
        "oversized": 20,
        "all-oversized": 15,
        "smallest-item": 35,
        "single-item": 30,
        "shape-seen-before": 15,
        "several-budgets": 35,
    },
    "twins": {
        "exact-fit": 35,
        "smallest-item": 50,
        "equal-totals": 100,
        "shape-seen-before": 100,
        "several-budgets": 20,
    },
    "oversized": {"oversized": 100, "all-oversized": 100, "exact-fit": 5, "several-budgets": 30},
    "packings": {
        "crowd": 30,
        "video": 35,
        "frames-bind": 7,
        "companions": 45,
        "oversized": 15,
        "exact-fit": 13,
        "over-the-cap": 20,
    },
    "marches": {"long-history": 28, "smallest-item": 45, "exact-fit": 45},
    "many_layouts": {"long-history": 60, "many-layouts": 60},
    "packers": {"exact-fit": 5, "companions": 40, "over-the-cap": 12, "oversized": 15, "several-budgets": 35},
    "backends": {"exact-fit": 12, "over-the-cap": 15, "empty-batch": 6, "shape-seen-before": 20},
    "configurations": {"several-budgets": 25, "single-item": 30},
}
"""Percent of 200 draws that must be in the class: about two thirds of the least of six seeds."""

VIDEOS = {"video": 100, "exact-fit": 15, "one-over": 9, "over-the-cap": 25, "oversized": 20, "all-oversized": 13}
PHOTOGRAPHS = {"exact-fit": 15, "over-the-cap": 15, "shape-seen-before": 15, "oversized": 12}


def _shares(strategy: str, name: str) -> dict[str, float]:
    """Percent of the drawn cases in each class."""
    found: Counter[str] = Counter()
    seen: list[Case] = []

    def count(case: Case) -> None:
        seen.append(case)
        found.update(labels(case, family(name)))

    draw_all(strategy, name, examples=DRAWS, see=count)
    return {label: 100 * found[label] / len(seen) for label in LABELS}


def _check(strategy: str, name: str, wanted: dict[str, int]) -> None:
    shares = _shares(strategy, name)
    rare = {label: (shares[label], least) for label, least in wanted.items() if shares[label] < least}
    assert not rare, f"{strategy} on {name}: (percent drawn, percent wanted) {rare}"


@pytest.mark.parametrize("strategy", AT_LEAST)
def test_every_class_occurs(strategy: str) -> None:
    """Each class that a strategy is there for has its share, on the toy."""
    _check(strategy, "toy", AT_LEAST[strategy])


@pytest.mark.parametrize("strategy", ["mixes", "histories", "twins", "oversized"])
def test_every_class_occurs_on_tiles(strategy: str) -> None:
    """The same on a family of tiles, whose ladders are short and whose items have one shape for a size."""
    _check(strategy, "gemma3", AT_LEAST[strategy])


@pytest.mark.parametrize("strategy", ["histories", "twins"])
def test_every_class_occurs_on_patches(strategy: str) -> None:
    """The same on a real family of patches."""
    _check(strategy, "qwen2_vl", AT_LEAST[strategy])


def test_clips_occur() -> None:
    """Every case of `videos` holds a clip, and clips meet the boundaries of the ladder."""
    _check("videos", "qwen2_vl", VIDEOS)


@pytest.mark.parametrize("name", ["qwen2_vl", "gemma3"])
def test_photographs_occur(name: str) -> None:
    """Photographs meet the boundaries of the ladder, and some are oversized."""
    _check("photographs", name, PHOTOGRAPHS)


@pytest.mark.parametrize("strategy", ["bad_configurations", "configurations", "setups"])
def test_every_case_has_its_labels(strategy: str) -> None:
    """Also one whose limits are no numbers: wrong types are drawn on purpose."""
    assert set(_shares(strategy, "gemma3")) == set(LABELS)


def test_every_class_is_wanted_somewhere() -> None:
    """No label of the suite is left without a strategy that must reach it."""
    wanted = {label for shares in AT_LEAST.values() for label in shares} | set(VIDEOS) | set(PHOTOGRAPHS)
    assert wanted == set(LABELS)


ONE = ItemSpec(Grid(1, 2, 2))
THREE = ItemSpec(Grid(1, 2, 6))
FOUR = ItemSpec(Grid(1, 4, 4))
NINE = ItemSpec(Grid(1, 6, 6))


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        (((),), {"empty-batch"}),
        (((ONE,),), {"single-item", "smallest-item"}),
        (((THREE,),), {"single-item", "one-under"}),
        (((FOUR,),), {"single-item", "exact-fit"}),
        (((FOUR, ONE),), {"one-over", "smallest-item", "companions"}),
        (((NINE,),), {"single-item", "oversized", "all-oversized", "one-over"}),
        (((NINE, FOUR),), {"oversized"}),
        (((FOUR, FOUR, FOUR),), {"over-the-cap", "companions"}),
        (((FOUR,), (FOUR,)), {"single-item", "exact-fit", "shape-seen-before"}),
        (((FOUR,), (THREE, ONE)), {"single-item", "exact-fit", "equal-totals", "smallest-item", "companions"}),
        (((ItemSpec(Grid(2, 2, 4), modality="video"),),), {"single-item", "exact-fit", "video"}),
    ],
)
def test_labels_say_what_a_case_is(history: tuple[tuple[ItemSpec, ...], ...], expected: set[str]) -> None:
    """Cases written by hand on budgets 4 and 8 with at most two items: exactly these labels."""
    case = Case("toy", Setup(budgets=(4, 8), max_items=2), history)
    assert set(labels(case, family("toy"))) == expected | {"several-budgets"}


CLIP = ItemSpec(Grid(2, 2, 2), modality="video")
LONG_CLIP = ItemSpec(Grid(4, 2, 2), modality="video")


@pytest.mark.parametrize(
    ("batch", "max_frames", "binds"),
    [
        ((CLIP, CLIP), 3, True),
        ((CLIP, CLIP), 4, False),
        ((CLIP, CLIP), None, False),
        ((CLIP,), 1, False),
        ((CLIP, CLIP, CLIP), 3, False),
        ((LONG_CLIP, LONG_CLIP), 4, True),
        ((LONG_CLIP, LONG_CLIP), 3, False),
        ((LONG_CLIP, CLIP, FOUR), 4, False),
    ],
)
def test_frames_bind_where_nothing_else_does(batch: tuple[ItemSpec, ...], max_frames: int | None, binds: bool) -> None:
    """Tokens and items fit, each clip fits, and all their frames together do not."""
    case = Case("toy", Setup(budgets=(4, 8), max_items=2, max_frames=max_frames), (batch,))
    assert ("frames-bind" in labels(case, family("toy"))) == binds
