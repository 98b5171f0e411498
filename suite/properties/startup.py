"""The startup benchmark: what is told of cold and warm starts is what was measured of them, also if one fails."""

from __future__ import annotations

from suite.contract.guard import GuardedSubject
from suite.contract.law import law
from suite.contract.startup_case import StartupCase
from suite.contract.verdict import Verdict, holds, violated
from suite.oracles.startup import ENCODER, measured, numbers_text, rounds_to, statistic_names, unnamed_percentiles
from suite.properties.benchmarked import benchmarked, file_of, scripted, unreadable

NEEDS = ("startup_benchmark",)
FAILS = ("startup_benchmark", "keeps_failed_starts")


@law(
    "startup/encoder-metric-iff-seconds",
    source=("SPEC T8", "BUG-T03"),
    inputs="encoder_seconds",
    needs=NEEDS,
    kind=StartupCase,
    ignores="numbers",
)
def encoder_metric_iff_seconds(case: StartupCase, subject: GuardedSubject) -> Verdict:
    """Text and file have the encoder's metric, for both phases, exactly when some start has encoder seconds above 0."""
    run = benchmarked(case, subject)
    expected = {each.key for each in run.expected if each.key.endswith(ENCODER)}
    filed = {name for name in statistic_names(run.data()) if ENCODER in name}
    named = {name for each in run.expected if each.key in expected for name in each.names.values()}
    shown = {row.key for row in run.ended.rows if row.key.endswith(ENCODER)}
    if (filed, shown) == (named, expected):
        return holds()
    return run.violated(
        expected=f"entries {sorted(named)} and rows {sorted(expected)}",
        actual=f"entries {sorted(filed)} and rows {sorted(shown)}",
        because="whether an encoder compiled is not decided by all starts of all phases together",
    )


@law("startup/file-has-the-three-entries", source=("SPEC T8",), inputs="startups", needs=NEEDS, kind=StartupCase)
def file_has_the_three_entries(case: StartupCase, subject: GuardedSubject) -> Verdict:
    """Each metric that is shown has its average, times and six percentiles in the file, and no other one has any."""
    run = benchmarked(case, subject)
    data = run.data()
    names = {name for each in run.expected for name in each.names.values()}
    wrong = sorted(names ^ statistic_names(data)) + unnamed_percentiles(data)
    if not wrong:
        return holds()
    return run.violated(
        expected=f"entries {sorted(names)}",
        actual=f"missing, one too many, or without its percentiles: {wrong}",
        because="a phase or a metric is left out, is told twice, or has another name",
    )


@law(
    "startup/times-are-those-measured", source=("SPEC T8", "BUG-T03"), inputs="startups", needs=NEEDS, kind=StartupCase
)
def times_are_those_measured(case: StartupCase, subject: GuardedSubject) -> Verdict:
    """The file has every measured time of each metric under its own phase, in order, as exactly as a float has it."""
    run = benchmarked(case, subject)
    data = run.data()
    for each in run.expected:
        found = data.get(each.names["values"])
        if not each.has_values(found):
            return run.violated(
                expected=f"{each.names['values']} {numbers_text(each.values)}",
                actual=f"{numbers_text(found)}",
                because="phases or metrics are mixed up, a start is left out or measured twice, or times are rounded",
            )
    return holds()


@law("startup/statistics-are-exact", source=("SPEC T8",), inputs="startups", needs=NEEDS, kind=StartupCase)
def statistics_are_exact(case: StartupCase, subject: GuardedSubject) -> Verdict:
    """Averages are arithmetic means, and percentiles linear between the closest ranks, over the phase's own times."""
    run = benchmarked(case, subject)
    data = run.data()
    for each in run.expected:
        found = {"average": data.get(each.names["average"]), **_mapping(data.get(each.names["percentiles"]))}
        expected = {"average": each.average, **{str(percent): value for percent, value in each.percentiles.items()}}
        wrong = [name for name, value in expected.items() if not each.equals(value, found.get(name))]
        if wrong:
            return run.violated(
                expected=f"of {each.key} {numbers_text(each.values)}: {wrong[0]} {float(expected[wrong[0]])!r}",
                actual=f"{numbers_text(found.get(wrong[0]))}",
                because="the statistic is another one, or is of other times",
            )
    return holds()


@law("startup/text-agrees-with-file", source=("SPEC T8",), inputs="startups", needs=NEEDS, kind=StartupCase)
def text_agrees_with_file(case: StartupCase, subject: GuardedSubject) -> Verdict:
    """What is printed has a row for each metric of each phase, with its numbers rounded to the digits that it shows."""
    run = benchmarked(case, subject)
    rows = {row.key: row.numbers for row in run.ended.rows}
    if sorted(rows) != sorted(each.key for each in run.expected) or len(rows) != len(run.ended.rows):
        return run.violated(
            expected=f"one row for each of {sorted(each.key for each in run.expected)}",
            actual=f"rows {[row.key for row in run.ended.rows]}",
            because="a metric is not printed, is printed twice, or under another name",
        )
    for each in run.expected:
        numbers = [each.average, *each.percentiles.values()]
        if not rounds_to(rows[each.key], numbers, each.tolerance):
            return run.violated(
                expected=f"{each.key}: {numbers_text(numbers)}",
                actual=f"{list(rows[each.key])}",
                because="a number is cut off, or is another statistic's",
            )
    return holds()


