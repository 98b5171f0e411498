"""What is measured of starts, as data, and the statistics of it (SPEC T8)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from reference.startup_benchmark.facts import Facts

PERCENTILES = (10, 25, 50, 75, 90, 99)
PHASES = ("cold", "warm")


def _always(_: Sequence[Facts]) -> bool:
    return True


def _an_encoder_compiled(starts: Sequence[Facts]) -> bool:
    return any(each.encoder_compilation > 0 for each in starts)


class MetricDesc(NamedTuple):
    """One metric: what it is called, where it is read, and when it is worth showing."""

    key: str
    name: str
    value: Callable[[Facts], float]
    """Seconds."""
    is_shown: Callable[[Sequence[Facts]], bool] = _always
    """Asked once, with the starts of all phases."""


METRICS: tuple[MetricDesc, ...] = (
    MetricDesc("startup", "Startup", lambda each: each.seconds),
    MetricDesc("init", "Init engine", lambda each: each.init_seconds),
    MetricDesc("compilation", "Compilation", lambda each: each.compilation),
    MetricDesc(
        "encoder_compilation", "Encoder compilation", lambda each: each.encoder_compilation, _an_encoder_compiled
    ),
)


class MetricStats(NamedTuple):
    """The values of one metric in one phase, and what they come to, in seconds."""

    key: str
    """Phase and metric: `cold_startup`."""
    name: str
    values: tuple[float, ...]
    average: float
    percentiles: Mapping[int, float]

    def as_data(self) -> dict[str, object]:
        """The three entries of SPEC T8."""
        return {
            f"avg_{self.key}_time": self.average,
            f"{self.key}_times": list(self.values),
            f"{self.key}_percentiles": {str(percent): value for percent, value in self.percentiles.items()},
        }


def percentile(values: Sequence[float], percent: float) -> float:
    """Between the two nearest values, in proportion; of one value, that value.

    Raises:
        ValueError: there is no value, or the percentage is not within 0 and 100.
    """
    if not values or not 0 <= percent <= 100:
        raise ValueError(f"percentile {percent!r} of {len(values)} values: give some, and a number from 0 to 100.")
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    lower, upper = ordered[math.floor(place)], ordered[math.ceil(place)]
    return lower + (upper - lower) * (place - math.floor(place))


def stats_of(desc: MetricDesc, phase: str, starts: Sequence[Facts]) -> MetricStats:
    """The statistics of one metric over the starts of one phase.

    Raises:
        ValueError: there are no starts.
    """
    values = tuple(desc.value(each) for each in starts)
    percentiles = {percent: percentile(values, percent) for percent in PERCENTILES}
    average = math.fsum(values) / len(values)
    return MetricStats(f"{phase}_{desc.key}", f"{phase.capitalize()} {desc.name.lower()}", values, average, percentiles)


def all_stats(starts: Mapping[str, Sequence[Facts]], metrics: Sequence[MetricDesc] = METRICS) -> list[MetricStats]:
    """Every metric that is to be shown, in every phase that has starts."""
    every = [each for phase in PHASES for each in starts.get(phase, ())]
    shown = [desc for desc in metrics if desc.is_shown(every)]
    return [stats_of(desc, phase, starts[phase]) for desc in shown for phase in PHASES if starts.get(phase)]
