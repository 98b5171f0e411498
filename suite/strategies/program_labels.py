"""Labels of programs: the sizes, orders and setups that must occur, decided from the case alone."""

from __future__ import annotations

from collections.abc import Callable

from suite.contract.program import Call, CompileSetup, ProgramCase, Start

ProgramLabel = Callable[[ProgramCase], bool]
MANY = 8
"""Units from which on a call is a large one."""


def _any_start(is_in: Callable[[Start], bool]) -> ProgramLabel:
    return lambda case: any(map(is_in, case.starts))


def _any_call(is_in: Callable[[Call], bool]) -> ProgramLabel:
    return _any_start(lambda start: any(map(is_in, start.calls)))


def _setup(is_in: Callable[[CompileSetup], bool]) -> ProgramLabel:
    return _any_start(lambda start: is_in(start.setup))


def _program(is_in: Callable[[str], bool]) -> ProgramLabel:
    return _any_start(lambda start: is_in(start.program.name))


def _past_an_end(units: int) -> ProgramLabel:
    """Whether a call is so many units past the end of a range."""
    return _any_start(
        lambda start: any(call.total == end + units for call in start.calls for end in start.setup.ranges)
    )


def _first(total: int) -> ProgramLabel:
    return _any_start(lambda start: bool(start.calls) and start.calls[0].total == total)


def _equal_totals(start: Start) -> bool:
    split = {(call.total, tuple(size for size in call.sizes if size)) for call in start.calls}
    return len(split) > len({total for total, _ in split})


def _single_size_range(setup: CompileSetup) -> bool:
    return any(end + 1 in setup.ranges for end in setup.ranges)


def _instances_mixed(start: Start) -> bool:
    """Whether some instance is called again after another one was."""
    called = [call.instance for call in start.calls]
    turns = [one for one, before in zip(called, [None, *called], strict=False) if one != before]
    return len(turns) > len(set(turns))


PROGRAM_LABELS: dict[str, ProgramLabel] = {
    "no-rows": _any_call(lambda call: call.total == 0),
    "one-row": _any_call(lambda call: call.total == 1),
    "two-rows": _any_call(lambda call: call.total == 2),
    "many-rows": _any_call(lambda call: call.total >= MANY),
    "first-no-rows": _first(0),
    "first-one-row": _first(1),
    "no-items": _any_call(lambda call: not call.sizes),
    "several-items": _any_call(lambda call: len(call.sizes) > 1),
    "empty-item": _any_call(lambda call: 0 in call.sizes),
    "other-borders": _any_start(_equal_totals),
    "last-of-a-range": _past_an_end(0),
    "first-of-a-range": _past_an_end(1),
    "second-of-a-range": _past_an_end(2),
    "last-but-one-of-a-range": _past_an_end(-1),
    "range-of-one-size": _setup(_single_size_range),
    "ranges": _setup(lambda setup: bool(setup.ranges)),
    "split": _setup(lambda setup: setup.split),
    "language-model": _setup(lambda setup: setup.component == "language_model"),
    "not-the-cheapest-compiler": _setup(lambda setup: setup.backend != "eager"),
    "mode-none": _setup(lambda setup: setup.mode == "none"),
    "mode-stock": _setup(lambda setup: setup.mode == "stock"),
    "several-instances": _setup(lambda setup: setup.instances > 1),
    "instances-mixed": _any_start(_instances_mixed),
    "several-blocks": _any_start(lambda start: start.program.depth > 1),
    "another-constant": _any_start(lambda start: start.program.scale != 1),
    "writes-its-input": _program(lambda name: name == "mutates"),
    "shares-memory": _program(lambda name: name in ("view", "aliases")),
    "odd-strides": _program(lambda name: name == "strided"),
    "several-dtypes": _program(lambda name: name == "dtypes"),
    "text-decoder": _program(lambda name: name == "decoder"),
}
"""Classes of one start's inputs; what several starts have between them is told in `restarts.py`."""