@law("startup/file-is-whole-at-any-time", source=("SPEC T8",), inputs="any_startups", needs=NEEDS, kind=StartupCase)
def file_is_whole_at_any_time(case: StartupCase, subject: GuardedSubject) -> Verdict:
    """The file of results, wherever there is one, is valid JSON when a start begins and after the run."""
    run = benchmarked(case, subject)
    texts = [each.result for each in run.seen]
    for place, text in enumerate([*texts, run.file]):
        if wrong := unreadable(text):
            return run.violated(
                expected="valid JSON, or no file",
                actual=f"{'after the run' if place == len(texts) else f'when start {place} began'}: {wrong}",
                because="a number of no measurement is not finite, or a file is not written as a whole",
            )
    return holds()


@law(
    "startup/compiles-are-told",
    source=("SPEC T8", "SPEC C3"),
    inputs="any_startups",
    needs=(*NEEDS, "tells_compiles"),
    kind=StartupCase,
    ignores="the file",
)
def compiles_are_told(case: StartupCase, subject: GuardedSubject) -> Verdict:
    """What is printed says of each measured start, by phase and in order, how much it compiled and loaded."""
    run = benchmarked(case, subject)
    starts = {phase: tuple((each.compiles, each.loads) for each in found) for phase, found in measured(case).items()}
    expected = {phase: counts for phase, counts in starts.items() if counts}
    told = {each.phase: each.counts for each in run.ended.counts}
    if told == expected:
        return holds()
    return run.violated(
        expected=f"compiled and loaded: {expected}",
        actual=f"{told}",
        because="phases, starts or counts are mixed up: nobody sees whether a warm start was warm",
    )


@law(
    "startup/failed-write-spoils-nothing",
    source=("SPEC T8",),
    inputs="full_disks",
    needs=FAILS,
    kind=StartupCase,
    cost=2.0,
    ignores="what is said of the failure",
)
def failed_write_spoils_nothing(case: StartupCase, subject: GuardedSubject) -> Verdict:
    """If nothing can be written from some start on, the file of results stays as it was before."""
    with scripted(case) as (script, folder):
        said = subject.startup.benchmark_elsewhere(case, script, folder)
        text = file_of(script)
    wrong = unreadable(text)
    if wrong is None:
        return holds()
    return violated(
        expected="valid JSON, or no file",
        actual=wrong,
        because="the file is written in place: a full disk, or an end at the wrong moment, leaves half of it; the run "
        f"ended so: {said[:200]}",
    )


@law(
    "startup/failure-keeps-measurements",
    source=("SPEC T8",),
    inputs="failing_startups",
    needs=FAILS,
    kind=StartupCase,
    ignores="what is said of the failure",
)
def failure_keeps_measurements(case: StartupCase, subject: GuardedSubject) -> Verdict:
    """If a start fails or is interrupted, file and text have all that was measured before it, and nothing else."""
    run = benchmarked(case, subject)
    data = run.data()
    names = {name for each in run.expected for name in each.names.values()}
    times = [each for each in run.expected if not each.has_values(data.get(each.names["values"]))]
    rows = sorted(row.key for row in run.ended.rows)
    if not times and names == statistic_names(data) and rows == sorted(each.key for each in run.expected):
        return holds()
    return run.violated(
        expected=f"the times of {[each.key for each in run.expected]}",
        actual=f"entries {sorted(statistic_names(data))}, rows {rows}; other times: {[each.key for each in times]}",
        because="a failure loses what was measured, or is measured itself",
    )


@law(
    "startup/failure-is-told",
    source=("SPEC T8",),
    inputs="failing_startups",
    needs=FAILS,
    kind=StartupCase,
    ignores="how it is told beside that",
)
def failure_is_told(case: StartupCase, subject: GuardedSubject) -> Verdict:
    """A start that fails is named with phase and number on the screen and in the file; the exit status is not 0."""
    run = benchmarked(case, subject)
    failing = case.failing
    if failing is None:
        return holds()
    expected = [] if failing.how == "interrupted" else [list(case.starts())[failing.start][:2]]
    shown, filed = ([(each.phase, each.number) for each in told] for told in (run.ended.failures, run.ended.filed))
    if (shown, filed) == (expected, expected) and run.ended.status != 0 and len(run.seen) == failing.start + 1:
        return holds()
    return run.violated(
        expected=f"failures {expected}, an exit status that is not 0, and no start after start {failing.start}",
        actual=f"on the screen {shown}, in the file {filed}, exit status {run.ended.status}, {len(run.seen)} starts",
        because="a failure is taken for a measurement, is not told, or is another start's",
    )


def _mapping(found: object) -> dict[str, object]:
    return found if isinstance(found, dict) else {}
