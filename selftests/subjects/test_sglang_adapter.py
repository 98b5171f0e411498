"""SGLang's adapter without SGLang: runners of our own in its convention, sound and broken, before the laws."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.api import Grid
from models.families import family
from selftests.subjects.invented_runner import GivesItsOutput, KeyedByRows, NoWarmUp, SharesRotary, SoundRunner
from suite.contract.case import Case, ItemSpec, Setup, draw_pixels
from suite.contract.subject import AdapterBroken
from suite.contract.verdict import Outcome
from suite.driver.catalogue import LAWS
from suite.driver.profiles import PROFILES
from suite.driver.search import Found, search
from suite.driver.spaces import space_of
from suite.driver.ticket import guarded
from suite.strategies.catalogue import unreachable
from suite.subjects.sglang.blocks import BACKENDS, TRITON
from suite.subjects.sglang.columns import DECLARED, FAMILIES, SglangSubject
from suite.subjects.sglang.dialect import Dialect

HUNT = replace(PROFILES["seeds"], shrink_seconds=0.0)
QWEN25, QWEN3 = FAMILIES
APPLICABLE = [law.id for law in LAWS.values() if law.kind is Case and not law.missing(DECLARED)]


def _subject(runner: type[SoundRunner], backend: str = TRITON) -> SglangSubject:
    return SglangSubject(Dialect(runner, takes_layout_key=False), version="invented", backend=backend)


def _search(law_id: str, name: str, subject: SglangSubject, *, examples: int) -> Found:
    law = LAWS[law_id]
    space = space_of(law, name, subject.capabilities)
    assert unreachable(law.inputs, space) is None
    return search(law, space, guarded(subject), profile=HUNT, examples=examples)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("law_id", APPLICABLE)
def test_no_law_catches_a_sound_runner(law_id: str, name: str) -> None:
    """What comes before and after the runner is right: blocks, layouts, rotary tables, the order of windows."""
    found = _search(law_id, name, _subject(SoundRunner), examples=2)
    assert found.verdict.outcome is Outcome.HOLDS, found.verdict


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", FAMILIES)
def test_each_form_of_metadata_is_understood(backend: str, name: str) -> None:
    """Offsets with lengths and without, for images and clips."""
    found = _search("values/videos", name, _subject(SoundRunner, backend), examples=4)
    assert found.verdict.outcome is Outcome.HOLDS, found.verdict


@pytest.mark.parametrize(
    ("runner", "name", "law_id"),
    [
        (KeyedByRows, QWEN25, "values/same-total-other-boundaries"),
        (KeyedByRows, QWEN3, "values/same-total-other-boundaries"),
        (SharesRotary, QWEN25, "staleness/long-histories"),
        (SharesRotary, QWEN3, "staleness/repeat-agrees"),
        (GivesItsOutput, QWEN3, "ownership/results-outlive-later-batches"),
        (NoWarmUp, QWEN3, "capture/warmed-up-first"),
    ],
)
def test_a_broken_runner_is_caught(runner: type[SoundRunner], name: str, law_id: str) -> None:
    """The public bugs of the kind, in a runner of our own, are found by general laws."""
    found = _search(law_id, name, _subject(runner), examples=40)
    assert found.verdict.outcome is Outcome.VIOLATED, found.verdict


def test_a_session_begins_with_nothing_captured() -> None:
    """Layouts are captured when they come."""
    with guarded(_subject(SoundRunner)).session(QWEN3, Setup()) as session:
        started = session.facts()
        session.encode([draw_pixels(ItemSpec(Grid(1, 4, 4)), family(QWEN3))])
        assert (started.graphs_alive, started.retained_bytes, session.facts().graphs_alive) == (0, 0, 1)


def test_a_family_that_is_not_served_is_the_adapters_word() -> None:
    """Nothing is concluded from a tower whose model SGLang never hands to the runner."""
    with (
        pytest.raises(AdapterBroken, match="the runner serves no toy: choose one of qwen2_5_vl, qwen3_vl"),
        guarded(_subject(SoundRunner)).session("toy", Setup()),
    ):
        pass
