"""The smallest session before the laws: what fails there is the adapter, once, and what laws say is left to them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from models.api import Item
from models.families import FAMILIES
from selftests.contract.invented import Behaviour, Invented, raising
from selftests.subjects.strange_adapters import Broken, Choosy, Forgetful, Honest
from suite.contract.subject import AdapterBroken, Capabilities, Refused
from suite.contract.verdict import Outcome
from suite.driver.everything import run_laws
from suite.driver.greeting import smallest, trouble


def _not_a_number(items: Sequence[Item]) -> list[Tensor]:
    return [torch.full((1, 1), math.nan) for _ in items]


def test_an_adapter_that_works_has_no_trouble() -> None:
    """One that serves a single family has none either."""
    assert trouble(Honest()) is None
    assert trouble(Choosy()) is None


def test_wrong_answers_are_for_the_laws() -> None:
    """A NaN in another shape is what the subject says, and laws judge that."""
    assert trouble(Invented(Behaviour(encode=_not_a_number), Capabilities())) is None


TROUBLES = {
    "start raises": (Behaviour(start=raising(OSError("no engine"))), "on toy failed: start raised OSError: no engine"),
    "encode raises": (Behaviour(encode=raising(KeyError("rows"))), "on toy failed: encode raised KeyError: 'rows'"),
    "close raises": (Behaviour(close=raising(ValueError("busy"))), "on toy failed: close raised ValueError: busy"),
    "broken": (Behaviour(start=raising(AdapterBroken("another release"))), "on toy failed: another release"),
    "leaves": (Behaviour(start=raising(SystemExit(3))), "on toy failed: start raised SystemExit: 3"),
    "no sequence": (Behaviour(encode=lambda _: None), "on toy failed: encode raised TypeError: "),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_a_broken_adapter_is_told(name: str) -> None:
    """Where the smallest session failed, and how."""
    behaviour, sentence = TROUBLES[name]
    found = trouble(Invented(behaviour, Capabilities()))
    assert found is not None
    assert found.startswith(f"adapter broken: the smallest session {sentence}")


def test_a_lost_answer_is_told() -> None:
    """One item went in, and nothing came out."""
    assert trouble(Forgetful()) == "adapter broken: the smallest session on toy gave 0 results for one item"


def test_a_subject_that_serves_no_family_is_told() -> None:
    """With its own words for each."""
    found = trouble(Invented(Behaviour(start=raising(Refused("not today"))), Capabilities()), FAMILIES[:2])
    assert found == (
        "adapter broken: the smallest session was refused on every family: toy: not today; qwen2_vl: not today"
    )


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_the_smallest_grid_is_accepted(family: object) -> None:
    """By every family of the zoo, and it has the fewest tokens that one can have."""
    known = next(each for each in FAMILIES if each is family)
    grid = smallest(known.sizes)
    assert known.sizes.accepts(grid)
    assert known.sizes.tokens(grid) == known.sizes.unit


def test_no_law_is_held_on_a_broken_adapter() -> None:
    """Every law is unknown with the same reason, and none is violated."""
    found = list(run_laws(Broken()))
    assert len(found) > 10
    assert {checked.outcome for checked in found} == {Outcome.UNKNOWN}
    (reason,) = {checked.line["reason"] for checked in found}
    assert reason == (
        "adapter broken: the smallest session on toy failed: start raised ModuleNotFoundError: No module named 'engine'"
    )
