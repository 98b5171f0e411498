"""Every law on compiled programs on an implementation that is not the reference: an honest one, and broken ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from selftests.properties.broken_programs import BROKEN_PROGRAMS
from selftests.properties.compiling_stranger import COMPILES, Stranger, Traces
from suite.contract.law import laws_of
from suite.contract.subject import Capabilities
from suite.contract.verdict import Outcome
from suite.driver.catalogue import LAWS
from suite.driver.profiles import PROFILES
from suite.driver.search import Found, search
from suite.driver.spaces import space_of
from suite.driver.ticket import guarded
from suite.properties import compile_counts, compiled, compiled_effects

HUNT = replace(PROFILES["seeds"], shrink_seconds=0.0)
OURS = [law.id for topic in (compiled, compiled_effects, compile_counts) for law in laws_of(topic)]
GENERATES = replace(COMPILES, compile_backends=(*COMPILES.compile_backends, "inductor"))
"""What the stranger declares of a law about generated code: to it all back ends are one."""


def _capabilities(law_id: str) -> Capabilities:
    return GENERATES if LAWS[law_id].inputs == "generated_code" else COMPILES


def _search(law_id: str, traces: type[Traces], *, examples: int) -> Found:
    """Holds one law against a stranger."""
    law = LAWS[law_id]
    stranger = Stranger(traces)
    stranger.capabilities = _capabilities(law_id)
    space = space_of(law, "toy", stranger.capabilities)
    return search(law, space, guarded(stranger), profile=HUNT, examples=examples)


@pytest.mark.parametrize("law_id", OURS)
def test_an_honest_stranger_holds(law_id: str) -> None:
    """A compiler that shares nothing with the reference satisfies every law: none is about the reference."""
    found = _search(law_id, Traces, examples=4)
    assert found.verdict.outcome is Outcome.HOLDS, found.verdict
    assert found.cases > 1


@pytest.mark.parametrize("law_id", OURS)
def test_a_broken_stranger_is_caught(law_id: str) -> None:
    """The one thing that the law is about done wrongly: a violation with all its parts."""
    found = _search(law_id, BROKEN_PROGRAMS[law_id], examples=40)
    assert found.verdict.outcome is Outcome.VIOLATED, found.verdict
    violation = found.verdict.violation
    assert violation is not None
    assert violation.expected
    assert violation.actual
    assert violation.because
    assert violation.expected != violation.actual


def test_every_law_has_its_broken_stranger() -> None:
    """A new law needs a stranger that it catches; no stranger is left without its law."""
    assert set(BROKEN_PROGRAMS) == set(OURS)
