"""Every drawn case can be run as it stands, and none is trivial."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.api import Sizes
from models.families import FAMILIES, family
from selftests.strategies.spaces import CAPABLE, KINDS, draw_all, reachable, space
from suite.contract.case import Case, Setup, case_from_json
from suite.strategies.cases import CASES, Space
from suite.strategies.catalogue import cases, unreachable
from suite.strategies.sizes import nearest_shapes, shapes_of

WITHOUT_HISTORY = {"bad_configurations", "setups"}
OF_ANY_KIND = {"configurations", "bad_configurations", "photographs", "twins"}
"""Strategies that do not keep to the ladders that every subject must accept, each for its own reason."""


def _check_items(case: Case) -> None:
    known = family(case.family)
    for batch in case.history:
        for spec in batch:
            assert known.sizes.accepts(spec.grid), spec
            assert spec.modality in known.modalities, spec
            assert (spec.modality == "video") == (not known.sizes.tile and spec.grid.frames > 1), spec


def _check_ladder(case: Case) -> None:
    sizes, budgets = family(case.family).sizes, case.setup.budgets
    assert list(budgets) == sorted(set(budgets))
    assert all(budget % sizes.unit == 0 for budget in budgets)
    assert 1 <= case.setup.max_items <= budgets[0] // sizes.unit
    assert budgets[-1] < sizes.max_tokens, "no item of the family would be oversized"


def _check(case: Case, strategy: str) -> None:
    _check_items(case)
    assert case_from_json(case.to_json()) == case
    assert bool(case.history) == (strategy not in WITHOUT_HISTORY)
    assert any(case.history) == (strategy not in WITHOUT_HISTORY), "no item at all"
    if strategy not in OF_ANY_KIND:
        _check_ladder(case)


CELLS = [(name, strategy) for name in KINDS for strategy in reachable(name)]


@pytest.mark.parametrize(("name", "strategy"), CELLS, ids=[f"{strategy}-{name}" for name, strategy in CELLS])
def test_cases_are_valid(name: str, strategy: str) -> None:
    """Sizes that the family takes, a ladder that every subject must accept, and at least one item."""
    draw_all(strategy, name, examples=25, see=lambda case: _check(case, strategy))


def test_a_subject_without_video_is_given_no_clips() -> None:
    """The laws on packing need no video, and draw clips for subjects that declare it."""
    seen: list[Case] = []
    draw_all("packings", "toy", examples=40, see=seen.append, capabilities=replace(CAPABLE, video=False))
    assert {spec.modality for case in seen for batch in case.history for spec in batch} == {"image"}
    assert {case.setup.max_frames for case in seen} == {None}


def test_a_subject_without_back_ends_is_not_asked_to_refuse_one() -> None:
    """It has no such option; every other value is spoilt all the same."""
    seen: list[Case] = []
    draw_all("bad_configurations", "toy", examples=60, see=seen.append, capabilities=replace(CAPABLE, backends=()))
    assert {case.setup.backend for case in seen} == {None}
    assert len({case.setup.max_items for case in seen}) > 1


def test_the_kinds_are_all_there_are() -> None:
    """The families drawn from above stand for every family of the zoo."""
    assert {family(name).sizes for name in KINDS} == {each.sizes for each in FAMILIES}


@pytest.mark.parametrize("strategy", ["packers", "backends"])
def test_every_declared_name_is_drawn(strategy: str) -> None:
    """Each of the subject's packers and back ends occurs, and no other."""
    seen: set[str | None] = set()
    draw_all(strategy, "toy", examples=40, see=lambda case: seen.add(case.setup.packer or case.setup.backend))
    assert seen == set(getattr(CAPABLE, strategy))


def _wrong_values(setup: Setup) -> list[str]:
    """What is wrong with a configuration, in words."""
    numbers = [value for value in (*setup.budgets, setup.max_items, setup.max_frames) if type(value) is int]
    frames = 0 if setup.max_frames is None else setup.max_frames
    others = [value for value in (*setup.budgets, setup.max_items, frames) if type(value) is not int]
    budgets = [budget for budget in setup.budgets if type(budget) is int]
    return [
        *["no whole number" for _ in others],
        *["budget of zero" for budget in budgets if budget == 0],
        *["negative" for number in numbers if number < 0],
        *["too many items" for _ in range(type(setup.max_items) is int and setup.max_items > max(1, *budgets))],
        *["back end" for _ in range(setup.backend is not None)],
    ]


def test_bad_configurations_have_one_wrong_value() -> None:
    """A value too small, too large, of another type, or unknown: one of them in each, and all of them occur."""
    found: set[str] = set()

    def look(case: Case) -> None:
        (wrong,) = _wrong_values(case.setup)
        found.add(wrong)

    draw_all("bad_configurations", "toy", examples=150, see=look)
    assert found == {"no whole number", "budget of zero", "negative", "too many items", "back end"}


@pytest.mark.parametrize("name", KINDS)
def test_shapes_have_the_tokens_asked_for(name: str) -> None:
    """Every shape of a number of tokens has that many; each number that a ladder needs has a shape near it."""
    sizes = family(name).sizes
    for units in range(1, 41):
        for grid in shapes_of(sizes, units * sizes.unit):
            assert sizes.accepts(grid)
            assert sizes.tokens(grid) == units * sizes.unit
        nearest = nearest_shapes(sizes, units * sizes.unit)
        assert sizes.tokens(nearest[0]) <= units * sizes.unit
        assert len({sizes.tokens(grid) for grid in nearest}) == 1


def test_shapes_hold_every_grid() -> None:
    """No shape is left out: all grids of small sides, counted by hand."""
    sizes = Sizes(merge=2, max_side=8, max_frames=3)
    assert [str(grid) for grid in shapes_of(sizes, 4)] == ["2x8", "8x2", "4x4"]
    assert [str(grid) for grid in shapes_of(sizes, 6, frames=3)] == ["3x2x4", "3x4x2"]
    assert shapes_of(sizes, 5) == []
    assert shapes_of(sizes, 7, frames=2) == []
    assert [str(grid) for grid in nearest_shapes(sizes, 5)] == ["2x8", "8x2", "4x4"]


def test_a_wrong_name_lists_the_valid_ones() -> None:
    """One sentence with the name and the choices."""
    with pytest.raises(ValueError, match="no strategy 'mixtures'; valid: mixes, "):
        cases("mixtures", space("toy"))


def test_what_a_family_cannot_have_is_said() -> None:
    """Clips need a family of video, photographs a family with an image processor; the rest needs nothing."""
    assert unreachable("videos", space("glm4v")) == "the family takes no video"
    unread = Space(family("toy"), CAPABLE)
    assert unreachable("photographs", unread) == ("the family has no image processor to read photographs with")
    assert [name for name in CASES if unreachable(name, unread)] == ["photographs"]
