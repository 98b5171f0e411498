"""What a startup benchmark must say of scripted starts, by exact arithmetic, and its file read strictly (SPEC T8)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from suite.contract.startup_case import ScriptedStart, StartupCase

PERCENTILES = (10, 25, 50, 75, 90, 99)
FIELDS = {
    "startup": "startup",
    "init": "init",
    "compilation": "language_model",
    "encoder_compilation": "encoder",
}
"""The keys of metrics, and what of a start each of them is."""
ENCODER = "encoder_compilation"
ROUNDINGS = 16
"""A mean or a percentile is a handful of float operations, each off by half a unit in the last place at most."""
_PRINTED = re.compile(r"\d+(?:\.(\d+))?")
_STATISTIC = re.compile(r"avg_.*_time|.*_times|.*_percentiles")
_PHASES = ("cold", "warm")


class NotStrict(ValueError):
    """A text is no JSON as the standard (RFC 8259) has it: the text says why."""


def strict_json(text: str) -> dict[str, object]:
    """The object that the text holds; its numbers with a point or an exponent are exact fractions.

    Raises:
        NotStrict: it is no JSON object, holds NaN or Infinity, or names something twice.
    """
    try:
        data = json.loads(text, parse_float=Fraction, parse_constant=_refuse, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise NotStrict(f"no JSON: {error}") from error
    if not isinstance(data, dict):
        raise NotStrict(f"a JSON {type(data).__name__}, not an object")
    return data


def _refuse(name: str) -> object:
    raise NotStrict(f"{name} is no JSON")


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    names = [name for name, _ in pairs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise NotStrict(f"{twice[0]!r} stands there {names.count(twice[0])} times")
    return dict(pairs)


def measured(case: StartupCase) -> dict[str, list[ScriptedStart]]:
    """The starts of each phase that come to their end, in order."""
    end = math.inf if case.failing is None else case.failing.start
    ended = [(phase, each) for place, (phase, _, each) in enumerate(case.starts()) if place < end]
    return {name: [each for phase, each in ended if phase == name] for name in _PHASES}


def seconds(metric: str, starts: Sequence[ScriptedStart]) -> list[Fraction]:
    """What the metric is for each start."""
    return [Fraction(getattr(each, FIELDS[metric]), 1_000_000) for each in starts]


@dataclass(frozen=True)
class Statistics:
    """One metric in one phase, exactly."""

    key: str
    """Phase and metric: `cold_startup`."""
    values: tuple[Fraction, ...]

    @property
    def names(self) -> dict[str, str]:
        """The three entries of SPEC T8: what each of them is, and its name."""
        return {
            "average": f"avg_{self.key}_time",
            "values": f"{self.key}_times",
            "percentiles": f"{self.key}_percentiles",
        }

    @property
    def average(self) -> Fraction:
        """The arithmetic mean."""
        return sum(self.values, Fraction()) / len(self.values)

    @property
    def percentiles(self) -> dict[int, Fraction]:
        """By percentage."""
        return {percent: percentile(self.values, percent) for percent in PERCENTILES}

    @property
    def tolerance(self) -> Fraction:
        """How far a statistic of floats may be off."""
        return max(self.values) * ROUNDINGS * Fraction(math.ulp(1.0))

    def equals(self, expected: Fraction, actual: object) -> bool:
        """Whether a number of the file is that one."""
        if isinstance(actual, bool) or not isinstance(actual, int | Fraction):
            return False
        return abs(Fraction(actual) - expected) <= self.tolerance

    def has_values(self, found: object) -> bool:
        """Whether a list of the file has the values, in order."""
        if not isinstance(found, list) or len(found) != len(self.values):
            return False
        return all(self.equals(one, other) for one, other in zip(self.values, found, strict=True))


def percentile(values: Sequence[Fraction], percent: int) -> Fraction:
    """Linear between the closest ranks: of n values in order, the place (n - 1) * percent / 100 from 0."""
    ordered = sorted(values)
    whole, rest = divmod((len(ordered) - 1) * percent, 100)
    above = ordered[min(whole + 1, len(ordered) - 1)]
    return ordered[whole] + (above - ordered[whole]) * Fraction(rest, 100)


def expected_statistics(case: StartupCase, metrics: Sequence[str]) -> list[Statistics]:
    """Of each metric that must be shown, in each phase that has a measurement.

    The encoder's is shown exactly if some measured start has seconds of it above zero.
    """
    starts = measured(case)
    has_encoder = any(each.encoder for found in starts.values() for each in found)
    shown = [metric for metric in metrics if metric != ENCODER or has_encoder]
    return [
        Statistics(f"{phase}_{metric}", tuple(seconds(metric, starts[phase])))
        for metric in shown
        for phase in _PHASES
        if starts[phase]
    ]


def statistic_names(data: Mapping[str, object]) -> set[str]:
    """The entries that are statistics, by the form of their names."""
    return {name for name in data if _STATISTIC.fullmatch(name)}


def rounds_to(shown: Sequence[str], numbers: Sequence[Fraction], tolerance: Fraction) -> bool:
    """Whether each printed number is its own up to half a unit of its last digit, and the tolerance."""
    found = [_PRINTED.fullmatch(text) for text in shown]
    if len(shown) != len(numbers) or not all(found):
        return False
    halves = [Fraction(1, 2 * 10 ** len(each[1] or "")) for each in found if each]
    close = zip(shown, numbers, halves, strict=True)
    return all(abs(Fraction(text) - number) <= half + tolerance for text, number, half in close)


def numbers_text(numbers: object) -> str:
    """Exact numbers, alone or in a list, as floats for a reader."""
    if isinstance(numbers, list | tuple):
        return f"[{', '.join(map(numbers_text, numbers))}]"
    return repr(float(numbers)) if isinstance(numbers, int | Fraction) else repr(numbers)


def unnamed_percentiles(data: Mapping[str, object]) -> list[str]:
    """Entries of percentiles that do not name exactly those that there must be."""
    names = sorted(map(str, PERCENTILES))
    found = {name: value for name, value in data.items() if name.endswith("_percentiles")}
    return sorted(name for name, value in found.items() if not isinstance(value, dict) or sorted(value) != names)
