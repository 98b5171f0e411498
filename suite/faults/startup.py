"""Faults of what the startup benchmark tells: metrics, times, statistics, and the table."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from reference.startup_benchmark.benchmark import COLD, Results
from reference.startup_benchmark.facts import Facts, Wish
from reference.startup_benchmark.metrics import METRICS, PERCENTILES, MetricStats, all_stats
from reference.startup_benchmark.report import Aggregates, as_data, text_of
from suite.faults import injection
from suite.faults.fault import Fault
from suite.faults.injection import MakeParts

_ENCODER = METRICS[-1]
_OTHERS = METRICS[:-1]
Starts = Mapping[str, Sequence[Facts]]


def _encoder_shown_if(decides: Callable[[Sequence[Facts]], bool]) -> MakeParts:
    """Another rule for the encoder's metric, asked as the right one is."""
    metrics = (*_OTHERS, _ENCODER._replace(is_shown=decides))
    return injection.startup_command(aggregate=lambda starts: all_stats(starts, metrics))


def _shown_by_phase(starts: Starts) -> list[MetricStats]:
    """Each phase alone decides on its own encoder metric."""
    return [each for phase, found in starts.items() for each in all_stats({phase: found})]


def _statistics(change: Callable[[MetricStats], MetricStats]) -> MakeParts:
    """Every metric's statistics, changed."""
    return injection.startup_command(aggregate=lambda starts: [change(each) for each in all_stats(starts)])


def _nearest_rank(each: MetricStats) -> MetricStats:
    """Percentiles without anything between two values."""
    ordered = sorted(each.values)
    nearest = {percent: ordered[round((len(ordered) - 1) * percent / 100)] for percent in PERCENTILES}
    return each._replace(percentiles=nearest)


def _by_quantiles(each: MetricStats) -> MetricStats:
    """Percentiles as the standard library's `exclusive` method has them; of one value that value."""
    if len(each.values) < 2:
        return each
    cuts = statistics.quantiles(each.values, n=100)
    return each._replace(percentiles={percent: cuts[percent - 1] for percent in PERCENTILES})


