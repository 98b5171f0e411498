"""Comparing two tensors: counts, greatest errors and their place, with NaN and Inf kept apart."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from suite.contract.verdict import Difference
from suite.oracles.tolerance import CHAIN, compare, tolerance

DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
NAN, INF = math.nan, math.inf


def _compare(got: list[list[float]], want: list[list[float]]) -> Difference:
    return compare("subject", torch.tensor(got), torch.tensor(want), item=3, batch=2)


def test_equal_tensors_do_not_differ() -> None:
    """Nothing is mismatched, nothing of the tolerance is used, and the arm and place are handed on."""
    found = _compare([[1.0, 2.0]], [[1.0, 2.0]])
    assert found == Difference("subject", 0.0, 0.0, 0, 2, 0, 0, (0, 0), item=3, batch=2, used=0.0, rows=())


def test_the_greatest_error_has_its_place() -> None:
    """Two wrong elements: the worse one is named, wherever it stands, and every wrong row is listed."""
    want = torch.zeros(4, 3)
    got = want.clone()
    got[0, 1], got[3, 2] = 0.01, 5.0
    found = compare("subject", got, want)
    assert (found.mismatched, found.total) == (2, 12)
    assert found.max_abs == 5.0
    assert found.index == (3, 2)
    assert found.rows == (0, 3)


def test_the_place_within_the_tolerance_is_the_worst_too() -> None:
    """Nothing is mismatched, but the noise has a place and a share of the tolerance."""
    allowed = tolerance(torch.float32)
    found = _compare([[0.0, allowed.atol / 2], [allowed.atol / 4, 0.0]], [[0.0, 0.0], [0.0, 0.0]])
    assert (found.mismatched, found.index, found.rows) == (0, (0, 1), ())
    assert found.used == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("got", "want", "mismatched", "nan", "inf"),
    [
        ([[NAN, 1.0]], [[1.0, 1.0]], 1, 1, 0),
        ([[INF, 1.0]], [[1.0, 1.0]], 1, 0, 1),
        ([[1.0, 1.0]], [[NAN, 1.0]], 1, 0, 0),
        ([[1.0, 1.0]], [[INF, 1.0]], 1, 0, 0),
        ([[-INF, 1.0]], [[INF, 1.0]], 1, 0, 1),
        ([[NAN, 1.0]], [[INF, 1.0]], 1, 1, 0),
        ([[NAN, INF]], [[NAN, INF]], 0, 1, 1),
    ],
)
def test_what_is_not_finite_is_counted(
    got: list[list[float]], want: list[list[float]], mismatched: int, nan: int, inf: int
) -> None:
    """A NaN or Inf on one side alone is a mismatch, the same on both is none; the subject's are counted."""
    found = _compare(got, want)
    assert (found.mismatched, found.nan, found.inf) == (mismatched, nan, inf)
    assert (found.max_abs, found.max_rel) == (0.0, 0.0)


def test_not_a_number_does_not_hide_a_finite_error() -> None:
    """The greatest error and its place are those of the finite elements."""
    found = _compare([[NAN, 1.0], [0.0, 4.0]], [[0.0, 1.0], [0.0, 1.0]])
    assert (found.mismatched, found.nan, found.max_abs, found.max_rel) == (2, 1, 3.0, 3.0)
    assert found.index == (1, 1)
    assert found.rows == (0, 1)


@pytest.mark.parametrize("noise", [0.0, 1e-9])
def test_the_place_of_a_lone_nan_is_named(noise: float) -> None:
    """With no finite mismatch the first element that is not finite is the place, whatever the noise elsewhere."""
    assert _compare([[noise, 0.0], [0.0, NAN]], [[0.0, 0.0], [0.0, 0.0]]).index == (1, 1)


@pytest.mark.parametrize("shape", [(0, 16), (4, 0)])
def test_nothing_compares_to_nothing(shape: tuple[int, int]) -> None:
    """An item without tokens: no mismatch, no place."""
    found = compare("subject", torch.zeros(shape), torch.zeros(shape))
    assert (found.total, found.mismatched, found.index, found.rows, found.used) == (0, 0, (), (), 0.0)


@pytest.mark.parametrize("shape", [(1, 2), (3, 2), (2, 1), (2, 2, 1)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    """A missing row must not be filled up by broadcasting."""
    with pytest.raises(ValueError, match="subject"):
        compare("subject", torch.zeros(shape), torch.zeros(2, 2))


def test_at_most_64_rows_are_listed() -> None:
    """A record stays small however wrong the answer is."""
    found = compare("subject", torch.ones(100, 2), torch.zeros(100, 2))
    assert (found.mismatched, found.rows) == (200, tuple(range(64)))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_tolerances_are_a_multiple_of_torchs(dtype: torch.dtype) -> None:
    """Just below the edge both agree that all is well, just above it both that it is not."""
    allowed = tolerance(dtype)
    want = torch.ones(1, 1, dtype=dtype)
    for factor, expected in ((0.95, True), (1.05, False)):
        far = torch.ones(1, 1, dtype=torch.float64) + factor * (allowed.rtol + allowed.atol)
        assert (compare("subject", far, want).mismatched == 0) is expected
        assert _passes_torch(1 + (far - 1) / CHAIN, want) is expected


def _passes_torch(got: Tensor, want: Tensor) -> bool:
    """Whether torch's own comparison accepts the two, with its defaults for the coarser dtype."""
    try:
        torch.testing.assert_close(got, want, check_dtype=False)
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_tolerance_says_where_it_comes_from(dtype: torch.dtype) -> None:
    """A number without a source is a number that was fitted to the results."""
    allowed = tolerance(dtype)
    assert allowed.source == f"torch.testing's for {dtype}, times {CHAIN:g} for a chain of operations"
    assert allowed.as_data() == {"rtol": allowed.rtol, "atol": allowed.atol, "source": allowed.source}


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool], ids=str)
def test_a_dtype_without_rounding_has_no_tolerance(dtype: torch.dtype) -> None:
    """There is no default."""
    with pytest.raises(ValueError, match=f"no tolerance for {dtype}: compare values without rounding by torch.equal"):
        tolerance(dtype)


@given(st.lists(st.tuples(st.floats(width=32), st.floats(width=32)), min_size=1, max_size=8))
def test_a_comparison_is_total(pairs: list[tuple[float, float]]) -> None:
    """Any two floats: a verdict that agrees with the definition, and numbers that are finite or zero."""
    got, want = (torch.tensor([column], dtype=torch.float32) for column in zip(*pairs, strict=True))
    found = compare("subject", got, want)
    allowed = tolerance(torch.float32)
    close = torch.isclose(got.double(), want.double(), rtol=allowed.rtol, atol=allowed.atol, equal_nan=True)
    assert (found.mismatched == 0) == bool(close.all()) or 0.999 < found.used < 1.001
    assert found.mismatched <= found.total == len(pairs)
    assert not math.isnan(found.max_abs)
