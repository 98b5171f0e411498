"""What is other in a second snapshot than in the first: plain texts that a report can put side by side."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import cast

from suite.contract.text import short_sides
from suite.oracles.class_aspects import ASPECTS, Row
from suite.oracles.class_marks import Mark, is_gone, module_of, read_module_dict, same, short_name, text

Place = tuple[str, str]
"""A subject and an aspect of it."""


@dataclass(frozen=True)
class Snapshot:
    """Marks of everything that was looked at. It keeps no class, instance or function alive.

    It is of one process: marks of another process mean nothing here.
    """

    facts: Mapping[Place, Mapping[str, Mark]]
    subjects: frozenset[str]
    """Labels of the classes and instances that were given."""
    lazy: frozenset[str] = frozenset()
    """Modules that fill themselves: a new name in them is no change."""
    imported: frozenset[str] = frozenset()
    """Modules of the process: subclasses that come with further ones are no change."""


@dataclass(frozen=True)
class Change:
    """One thing that is not what it was."""

    subject: str
    """Label of a class or an instance, name of a module or a registry, or `the process`."""
    aspect: str
    what: str
    """An entry, a name, a path: where in the aspect."""
    before: str
    after: str

    @property
    def row(self) -> Row:
        """The row of SPEC D6 that it belongs to."""
        return ASPECTS[self.aspect].row

    def __str__(self) -> str:
        before, after = short_sides(self.before, self.after)
        return f"{self.subject}: {self.aspect}: {self.what}: was {before}, is {after}"


def differences(before: Snapshot, after: Snapshot) -> tuple[Change, ...]:
    """Every change, in the order of `before`'s subjects and aspects; of an aspect, changed, lost and new entries.

    Raises:
        ValueError: the two are not of the same classes and instances, so they cannot be compared.
    """
    strange = sorted(before.subjects ^ after.subjects)
    if strange:
        raise ValueError(f"{', '.join(strange)}: in one of the snapshots alone; take both of the same labels")
    asked = _asked(before) ^ _asked(after)
    if asked:
        raise ValueError(f"{', '.join(sorted(asked))}: asked in one of the snapshots alone; ask both the same probes")
    places = {**before.facts, **after.facts}
    return tuple(each for place in places for each in _at(place, before, after))


def _asked(each: Snapshot) -> set[str]:
    return {aspect for _, aspect in each.facts if ASPECTS[aspect].is_asked}


def rows(changes: Iterable[Change]) -> frozenset[Row]:
    """Rows of SPEC D6 in which something changed."""
    return frozenset(each.row for each in changes)


def outside(changes: Iterable[Change], allowed: Collection[Row]) -> tuple[Change, ...]:
    """Changes in rows that are not allowed to change."""
    return tuple(each for each in changes if each.row not in allowed)


def _at(place: Place, before: Snapshot, after: Snapshot) -> Iterator[Change]:
    subject, aspect = place
    old, new = before.facts.get(place, {}), after.facts.get(place, {})
    if aspect == "subclasses":
        yield from _subclasses(subject, before, after)
        return
    if ASPECTS[aspect].of in ("module", "process") and not (place in before.facts and place in after.facts):
        return
    if ASPECTS[aspect].of == "module" and not (old and new):
        yield from [Change(subject, aspect, "itself", "imported", "absent")] if old else []
        return
    for what in {**old, **new}:
        one, other = old.get(what), new.get(what)
        if one is None and subject in after.lazy:
            continue
        if one is None or other is None or not same(one, other):
            yield from _changes(place, what, one, other)


def _changes(place: Place, what: str, one: Mark | None, other: Mark | None) -> Iterator[Change]:
    if one is None or other is None or not (one.by == other.by == "value" and one.kind == other.kind == "table"):
        yield _change(place, what, text(one), text(other))
        return
    old, new = (dict(cast("tuple[tuple[str, object], ...]", each.held)) for each in (one, other))
    for key in {**old, **new}:
        if old.get(key) != new.get(key):
            yield _change(
                place, f"{what}[{key!r}]", *(repr(each[key]) if key in each else "absent" for each in (old, new))
            )


def _change(place: Place, what: str, before: str, after: str) -> Change:
    return Change(*place, what, before, after if before != after else f"{after}, another one")


def _subclasses(subject: str, before: Snapshot, after: Snapshot) -> Iterator[Change]:
    """Living ones alone (what nobody holds is collected some day), and none that an import brought."""
    old, new = (each.facts.get((subject, "subclasses"), {}) for each in (before, after))
    for each in _without(old, new):
        yield Change(subject, "subclasses", each.name, text(each), "absent")
    for each in _without(new, old):
        if not _is_imported_since(each, before):
            yield Change(subject, "subclasses", each.name, "absent", text(each))


def _without(some: Mapping[str, Mark], others: Mapping[str, Mark]) -> list[Mark]:
    found = (each for key, each in some.items() if not (key in others and same(each, others[key])))
    return [each for each in found if not is_gone(each)]


def _is_imported_since(each: Mark, before: Snapshot) -> bool:
    """Whether a class stands under its own name in a module that was not imported before."""
    cls = each.held() if isinstance(each.held, weakref.ref) else None
    if cls is None or (home := module_of(cls)) in before.imported or home not in sys.modules:
        return False
    return read_module_dict(sys.modules[home]).get(short_name(cls)) is cls


def frozen(facts: Mapping[Place, Mapping[str, Mark]]) -> Mapping[Place, Mapping[str, Mark]]:
    """The facts, read-only."""
    return MappingProxyType(dict(facts))
