"""Every law on decorated classes on a decorator that is not the reference: an honest one, and broken ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from torch import nn

from selftests.properties.broken_decorators import BROKEN_DECORATORS
from selftests.properties.decorating_stranger import DECORATES, InPlace, Module, Stranger
from selftests.properties.hunting import hunt, ids_of, whole_violation
from suite.contract.decorating import Options
from suite.contract.subject import Capabilities
from suite.contract.verdict import Outcome
from suite.driver.catalogue import LAWS
from suite.driver.search import Found
from suite.properties import decoration, decoration_arguments, decoration_copies, decoration_effects

TOPICS = (decoration, decoration_arguments, decoration_effects, decoration_copies)
OURS = ids_of(*TOPICS)


class _Idle(InPlace):
    """Decorates nothing: what a subject that leaves classes alone may do at least."""

    def install(self, cls: Module, options: Options, names: tuple[str, ...]) -> None:
        """Nothing is written."""

    def build(self, cls: Module, arguments: tuple[object, ...], keywords: Mapping[str, object]) -> nn.Module:
        return cls(*arguments, **keywords)


def _capabilities(law_id: str) -> Capabilities:
    return replace(DECORATES, leaves_classes="leaves_classes" in LAWS[law_id].needs)


def _search(law_id: str, bench: type[InPlace], *, examples: int) -> Found:
    """Holds one law against a stranger."""
    return hunt(law_id, Stranger(bench, _capabilities(law_id)), examples=examples)


@pytest.mark.parametrize("law_id", OURS)
def test_an_honest_stranger_holds(law_id: str) -> None:
    """A decorator that shares nothing with the reference satisfies every law: none is about the reference."""
    found = _search(law_id, _Idle if "leaves_classes" in LAWS[law_id].needs else InPlace, examples=3)
    assert found.verdict.outcome is Outcome.HOLDS, found.verdict
    assert found.cases > 1


@pytest.mark.parametrize("law_id", OURS)
def test_a_broken_stranger_is_caught(law_id: str) -> None:
    """The one thing that the law is about done wrongly: a violation with all its parts."""
    whole_violation(_search(law_id, BROKEN_DECORATORS[law_id], examples=40))


def test_every_law_has_its_broken_stranger() -> None:
    """A new law needs a stranger that it catches; no stranger is left without its law."""
    assert set(BROKEN_DECORATORS) == set(OURS)
