"""Every drawn program can be started and called as it stands, and survives a trip through JSON."""

from __future__ import annotations

import json

import pytest

from models import programs
from models.families import FAMILIES, family
from models.programs.grids import largest
from selftests.strategies.program_cases import COMPILES, draw_programs
from suite.contract.kinds import read_case
from suite.contract.program import ProgramCase, Start
from suite.strategies.programs import PROGRAMS

OF_EVERY_FAMILY = ("towers", "generated_code")


def _check_start(start: Start, family_name: str) -> None:
    spec, setup = start.program, start.setup
    assert start.calls
    assert setup.backend in COMPILES.compile_backends
    assert list(setup.ranges) == sorted(set(setup.ranges))
    assert all(call.instance < setup.instances for call in start.calls)
    if setup.component == "language_model" and setup.ranges:
        assert max(call.total for call in start.calls) <= setup.ranges[-1], "the last range is closed"
    if spec.name == "tower":
        sizes = family(family_name).sizes
        assert all(1 <= size <= largest(sizes) for call in start.calls for size in call.sizes)
        assert all(call.sizes for call in start.calls)
        return
    known = programs.program(spec.name)
    assert known.seams or not setup.split
    assert known.empty or all(call.sizes and min(call.sizes) for call in start.calls)
    for name, value in {"scale": 1.0, "depth": 1, "optional": False, "environment": ""}.items():
        assert name in known.bakes or getattr(spec, name) == value or spec.name == "decoder"


def _check(case: ProgramCase) -> None:
    assert read_case(json.loads(case.to_json())) == case
    assert len(case.starts) == 1
    _check_start(case.starts[0], case.family)


@pytest.mark.parametrize("strategy", PROGRAMS)
def test_programs_are_valid(strategy: str) -> None:
    """Sizes that the program takes, ranges that cover them, instances that exist."""
    draw_programs(strategy, examples=60, see=_check)


@pytest.mark.parametrize("name", [each.name for each in FAMILIES])
@pytest.mark.parametrize("strategy", OF_EVERY_FAMILY)
def test_towers_are_valid_for_every_family(strategy: str, name: str) -> None:
    """Images that the family has."""
    draw_programs(strategy, examples=15, see=_check, name=name)
