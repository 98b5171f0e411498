"""What may change from one start to the next: one field of a program or a setup at a time."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, TypeVar

from hypothesis import strategies as st

from models.programs import VARIANTS
from suite.contract.program import COMPONENTS, Call, CompileSetup, Component, Start
from suite.strategies.programs import ranges
from suite.strategies.sizes import SEEDS

MOST = 14
"""Most units of a call: two more than the last end of a range may be."""
CLOSED = MOST + 10
"""Where a language model's last range ends."""
SCALES = (1.0, 0.5, 0.25)
Flip = Callable[[Start], st.SearchStrategy[Start]]
_Choice = TypeVar("_Choice")


@dataclass(frozen=True)
class Frame:
    """What a start is made of before it is decided what it is a start of."""

    number: int
    component: Component
    ranges: tuple[int, ...]
    calls: tuple[Call, ...]

    def choice(self, what: str, choices: Sequence[_Choice]) -> _Choice:
        """One of the choices, another one for almost every other frame.

        A search changes little from one case to the next, and `sampled_from` would keep to one choice for long. Here a
        case takes half a second, and each choice must come within a few dozen.
        """
        return choices[zlib.crc32(f"{what} {self}".encode()) % len(choices)]


def frames() -> st.SearchStrategy[Frame]:
    """Any component, ranges and one or two calls."""
    components = st.sampled_from(COMPONENTS[::-1])
    return st.builds(Frame, st.integers(0, 2**16), components, st.just(()) | ranges(), call_lists())


def _of_program(field: str, values: tuple[Any, ...]) -> Flip:
    def flip(start: Start) -> st.SearchStrategy[Start]:
        now = getattr(start.program, field)
        others = st.sampled_from([value for value in values if value != now])
        return others.map(lambda value: replace(start, program=replace(start.program, **{field: value})))

    return flip


def _of_setup(field: str, values: tuple[Any, ...]) -> Flip:
    def flip(start: Start) -> st.SearchStrategy[Start]:
        now = getattr(start.setup, field)
        others = st.sampled_from([value for value in values if value != now])
        return others.map(lambda value: replace(start, setup=replace(start.setup, **{field: value})))

    return flip


def _component(start: Start) -> st.SearchStrategy[Start]:
    """The ranges of a language model end somewhere, so both have ends."""
    component = next(each for each in COMPONENTS if each != start.setup.component)
    return st.just(replace(start, setup=closed(replace(start.setup, component=component))))


def closed(setup: CompileSetup) -> CompileSetup:
    """The setup with a last end where a language model with ranges needs one."""
    if setup.component == "encoder" or not setup.ranges or setup.ranges[-1] >= MOST:
        return setup
    return replace(setup, ranges=(*setup.ranges, CLOSED))


def _ranges(start: Start) -> st.SearchStrategy[Start]:
    """Other ends, in one of which the same sizes may fall."""
    others = st.just(()) | ranges()
    return others.filter(lambda ends: ends != start.setup.ranges).map(
        lambda ends: replace(start, setup=closed(replace(start.setup, ranges=ends)))
    )


def _calls(start: Start) -> st.SearchStrategy[Start]:
    """Other sizes and values."""
    return call_lists().filter(lambda calls: calls != start.calls).map(lambda calls: replace(start, calls=calls))


def _instances(start: Start) -> st.SearchStrategy[Start]:
    """One more instance, which is called too."""
    count = start.setup.instances + 1
    calls = (*start.calls, replace(start.calls[0], instance=count - 1))
    return st.just(replace(start, setup=replace(start.setup, instances=count), calls=calls))


def _alike(start: Start) -> st.SearchStrategy[Start]:
    """A program that looks like this one."""
    names = [name for name in ("scalar", "twin", "namesake") if name != start.program.name]
    return st.sampled_from(names).map(lambda name: replace(start, program=replace(start.program, name=name)))


HAVE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "scale": ("scalar",),
        "depth": ("constants",),
        "optional": ("optional",),
        "environment": ("environment",),
        "likeness": ("scalar", "twin", "namesake"),
        "split": ("seams", "constants"),
    }
)
"""Which programs have what a flip is about; any cheap one for the others."""
TELLING: Mapping[str, Flip] = MappingProxyType(
    {
        "scale": _of_program("scale", SCALES),
        "depth": _of_program("depth", (1, 2, 3)),
        "optional": _of_program("optional", (False, True)),
        "environment": _of_program("environment", VARIANTS),
        "likeness": _alike,
        "backend": _of_setup("backend", ("eager", "aot_eager")),
        "component": _component,
        "split": _of_setup("split", (False, True)),
        "ranges": _ranges,
    }
)
"""What makes another program, or another code of it."""
HARMLESS: Mapping[str, Flip] = MappingProxyType(
    {
        "calls": _calls,
        "instances": _instances,
        "trace": _of_setup("trace", (False, True)),
    }
)
"""What changes no program."""
OTHERS: Mapping[str, Flip] = MappingProxyType(
    {"aot": _of_setup("aot", (False, True)), "mode": _of_setup("mode", ("none", "full"))}
)
"""What makes another way to the same program, or to none."""
FLIPS: Mapping[str, Flip] = MappingProxyType({**TELLING, **HARMLESS, **OTHERS})


def flipped(before: Start, after: Start) -> frozenset[str]:
    """Names of the fields in which two starts differ; `program` for its name."""
    fields = {name: (getattr(before.setup, name), getattr(after.setup, name)) for name in vars(before.setup)}
    fields |= {name: (getattr(before.program, name), getattr(after.program, name)) for name in vars(before.program)}
    fields |= {"calls": (before.calls, after.calls)}
    return frozenset(name for name, (old, new) in fields.items() if old != new)


def call_lists() -> st.SearchStrategy[tuple[Call, ...]]:
    """One call or two, of one item each."""
    single = st.builds(Call, st.integers(1, MOST).map(lambda size: (size,)), SEEDS)
    return st.lists(single, min_size=1, max_size=2).map(tuple)
