"""Cases: printed, stored and read back without loss; anything else is refused with a sentence."""

from __future__ import annotations

import json
import math
from typing import cast

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.api import Grid
from selftests.contract.invented import ALL_FAMILIES, CASE, ONE, TOY
from suite.contract.case import BadCase, Case, ItemSpec, Setup, case_from_data, case_from_json, draw_pixels

COUNTS = st.integers(-(10**12), 10**12)
GRIDS = st.builds(Grid, COUNTS, COUNTS, COUNTS)
FILLS = st.none() | st.floats(allow_nan=False)
SPECS = st.builds(ItemSpec, GRIDS, COUNTS, st.text(), st.none() | COUNTS, FILLS)
SETUPS = st.builds(
    Setup,
    st.lists(COUNTS, max_size=3).map(tuple),
    COUNTS,
    st.none() | COUNTS,
    st.booleans(),
    st.none() | st.text(),
    st.none() | st.text(),
)
CASES = st.builds(Case, st.text(), SETUPS, st.lists(st.lists(SPECS, max_size=2).map(tuple), max_size=2).map(tuple))


@given(CASES)
@settings(max_examples=60, deadline=None)
def test_a_case_survives_json(case: Case) -> None:
    """Every field comes back; the text is one line of ASCII."""
    text = case.to_json()
    assert case_from_json(text) == case
    assert "\n" not in text
    assert text.isascii()


def test_not_a_number_survives_json() -> None:
    """The fill that stands for poisoned pixels comes back as itself."""
    case = Case("toy", history=((ItemSpec(ONE.grid, fill=math.nan),),))
    fill = case_from_json(case.to_json()).history[0][0].fill
    assert fill is not None
    assert math.isnan(fill)
    assert case_from_json(case.to_json()).to_json() == case.to_json()


FIELDS = "Valid fields: family, setup, history."
GOOD = json.loads(CASE.to_json())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "{",
            (
                "not a case: Expecting property name enclosed in double quotes: line 1 column 2 (char 1). "
                "A case is what `python -m suite replay` was given before."
            ),
        ),
        ("{}", f"not a case: KeyError: 'family'. {FIELDS}"),
        ("[]", f"not a case: TypeError: case [] is not an object with family, setup, history. {FIELDS}"),
        ("null", f"not a case: TypeError: case None is not an object with family, setup, history. {FIELDS}"),
    ],
)
def test_what_is_no_case_is_refused(text: str, sentence: str) -> None:
    """Half a line, an empty object, a list and nothing at all: one sentence each."""
    with pytest.raises(BadCase) as refusal:
        case_from_json(text)
    assert str(refusal.value) == sentence


GRID = {"frames": 1, "height": 2, "width": 2}
WRONG: dict[str, dict[str, object]] = {
    "no setup": {"setup": None},
    "an empty setup": {"setup": {}},
    "an unknown wish": {"setup": {**GOOD["setup"], "speed": 1}},
    "budgets that are no list": {"setup": {**GOOD["setup"], "budgets": 3}},
    "budgets as text": {"setup": {**GOOD["setup"], "budgets": "48"}},
    "a family without a name": {"family": 3},
    "no history": {"history": 3},
    "an item of nothing": {"history": [[{}]]},
    "half a grid": {"history": [[{"grid": {"frames": 1}}]]},
    "a grid of text": {"history": [[{"grid": {**GRID, "height": "2"}}]]},
    "an unknown property": {"history": [[{"grid": GRID, "colour": "red"}]]},
    "a seed of nothing": {"history": [[{"grid": GRID, "seed": None}]]},
    "a fill of text": {"history": [[{"grid": GRID, "fill": "nan"}]]},
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_field_is_refused(name: str) -> None:
    """A field that is missing, unknown or of another type is refused here, and not by a law much later."""
    with pytest.raises(BadCase, match=r"^not a case: .*Valid fields: family, setup, history\.$"):
        case_from_data({**GOOD, **WRONG[name]})


def test_wishes_of_a_wrong_type_survive() -> None:
    """Configurations that no subject may accept are drawn on purpose, so they can be replayed."""
    setup = Setup(budgets=cast("tuple[int, ...]", (2.5, "64", True)), max_items=cast("int", "2"))
    assert case_from_json(Case("toy", setup).to_json()) == Case("toy", setup)


@pytest.mark.parametrize(
    ("case", "text"),
    [
        (CASE, "toy: history [[2x2, 2x4], [2x4]]  budgets [4, 8]  at most 2 items"),
        (Case("toy"), "toy: history []  budgets inferred"),
        (
            Case("toy", Setup(max_frames=0, packer="greedy", backend="flash", enabled=False), ((),)),
            "toy: history [[]]  budgets inferred  at most 0 frames  packer greedy  back end flash  graphs off",
        ),
        (
            Case(
                "toy",
                history=(
                    (ItemSpec(Grid(3, 2, 4), modality="video"), ItemSpec(ONE.grid, fill=math.nan)),
                    (ItemSpec(Grid(2, 4, 4), photograph=1),),
                ),
            ),
            "toy: history [[3x2x4v, 2x2=nan], [2x4x4 photograph 1]]  budgets inferred",
        ),
    ],
)
def test_a_case_reads_as_one_line(case: Case, text: str) -> None:
    """The whole text, for every field that can be there."""
    assert str(case) == text


def test_pixels_follow_from_the_spec() -> None:
    """Equal specs are equal items, another seed or size is another, whatever was drawn before."""
    first = draw_pixels(ItemSpec(Grid(1, 4, 6), seed=3), TOY)
    torch.manual_seed(99)
    assert torch.equal(first.pixels, draw_pixels(ItemSpec(Grid(1, 4, 6), seed=3), TOY).pixels)
    assert not torch.equal(first.pixels, draw_pixels(ItemSpec(Grid(1, 4, 6), seed=4), TOY).pixels)
    assert first.pixels.std() > 0.5


@pytest.mark.parametrize("name", ALL_FAMILIES)
def test_pixels_have_the_familys_shape(name: str) -> None:
    """`[rows, *row_shape]`, of patches or of tiles; a fill is a constant of that shape."""
    family = ALL_FAMILIES[name]
    grid = Grid(1, *(family.sizes.tile or (4, 4)))
    shape = (family.sizes.rows(grid), *family.row_shape)
    assert draw_pixels(ItemSpec(grid), family).pixels.shape == shape
    filled = draw_pixels(ItemSpec(grid, fill=math.inf), family).pixels
    assert filled.shape == shape
    assert bool((filled == math.inf).all())
