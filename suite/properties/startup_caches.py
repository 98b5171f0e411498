"""The startup benchmark's caches and processes: a cold start is cold, a warm one is warm, and nothing stays behind."""

from __future__ import annotations

from suite.contract.guard import GuardedSubject
from suite.contract.law import law
from suite.contract.startup_case import StartupCase
from suite.contract.verdict import Verdict, holds
from suite.properties.benchmarked import benchmarked

NEEDS = ("startup_benchmark",)
PROCESSES = ("startup_benchmark", "fresh_starts")


@law("startup_caches/cold-caches-are-their-own", source=("SPEC T8",), inputs="startups", needs=NEEDS, kind=StartupCase)
def cold_caches_are_their_own(case: StartupCase, subject: GuardedSubject) -> Verdict:
    """Every cold start, and the one that fills the cache, finds it empty; no later start finds a cold one's."""
    run = benchmarked(case, subject)
    count = len(case.cold)
    for place, each in enumerate(run.seen):
        found = [f"start {mark}" for mark in each.found if mark < count or place <= count] + list(each.others)
        if found:
            return run.violated(
                expected=f"start {place}, of which {count} are cold, finds nothing of a cold one",
                actual=f"found: {', '.join(found)}",
                because="a cache is shared with a cold start, which is then no cold one or makes another one warm",
            )
    return holds()


@law("startup_caches/warm-caches-are-the-filled", source=("SPEC T8",), inputs="startups", needs=NEEDS, kind=StartupCase)
def warm_caches_are_the_filled(case: StartupCase, subject: GuardedSubject) -> Verdict:
    """Every warm start finds in its cache what the start left that was there to fill it."""
    run = benchmarked(case, subject)
    filling = len(case.cold)
    without = [f"start {place}" for place, each in enumerate(run.seen) if place > filling and filling not in each.found]
    if not without:
        return holds()
    return run.violated(
        expected=f"warm starts find what start {filling} left",
        actual=f"without it: {', '.join(without)}",
        because="a warm start is given another cache than the one that was filled for it",
    )


@law("startup_caches/no-start-too-many", source=("SPEC T8",), inputs="startups", needs=NEEDS, kind=StartupCase)
def no_start_too_many(case: StartupCase, subject: GuardedSubject) -> Verdict:
    """Between cold and warm starts exactly one fills the cache, and nothing else is started; the exit status is 0."""
    run = benchmarked(case, subject)
    count = len(list(case.starts()))
    if (len(run.seen), run.ended.status) == (count, 0):
        return holds()
    return run.violated(
        expected=f"{count} starts and exit status 0",
        actual=f"{len(run.seen)} starts and exit status {run.ended.status}",
        because="a start is left out, or one is made that nobody asked for",
    )


@law("startup_caches/no-cache-is-left", source=("SPEC T8",), inputs="any_startups", needs=NEEDS, kind=StartupCase)
def no_cache_is_left(case: StartupCase, subject: GuardedSubject) -> Verdict:
    """However a run ends, none of the folders that starts were given as caches is there afterwards."""
    run = benchmarked(case, subject)
    if not run.left:
        return holds()
    return run.violated(
        expected="no cache after the run",
        actual=f"there are still those of {', '.join(run.left)}",
        because="a folder is not removed, or not on every way out",
    )


@law(
    "startup_caches/every-start-is-a-fresh-process",
    source=("SPEC T8",),
    inputs="process_startups",
    needs=PROCESSES,
    kind=StartupCase,
    cost=6.0,
)
def every_start_is_a_fresh_process(case: StartupCase, subject: GuardedSubject) -> Verdict:
    """Each start has a process of its own, in which torch's caches are inside of the cache that the start is given."""
    run = benchmarked(case, subject)
    processes = {each.process for each in run.seen}
    outside = sorted({name for each in run.seen for name in each.outside})
    expected = len(list(case.starts())) if case.failing is None else case.failing.start + 1
    if len(processes) == len(run.seen) == expected and not outside:
        return holds()
    return run.violated(
        expected=f"{expected} processes, torch's caches inside of each one's own",
        actual=f"{len(processes)} processes for {len(run.seen)} starts; outside: {', '.join(outside) or 'nothing'}",
        because="what a process or a user's folder keeps makes a later start warm",
    )


@law(
    "startup_caches/processes-tell-what-scripts-say",
    source=("SPEC T8",),
    inputs="process_startups",
    needs=(*PROCESSES, "keeps_failed_starts"),
    kind=StartupCase,
    cost=6.0,
    ignores="statistics",
)
def processes_tell_what_scripts_say(case: StartupCase, subject: GuardedSubject) -> Verdict:
    """What a start says in its process is what is measured of it, also if a later one's process dies."""
    run = benchmarked(case, subject)
    data = run.data()
    wrong = [each for each in run.expected if not each.has_values(data.get(each.names["values"]))]
    if not wrong and (run.ended.status != 0) == (case.failing is not None):
        return holds()
    return run.violated(
        expected=f"the scripted times of {[each.key for each in run.expected]}, exit status 0 only without a failure",
        actual=f"exit status {run.ended.status}; other times: {[each.key for each in wrong]}",
        because="what a process reported is lost on the way, or a dead process counts as a start",
    )
