"""Timelines that must come to the same counters as a given one: what a law compares a subject with itself on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from suite.contract.program import MODES, Mode
from suite.contract.timeline import Compile, Timeline


def without_failures(case: Timeline) -> Timeline:
    """Only what succeeds: in place of a compile that fails, the compiles that succeeded inside it."""
    return replace(case, threads=tuple(tuple(_successful(thread)) for thread in case.threads))


def _successful(thread: tuple[Compile, ...]) -> list[Compile]:
    return [left for each in thread for left in _left(each)[0]]


def _left(each: Compile) -> tuple[list[Compile], bool]:
    """What is left of one compile without failures, and whether it failed."""
    steps: list[int | Compile] = []
    for step in each.steps:
        if isinstance(step, int):
            steps.append(step)
            continue
        left, failed = _left(step)
        steps += left
        if failed and not step.caught:
            break
    else:
        if not each.fails:
            return [replace(each, steps=tuple(steps))], False
    return [step for step in steps if isinstance(step, Compile)], True


def without_failed_loads(case: Timeline) -> Timeline:
    """Every path is taken at once."""
    return _changed(case, lambda each: replace(each, failed_load=None, misfit=False))


def with_slower_first_runs(case: Timeline, microseconds: int) -> Timeline:
    """First runs that are not part of a just-in-time compile take so much longer."""
    return _changed(
        case, lambda each: replace(each, first_run=each.first_run + microseconds) if each.path != "jit" else each
    )


def _changed(case: Timeline, change: Callable[[Compile], Compile]) -> Timeline:
    def of(each: Compile) -> Compile:
        return change(replace(each, steps=tuple(step if isinstance(step, int) else of(step) for step in each.steps)))

    return replace(case, threads=tuple(tuple(map(of, thread)) for thread in case.threads))


def of_worker(case: Timeline, worker: int) -> Timeline:
    """Only the outermost compiles of one worker."""
    return replace(case, threads=tuple(tuple(e for e in thread if e.worker == worker) for thread in case.threads))


def not_full(case: Timeline) -> Timeline:
    """The same with no worker in mode full: `none` and `stock` by turns in its place."""
    modes = tuple(MODES[number % 2] if mode == "full" else mode for number, mode in enumerate(case.modes))
    return replace(case, modes=modes)


def all_full(case: Timeline) -> Timeline:
    """The same with every worker in mode full."""
    full: Mode = "full"
    return replace(case, modes=(full,) * len(case.modes))
