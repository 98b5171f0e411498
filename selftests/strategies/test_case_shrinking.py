"""What Hypothesis reports in the end is the simplest story: one tiny image, one small budget."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, find, settings

from models.api import Grid
from models.families import family
from selftests.strategies.spaces import space
from suite.contract.case import Case, ItemSpec, Setup
from suite.oracles.sizes import total_tokens
from suite.strategies.cases import CASES

PATIENT = settings(
    max_examples=500,
    database=None,
    derandomize=True,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
SMALLEST = {"toy": Grid(1, 2, 2), "gemma3": Grid(1, 4, 4)}
LEAST = {"toy": 3, "gemma3": 8}


def _any(_: Case) -> bool:
    return True


def _minimal(strategy: str, name: str, wanted: Callable[[Case], bool] = _any) -> Case:
    return find(CASES[strategy](space(name)), wanted, settings=PATIENT)


@pytest.mark.parametrize("name", SMALLEST)
@pytest.mark.parametrize("strategy", ["mixes", "histories"])
def test_the_simplest_case_is_one_smallest_image(strategy: str, name: str) -> None:
    """If every case is violated, what is shown is one batch of the smallest image in the smallest graph."""
    batch = (ItemSpec(SMALLEST[name]),)
    simplest = Case(name, Setup(budgets=(LEAST[name],), max_items=1), (batch,))
    assert _minimal(strategy, name) == simplest


@pytest.mark.parametrize("strategy", ["packers", "backends"])
def test_the_simplest_name_is_the_first(strategy: str) -> None:
    """A failure of every packer or back end is shown with the subject's default."""
    setup = _minimal(strategy, "toy").setup
    assert (setup.packer or "greedy", setup.backend or "flash") == ("greedy", "flash")


def test_two_items_stay_two_smallest_images() -> None:
    """A failure that needs two items in one batch is shown with two of the smallest."""
    case = _minimal("histories", "toy", lambda case: any(len(batch) > 1 for batch in case.history))
    assert case.history == ((ItemSpec(Grid(1, 2, 2)), ItemSpec(Grid(1, 2, 2))),)


def test_two_batches_stay_two_smallest_batches() -> None:
    """A failure that needs a past is shown with one batch before it."""
    case = _minimal("histories", "toy", lambda case: sum(map(bool, case.history)) > 1)
    assert [len(batch) for batch in case.history] == [1, 1]
    assert {spec.grid for batch in case.history for spec in batch} == {Grid(1, 2, 2)}


def test_a_threshold_of_tokens_is_met_exactly() -> None:
    """A failure from seven tokens on is shown with seven, and with one seed."""
    case = _minimal("mixes", "toy", lambda case: total_tokens("toy", case.history[0]) >= 7)
    assert total_tokens("toy", case.history[0]) == 7
    assert {spec.seed for spec in case.history[0]} == {0}


def test_the_simplest_oversized_case_is_one_item_over() -> None:
    """Oversized items are drawn one unit above the largest budget, and no further."""
    case = _minimal("oversized", "toy")
    tokens = [family("toy").sizes.tokens(spec.grid) for spec in case.history[0]]
    assert (case.setup.budgets, tokens) == ((3,), [4])


def test_the_simplest_clip_has_two_frames() -> None:
    """The smallest clip: two frames of the smallest image."""
    case = _minimal("videos", "toy")
    assert case.history[0] == (ItemSpec(Grid(2, 2, 2), modality="video"),)


def test_the_simplest_twins_differ_in_one_place() -> None:
    """Two batches of the least total, cut at different places, and the first once more."""
    case = _minimal("twins", "toy")
    assert case.history[0] == case.history[2] != case.history[1]
    assert total_tokens("toy", case.history[0]) == 2


def test_the_simplest_configuration_says_nothing() -> None:
    """If every configuration is violated, the one that is shown leaves everything to the subject."""
    assert _minimal("configurations", "toy").setup == Setup()
