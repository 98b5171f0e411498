"""Every law on caches of outputs on an implementation that is not the reference: an honest one, and broken ones."""

from __future__ import annotations

import pytest

from selftests.properties.hunting import hunt, ids_of, whole_violation
from selftests.properties.output_keeper import BROKEN_KEEPERS, Keeper, Stranger
from suite.contract.verdict import Outcome
from suite.properties import kept_outputs

OURS = ids_of(kept_outputs)


@pytest.mark.parametrize("law_id", OURS)
def test_an_honest_stranger_holds(law_id: str) -> None:
    """A list that shares nothing with the reference satisfies every law."""
    found = hunt(law_id, Stranger(Keeper), examples=30)
    assert found.verdict.outcome is Outcome.HOLDS, found.verdict
    assert found.cases > 1


@pytest.mark.parametrize("law_id", OURS)
def test_a_broken_stranger_is_caught(law_id: str) -> None:
    """The one thing that the law is about done wrongly: a violation with all its parts."""
    whole_violation(hunt(law_id, Stranger(BROKEN_KEEPERS[law_id]), examples=60))


def test_every_law_has_its_broken_stranger() -> None:
    """A new law needs a stranger that it catches; no stranger is left without its law."""
    assert set(BROKEN_KEEPERS) == set(OURS)


def test_the_owner_of_a_wrong_result_is_named() -> None:
    """An image that turned into another is told with the other's name."""
    law_id = "kept_outputs/gets-the-items-own-result"
    violation = whole_violation(hunt(law_id, Stranger(BROKEN_KEEPERS[law_id]), examples=60))
    assert "these are the values of the item" in violation.actual
