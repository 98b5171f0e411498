"""The catalogue holds together: laws, ids, areas, and one wrong part each."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields

import pytest

from models.families import FAMILIES
from models.whole import MODELS
from selftests.house.sources import ROOT
from suite.contract.loading import LoadCase
from suite.driver.catalogue import LAWS
from suite.faults.catalogue import AREAS, FAULTS
from suite.faults.fault import Fault
from suite.subjects.reference_parts import Parts
from suite.subjects.registry import reference_columns

_CLEAN = Parts()
_COLUMNS = {column.name for column in reference_columns("emulator")}
_SAMPLE = range(8, 20)
"""So many faults keep profile `smoke` short and varied."""
_HELPERS = {"__init__", "catalogue", "decorated", "fault", "injection", "rude_import"}
"""Files that hold no faults."""
_EVERY = [pytest.param(fault, id=fault.id) for fault in FAULTS.values()]


def test_every_law_has_a_fault() -> None:
    """A law that no fault names has never been seen to fail."""
    assert set(LAWS) - {law for fault in FAULTS.values() for law in fault.caught_by} == set()


def test_every_law_is_first_of_a_fault() -> None:
    """The search stops at the first law that kills, so only the first is sure to be tried."""
    assert set(LAWS) - {fault.caught_by[0] for fault in FAULTS.values()} == set()


def test_every_file_is_an_area() -> None:
    """A file of faults that is not in the catalogue would never be planted."""
    files = {path.stem for path in (ROOT / "suite" / "faults").glob("*.py")} - _HELPERS
    assert {module.__name__.rpartition(".")[2] for module in AREAS} == files


def test_no_id_is_taken_twice() -> None:
    """No fault hides another of the same id."""
    ids = [fault.id for module in AREAS for fault in module.FAULTS]
    assert sorted(ids) == sorted(FAULTS)


def test_ids_begin_with_the_file() -> None:
    """An id says where the fault is written."""
    wrong = [
        fault.id
        for module in AREAS
        for fault in module.FAULTS
        if not re.fullmatch(rf"{module.__name__.rpartition('.')[2]}/[a-z0-9-]+", fault.id)
    ]
    assert wrong == []


def test_wrong_parts_are_documented() -> None:
    """Every class and function in a file of faults says what is wrong with it."""
    own = [
        (module.__name__, name, part)
        for module in AREAS
        for name, part in vars(module).items()
        if (inspect.isclass(part) or inspect.isfunction(part)) and part.__module__ == module.__name__
    ]
    assert [f"{module}.{name}" for module, name, part in own if not part.__dict__.get("__doc__", part.__doc__)] == []


def test_sample_is_small_and_varied() -> None:
    """Profile `smoke` plants a few faults of many areas, none of which ends a process."""
    sampled = [fault for fault in FAULTS.values() if fault.sampled]
    assert len(sampled) in _SAMPLE
    assert len({fault.area for fault in sampled}) >= len(sampled) / 2
    assert not any(fault.lethal for fault in sampled)


@pytest.mark.parametrize("fault", _EVERY)
def test_fault_names_what_exists(fault: Fault) -> None:
    """Laws, family, column and bug are known, and no law is named twice."""
    assert fault.caught_by
    assert set(fault.caught_by) <= set(LAWS)
    assert len(set(fault.caught_by)) == len(fault.caught_by)
    whole = LAWS[fault.caught_by[0]].kind is LoadCase
    assert fault.family in (set(MODELS) if whole else {family.name for family in FAMILIES})
    assert fault.column in _COLUMNS
    assert fault.source is None or re.fullmatch(r"BUG-[A-Z]\d\d", fault.source)


@pytest.mark.parametrize("fault", _EVERY)
def test_fault_is_one_sentence(fault: Fault) -> None:
    """What it breaks fits a line of a table."""
    assert 10 < len(fault.breaks) < 120
    assert not fault.breaks.endswith(".")


@pytest.mark.parametrize("fault", _EVERY)
def test_exactly_one_part_is_wrong(fault: Fault) -> None:
    """All other parts are the reference's own."""
    parts = fault.parts()
    wrong = [part.name for part in fields(Parts) if getattr(parts, part.name) is not getattr(_CLEAN, part.name)]
    assert len(wrong) == 1
