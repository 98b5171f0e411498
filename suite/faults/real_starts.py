"""Faults of real starts: caches that are not used, and counters that are others'."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from reference.startup_benchmark.facts import Facts, Wish
from reference.startup_benchmark.start import measured
from suite.faults import injection
from suite.faults.fault import Fault
from suite.faults.injection import MakeParts


def _told(change: Callable[[Facts], Facts]) -> MakeParts:
    """What a start measured, changed."""
    return injection.startup(measured=lambda wish, cache: change(measured(wish, cache)))


def _asked(**instead: object) -> MakeParts:
    """What a start is asked for, changed."""

    def start(wish: Wish, cache: Path) -> Facts:
        return measured(replace(wish, arguments={**wish.arguments, **instead}), cache)

    return injection.startup(measured=start)


def _in_its_own_cache(wish: Wish, _: Path) -> Facts:
    """A start makes a cache of its own, whatever it is given."""
    with tempfile.TemporaryDirectory(prefix="lockstep-fault-") as folder:
        return measured(wish, Path(folder))


def _beside_its_cache(wish: Wish, cache: Path) -> Facts:
    """All starts keep what they compile beside the cache that they are given."""
    shared = cache.with_name("shared")
    shared.mkdir(exist_ok=True)
    return measured(wish, shared)


def _loads_are_compiles(facts: Facts) -> Facts:
    """What is loaded counts as compiled too."""
    return replace(facts, compiles=facts.compiles + facts.loads)


def _no_compiles(facts: Facts) -> Facts:
    """Counters of compiles are lost on the way."""
    return replace(facts, compiles=0)


def _one_counter(facts: Facts) -> Facts:
    """The encoder's seconds are counted with the language model's."""
    return replace(facts, compilation=facts.compilation + facts.encoder_compilation, encoder_compilation=0.0)


def _whole_start(facts: Facts) -> Facts:
    """The clock of the compile times runs from the start until the engine is ready."""
    return replace(facts, compilation=facts.seconds)


_LOADS = "real_starts/cold-compiles-and-warm-loads"
_COUNTED = "real_starts/encoder-is-counted-as-asked"

FAULTS = (
    Fault(
        id="real_starts/cache-is-not-used",
        breaks="a start keeps what it compiles where no later start finds it",
        caught_by=(_LOADS,),
        parts=injection.startup(measured=_in_its_own_cache),
    ),
    Fault(
        id="real_starts/cache-beside-its-own",
        breaks="all starts keep what they compile in one place",
        caught_by=(_LOADS,),
        parts=injection.startup(measured=_beside_its_cache),
    ),
    Fault(
        id="real_starts/loads-are-compiles",
        breaks="loading from the cache counts as compiling",
        caught_by=(_LOADS,),
        parts=_told(_loads_are_compiles),
        source="BUG-T07",
    ),
    Fault(
        id="real_starts/compiles-are-lost",
        breaks="no start has compiled anything",
        caught_by=(_LOADS,),
        parts=_told(_no_compiles),
        source="BUG-T01",
    ),
    Fault(
        id="real_starts/one-counter",
        breaks="the encoder's seconds are the language model's",
        caught_by=(_COUNTED,),
        parts=_told(_one_counter),
        source="BUG-T03",
    ),
    Fault(
        id="real_starts/encoders-compile-unasked",
        breaks="encoders compile though they are not asked to",
        caught_by=(_COUNTED,),
        parts=_asked(compile_mm_encoder=True),
    ),
    Fault(
        id="real_starts/nothing-compiles",
        breaks="no model compiles",
        caught_by=(_COUNTED,),
        parts=_asked(mode="none"),
    ),
    Fault(
        id="real_starts/whole-start-is-compiling",
        breaks="all of a start counts as the language model's compiling",
        caught_by=(_COUNTED,),
        parts=_told(_whole_start),
        source="BUG-T05",
    ),
)