def _unsorted(each: MetricStats) -> MetricStats:
    """The median of values that nobody sorted."""
    middle = each.values[len(each.values) // 2]
    return each._replace(percentiles={**each.percentiles, 50: middle})


def _median_for_mean(each: MetricStats) -> MetricStats:
    """The median under the mean's name."""
    return each._replace(average=each.percentiles[50])


def _distinct(each: MetricStats) -> MetricStats:
    """Equal times count once in the average."""
    return each._replace(average=statistics.fmean(set(each.values)))


def _sorted_times(each: MetricStats) -> MetricStats:
    """Times in order of size, so nobody knows which start they are of."""
    return each._replace(values=tuple(sorted(each.values)))


def _hundredths(each: MetricStats) -> MetricStats:
    """The file has what is printed."""
    return each._replace(values=tuple(round(value, 2) for value in each.values), average=round(each.average, 2))


def _pooled(starts: Starts) -> list[MetricStats]:
    """Averages over the starts of both phases."""
    every = {COLD: [each for found in starts.values() for each in found]}
    means = {each.key.removeprefix(f"{COLD}_"): each.average for each in all_stats(every)}
    return [each._replace(average=means[each.key.partition("_")[2]]) for each in all_stats(starts)]


def _swapped(starts: Starts) -> list[MetricStats]:
    """The encoder's seconds are told as the language model's."""

    def value(each: Facts) -> float:
        return each.encoder_compilation

    return all_stats(starts, [desc._replace(value=value) if desc.key == "compilation" else desc for desc in METRICS])


def _without_warm_init(starts: Starts) -> list[MetricStats]:
    """A metric is told of one phase alone."""
    return [each for each in all_stats(starts) if each.key != "warm_init"]


def _always(_: Sequence[Facts]) -> bool:
    """Whatever was measured."""
    return True


def _phases_under_one_name(results: Results, wish: Wish, aggregate: Aggregates) -> Mapping[str, object]:
    """Statistics are named by their metric alone, so that those of warm starts replace those of cold ones."""
    renamed = [each._replace(key=each.key.partition("_")[2]) for each in aggregate(results.starts)]
    return as_data(results, wish, lambda _: renamed)


def _without_names(results: Results, wish: Wish, aggregate: Aggregates) -> Mapping[str, object]:
    """Percentiles as a list, of which nobody knows which is which."""
    data = as_data(results, wish, aggregate)
    lists = {
        name: list(value.values())
        for name, value in data.items()
        if name.endswith("_percentiles") and isinstance(value, dict)
    }
    return {**data, **lists}


def _cut_off(results: Results, aggregate: Aggregates) -> str:
    """Numbers of the table are cut off instead of rounded."""

    def cut(value: float) -> float:
        return math.floor(value * 100) / 100

    def changed(each: MetricStats) -> MetricStats:
        return each._replace(average=cut(each.average), percentiles={p: cut(v) for p, v in each.percentiles.items()})

    return text_of(results, lambda starts: [changed(each) for each in aggregate(starts)])


def _cold_alone(results: Results, aggregate: Aggregates) -> str:
    """The table is of cold starts."""
    return text_of(results, lambda starts: [each for each in aggregate(starts) if each.key.startswith(COLD)])


def _counts_mixed_up(results: Results, aggregate: Aggregates) -> str:
    """What is loaded is told as compiled, and the other way round."""
    swapped = {
        phase: [replace(each, compiles=each.loads, loads=each.compiles) for each in found]
        for phase, found in results.starts.items()
    }
    return text_of(replace(results, starts=swapped), aggregate)


_IFF = "startup/encoder-metric-iff-seconds"
_ENTRIES = "startup/file-has-the-three-entries"
_TIMES = "startup/times-are-those-measured"
_STATISTICS = "startup/statistics-are-exact"
_TEXT = "startup/text-agrees-with-file"
_COUNTS = "startup/compiles-are-told"

FAULTS = (
    Fault(
        id="startup/encoder-always",
        breaks="the encoder's metric is told where no encoder compiled",
        caught_by=(_IFF,),
        parts=_encoder_shown_if(_always),
    ),
    Fault(
        id="startup/encoder-never",
        breaks="the encoder's metric is never told",
        caught_by=(
            _IFF,
            _ENTRIES,
        ),
        parts=_encoder_shown_if(lambda _: False),
        source="BUG-T03",
    ),
    Fault(
        id="startup/encoder-in-every-start",
        breaks="the encoder's metric is told if every start has seconds of it",
        caught_by=(_IFF,),
        parts=_encoder_shown_if(lambda found: all(each.encoder_compilation > 0 for each in found)),
    ),
    Fault(
        id="startup/encoder-as-printed",
        breaks="encoder seconds that print as 0.00 count as none",
        caught_by=(_IFF,),
        parts=_encoder_shown_if(lambda found: any(round(each.encoder_compilation, 2) > 0 for each in found)),
    ),
    Fault(
        id="startup/encoder-by-phase",
        breaks="each phase decides for itself whether it has the encoder's metric",
        caught_by=(_IFF,),
        parts=injection.startup_command(aggregate=_shown_by_phase),
    ),
    Fault(
        id="startup/metric-of-one-phase",
        breaks="a metric is told of cold starts alone",
        caught_by=(_ENTRIES,),
        parts=injection.startup_command(aggregate=_without_warm_init),
    ),
    Fault(
        id="startup/phases-under-one-name",
        breaks="warm statistics replace the cold ones of the same metric",
        caught_by=(_ENTRIES,),
        parts=injection.startup_command(data=_phases_under_one_name),
    ),
    Fault(
        id="startup/percentiles-without-names",
        breaks="percentiles stand in a list",
        caught_by=(
            _ENTRIES,
            _STATISTICS,
        ),
        parts=injection.startup_command(data=_without_names),
    ),
    Fault(
        id="startup/fields-mixed-up",
        breaks="the encoder's seconds are told as the language model's",
        caught_by=(_TIMES,),
        parts=injection.startup_command(aggregate=_swapped),
        source="BUG-T03",
    ),
    Fault(
        id="startup/times-sorted",
        breaks="times are told in order of size",
        caught_by=(_TIMES,),
        parts=_statistics(_sorted_times),
    ),
    Fault(
        id="startup/file-has-hundredths",
        breaks="the file has times rounded as they are printed",
        caught_by=(
            _TIMES,
            _STATISTICS,
        ),
        parts=_statistics(_hundredths),
    ),
    Fault(
        id="startup/phases-pooled",
        breaks="averages are over the starts of both phases",
        caught_by=(_STATISTICS,),
        parts=injection.startup_command(aggregate=_pooled),
    ),
    Fault(
        id="startup/nearest-rank",
        breaks="a percentile is the nearest of the measured times",
        caught_by=(_STATISTICS,),
        parts=_statistics(_nearest_rank),
    ),
    Fault(
        id="startup/exclusive-quantiles",
        breaks="percentiles lie beyond the times that were measured",
        caught_by=(_STATISTICS,),
        parts=_statistics(_by_quantiles),
    ),
    Fault(
        id="startup/median-of-unsorted",
        breaks="the median is the time in the middle of the run",
        caught_by=(_STATISTICS,),
        parts=_statistics(_unsorted),
    ),
    Fault(
        id="startup/median-for-mean",
        breaks="the average is the median",
        caught_by=(_STATISTICS,),
        parts=_statistics(_median_for_mean),
    ),
    Fault(
        id="startup/equal-times-once",
        breaks="equal times count once in the average",
        caught_by=(_STATISTICS,),
        parts=_statistics(_distinct),
    ),
    Fault(
        id="startup/numbers-cut-off",
        breaks="printed numbers are cut off instead of rounded",
        caught_by=(_TEXT,),
        parts=injection.startup_command(text=_cut_off),
    ),
    Fault(
        id="startup/text-of-cold-starts",
        breaks="warm starts are not printed",
        caught_by=(_TEXT,),
        parts=injection.startup_command(text=_cold_alone),
    ),
    Fault(
        id="startup/counts-mixed-up",
        breaks="programs that were loaded are told as compiled",
        caught_by=(_COUNTS,),
        parts=injection.startup_command(text=_counts_mixed_up),
        source="BUG-T07",
    ),
)
