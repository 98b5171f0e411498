"""All laws, by id, and the cells (law, family, column) that a run consists of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import ModuleType

from suite.contract.law import Law, laws_of
from suite.contract.loading import LoadCase
from suite.properties import (
    capture,
    compile_cache,
    compile_counts,
    compile_keys,
    compiled,
    compiled_effects,
    configuration,
    decoration,
    decoration_arguments,
    decoration_copies,
    decoration_effects,
    engine,
    engine_processes,
    fallback,
    isolation,
    kept_outputs,
    ledger,
    lifecycle,
    loading,
    loading_effects,
    loading_residue,
    ownership,
    packing,
    real_starts,
    recovery,
    several_loads,
    sharding,
    sharding_processes,
    staleness,
    startup,
    startup_caches,
    trace,
    values,
)
from suite.subjects.column import Column

TOPICS: tuple[ModuleType, ...] = (
    values,
    isolation,
    ownership,
    staleness,
    packing,
    fallback,
    capture,
    configuration,
    lifecycle,
    recovery,
    kept_outputs,
    sharding,
    sharding_processes,
    ledger,
    engine,
    engine_processes,
    compiled,
    compiled_effects,
    compile_counts,
    compile_cache,
    compile_keys,
    trace,
    decoration,
    decoration_arguments,
    decoration_effects,
    decoration_copies,
    loading,
    several_loads,
    loading_effects,
    loading_residue,
    startup,
    startup_caches,
    real_starts,
)
LAWS: dict[str, Law] = {each.id: each for topic in TOPICS for each in laws_of(topic)}


class UnknownLaw(ValueError):
    """No law has this id: the text lists those that exist."""


@dataclass(frozen=True)
class Cell:
    """One law on one family, for one column of the subject."""

    law: Law
    family: str
    column: str = ""
    """Which arrangement of the subject; empty for its first."""

    @property
    def label(self) -> str:
        """The family, and the column if it is not the first."""
        return f"{self.family} ({self.column})" if self.column else self.family

    @property
    def id(self) -> str:
        """Stable id of the cell within its topic."""
        return f"{self.law.name}@{self.family}" + (f"+{self.column}" if self.column else "")


def law_named(name: str) -> Law:
    """The law of that id.

    Raises:
        UnknownLaw: there is none.
    """
    if name not in LAWS:
        raise UnknownLaw(f"no law {name!r}: choose one of {', '.join(LAWS)}")
    return LAWS[name]


def cells(
    laws: Iterable[Law], *, families: Sequence[str], models: Sequence[str] = (), columns: Sequence[Column]
) -> list[Cell]:
    """Every law on every family that matters to it, in every column that runs it.

    `families` are towers; a law about loading is held on whole models, of which `models` are the names. The first
    tower that a column's subject serves stands in for the toy.
    """
    return [
        Cell(law, name, column.name)
        for law in laws
        for names in [models if law.kind is LoadCase else families]
        for name in names
        for column in columns
        for is_first in [name == _first(names, law, column)]
        if law.everywhere or is_first
        if column.runs(law, is_toy=is_first)
    ]


def _first(names: Sequence[str], law: Law, column: Column) -> str:
    """The first tower that the subject serves, or the first of all if it serves none; the first whole model."""
    capabilities = column.subject.capabilities
    return next((name for name in names if law.kind is LoadCase or capabilities.serves(name)), names[0])
