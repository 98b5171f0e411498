"""Labels of starts of an engine: the reports and the troubles that must occur, decided from the case alone."""

from __future__ import annotations

from collections.abc import Callable

from suite.contract.engine_case import ENGINE_STAGES, LOST, RUBBISH, EngineCase, EngineStart, RankScript
from suite.contract.program import COMPONENTS

EngineLabel = Callable[[EngineCase], bool]
_UNSEEN = 5_000
"""Microseconds from which on two decimals show something."""


def _seconds(script: RankScript) -> tuple[int, int]:
    one, other = (
        sum(each.microseconds for each in script.compiles if each.component == name and script.mode == "full")
        for name in COMPONENTS
    )
    return one, other


def _largest(start: EngineStart) -> tuple[int, int]:
    pairs = [_seconds(script) for script in start.ranks]
    return max((pair[0] for pair in pairs), default=0), max((pair[1] for pair in pairs), default=0)


def _any_start(is_in: Callable[[EngineStart], bool]) -> EngineLabel:
    return lambda case: any(is_in(start) for start in case.starts)


def _any_rank(is_in: Callable[[RankScript], bool]) -> EngineLabel:
    return lambda case: any(is_in(script) for script in case.scripts())


def _crossed(start: EngineStart) -> bool:
    return bool(start.ranks) and _largest(start) not in map(_seconds, start.ranks)


def _tie(start: EngineStart) -> bool:
    totals = [sum(_seconds(script)) for script in start.ranks]
    return len(totals) > 1 and totals.count(max(totals)) > 1 and max(totals) > 0


def _idle_after_busy(case: EngineCase) -> bool:
    pairs = zip(case.starts, case.starts[1:], strict=False)
    return any(any(_largest(before)) and not any(_largest(after)) for before, after in pairs)


def _lost_reports(case: EngineCase) -> bool:
    """Whether a rank before the one that fails compiled more than all ranks of the next start."""
    pairs = zip(case.starts, case.starts[1:], strict=False)
    return any(_outdoes(before, after) for before, after in pairs if before.troubled and not after.troubled)


def _outdoes(failing: EngineStart, after: EngineStart) -> bool:
    reported = _largest(EngineStart(failing.ranks[: failing.troubled[0]]))
    return any(one > other for one, other in zip(reported, _largest(after), strict=True))


def _later_in_capture(script: RankScript) -> bool:
    return any(each.stage == "capture" for each in script.compiles) and script.mode == "full"


def _trouble(name: str) -> EngineLabel:
    return _any_rank(lambda script: script.trouble is not None and name in (script.trouble.what, script.trouble.stage))


ENGINE_LABELS: dict[str, EngineLabel] = {
    "two-starts": lambda case: len(case.starts) > 1,
    "no-ranks": _any_start(lambda start: not start.ranks),
    "one-rank": _any_start(lambda start: len(start.ranks) == 1),
    "several-ranks": _any_start(lambda start: len(start.ranks) > 1),
    "four-ranks": _any_start(lambda start: len(start.ranks) == 4),
    "maxima-of-two-ranks": _any_start(_crossed),
    "tie": _any_start(_tie),
    "language-model-alone": _any_start(lambda start: _largest(start)[0] > 0 == _largest(start)[1]),
    "encoder-alone": _any_start(lambda start: _largest(start)[1] > 0 == _largest(start)[0]),
    "nothing-compiled": _any_start(lambda start: not any(_largest(start))),
    "unseen-seconds": _any_start(lambda start: any(0 < each < _UNSEEN for each in _largest(start))),
    "idle-after-busy": _idle_after_busy,
    "compiles-in-capture": _any_rank(_later_in_capture),
    "other-mode": _any_rank(lambda script: script.mode != "full" and bool(script.compiles)),
    "takes-time-to-build": _any_rank(lambda script: script.build > 0),
    "in-processes": lambda case: case.in_processes,
    "child": _any_rank(lambda script: script.has_child),
    "ends-well": lambda case: any(not start.troubled for start in case.starts),
    **{f"trouble-{name.replace(' ', '-')}": _trouble(name) for name in (*LOST, *RUBBISH)},
    **{f"trouble-in-{stage}": _trouble(stage) for stage in ENGINE_STAGES},
    "trouble-on-a-later-rank": _any_start(lambda start: any(rank > 0 for rank in start.troubled)),
    "more-reported-than-in-the-next-start": _lost_reports,
    "good-start-after-trouble": lambda case: any(
        before.troubled and not after.troubled for before, after in zip(case.starts, case.starts[1:], strict=False)
    ),
}
