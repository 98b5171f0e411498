"""Every law on compiled programs on an implementation that is not the reference: an honest one, and broken ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from selftests.properties.broken_programs import BROKEN_PROGRAMS
from selftests.properties.compiling_stranger import COMPILES, Stranger, Traces
from selftests.properties.hunting import hunt, ids_of, whole_violation
from suite.contract.subject import Capabilities
from suite.contract.verdict import Outcome
from suite.driver.catalogue import LAWS
from suite.driver.search import Found
from suite.properties import compile_counts, compiled, compiled_effects

OURS = ids_of(compiled, compiled_effects, compile_counts)
GENERATES = replace(COMPILES, compile_backends=(*COMPILES.compile_backends, "inductor"))
"""What the stranger declares of a law about generated code: to it all back ends are one."""


def _capabilities(law_id: str) -> Capabilities:
    return GENERATES if LAWS[law_id].inputs == "generated_code" else COMPILES


def _search(law_id: str, traces: type[Traces], *, examples: int) -> Found:
    """Holds one law against a stranger."""
    stranger = Stranger(traces)
    stranger.capabilities = _capabilities(law_id)
    return hunt(law_id, stranger, examples=examples)


@pytest.mark.parametrize("law_id", OURS)
def test_an_honest_stranger_holds(law_id: str) -> None:
    """A compiler that shares nothing with the reference satisfies every law: none is about the reference."""
    found = _search(law_id, Traces, examples=4)
    assert found.verdict.outcome is Outcome.HOLDS, found.verdict
    assert found.cases > 1


@pytest.mark.parametrize("law_id", OURS)
def test_a_broken_stranger_is_caught(law_id: str) -> None:
    """The one thing that the law is about done wrongly: a violation with all its parts."""
    whole_violation(_search(law_id, BROKEN_PROGRAMS[law_id], examples=40))


def test_every_law_has_its_broken_stranger() -> None:
    """A new law needs a stranger that it catches; no stranger is left without its law."""
    assert set(BROKEN_PROGRAMS) == set(OURS)
