"""The startup oracle: statistics with other means, and a file read as strictly as the standard asks."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.contract.startup_case import Failing, ScriptedStart, StartupCase
from suite.oracles.startup import (
    PERCENTILES,
    NotStrict,
    Statistics,
    expected_statistics,
    measured,
    numbers_text,
    percentile,
    rounds_to,
    statistic_names,
    strict_json,
    unnamed_percentiles,
)

METRICS = ("startup", "init", "compilation", "encoder_compilation")
ONE, TWO = ScriptedStart(4_000_000, 2_000_000, 1_000_000), ScriptedStart(1, 0, 0, 500_000)


@given(st.lists(st.integers(0, 10**13), min_size=1, max_size=7))
def test_percentiles_are_numpys(microseconds: list[int]) -> None:
    """An independent implementation of the same definition, in floats."""
    exact = [percentile([Fraction(each) for each in microseconds], percent) for percent in PERCENTILES]
    assert [float(each) for each in exact] == pytest.approx(
        np.percentile(microseconds, PERCENTILES).tolist(), rel=1e-12
    )


def test_statistics_are_by_hand() -> None:
    """Of one and three seconds; of one time, that time."""
    pair = Statistics("cold_init", (Fraction(3), Fraction(1)))
    assert [pair.average, pair.percentiles[10], pair.percentiles[50]] == [Fraction(2), Fraction(6, 5), Fraction(2)]
    assert set(Statistics("cold_init", (Fraction(7),)).percentiles.values()) == {Fraction(7)}
    assert pair.names == {
        "average": "avg_cold_init_time",
        "values": "cold_init_times",
        "percentiles": "cold_init_percentiles",
    }


def test_the_tolerance_is_of_floats() -> None:
    """A float off by a unit in the last place is the number; one that was rounded is not, nor is a truth value."""
    third = Statistics("cold_init", (Fraction(1, 3),))
    assert third.equals(Fraction(1, 3), Fraction(1 / 3))
    assert third.has_values([Fraction(1 / 3)])
    assert not third.equals(Fraction(1, 3), Fraction("0.33333333"))
    assert not any(third.has_values(each) for each in (None, [], [Fraction(1, 3)] * 2, [None], ["0.3"]))
    assert not Statistics("cold_init", (Fraction(1),)).equals(Fraction(1), True)
    assert not Statistics("cold_init", (Fraction(0),)).equals(Fraction(0), Fraction(1, 10**12))


def test_what_is_measured_ends_with_the_failure() -> None:
    """The start that fills the cache is never measured, nor is one that fails or comes later."""
    case = StartupCase("toy", (ONE, TWO), ONE, (TWO, ONE))
    assert measured(case) == {"cold": [ONE, TWO], "warm": [TWO, ONE]}
    for place, (cold, warm) in enumerate([(0, 0), (1, 0), (2, 0), (2, 0), (2, 1)]):
        found = measured(StartupCase("toy", (ONE, TWO), ONE, (TWO, ONE), Failing(place)))
        assert (len(found["cold"]), len(found["warm"])) == (cold, warm)


@pytest.mark.parametrize(
    ("cold", "fill", "warm", "phases"),
    [(ONE, ONE, ONE, 0), (TWO, ONE, ONE, 2), (ONE, ONE, TWO, 2), (ONE, TWO, ONE, 0)],
)
def test_the_encoder_is_expected_in_both_phases_or_none(
    cold: ScriptedStart, fill: ScriptedStart, warm: ScriptedStart, phases: int
) -> None:
    """Seconds in one measured start are enough, whichever it is."""
    keys = [each.key for each in expected_statistics(StartupCase("toy", (cold,), fill, (warm,)), METRICS)]
    assert len([key for key in keys if "encoder" in key]) == phases
    assert len(keys) == 6 + phases


def test_only_metrics_that_a_subject_tells_are_expected() -> None:
    """Another benchmark may tell fewer."""
    case = StartupCase("toy", (TWO,), ONE, (ONE,), Failing(1))
    assert [each.key for each in expected_statistics(case, ("startup",))] == ["cold_startup"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"a": NaN}', "NaN is no JSON"),
        ('{"a": [-Infinity]}', "-Infinity is no JSON"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "'c' stands there 2 times"),
        ("[1]", "a JSON list, not an object"),
        ('{"a": 1', "no JSON: "),
        ("", "no JSON: "),
        ('{"a": 1}{"a": 1}', "no JSON: Extra data"),
    ],
)
def test_what_is_no_strict_json_is_refused(text: str, why: str) -> None:
    """With its reason: Python's own reader takes the first three."""
    with pytest.raises(NotStrict, match=why):
        strict_json(text)


def test_numbers_are_read_exactly() -> None:
    """As they are written, with exponents too."""
    assert strict_json('{"a": 0.1, "b": 1e-06, "c": 3}') == {"a": Fraction(1, 10), "b": Fraction(1, 10**6), "c": 3}


def test_names_of_statistics_are_told_from_others() -> None:
    """By their form alone, whatever metric they are of."""
    data = {"avg_x_time": 1, "x_times": [1], "x_percentiles": {"10": 1}, "starts": {}, "times": [], "complete": True}
    assert statistic_names(data) == {"avg_x_time", "x_times", "x_percentiles"}
    assert unnamed_percentiles(data) == ["x_percentiles"]
    assert unnamed_percentiles({"x_percentiles": dict.fromkeys(("10", "25", "50", "75", "90", "99"), 1)}) == []


@pytest.mark.parametrize(
    ("shown", "number", "is_right"),
    [
        ("0.67", Fraction(2, 3), True),
        ("0.66", Fraction(2, 3), False),
        ("0.7", Fraction(2, 3), True),
        ("1", Fraction(2, 3), True),
        ("0.01", Fraction(1, 200), True),
        ("0.00", Fraction(1, 200), True),
        ("nan", Fraction(0), False),
    ],
)
def test_a_printed_number_is_rounded(shown: str, number: Fraction, *, is_right: bool) -> None:
    """To the digits that it has; a half may go either way."""
    assert rounds_to([shown], [number], Fraction(0)) is is_right
    assert not rounds_to([shown], [number, number], Fraction(0))


def test_numbers_are_shown_as_floats() -> None:
    """Fractions would tell nobody anything."""
    assert numbers_text([Fraction(1, 4), (1, None)]) == "[0.25, [1.0, None]]"
