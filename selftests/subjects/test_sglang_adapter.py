"""SGLang's adapter without SGLang: runners of our own in its convention, sound and broken, before the laws."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from models.api import Grid, Item
from models.families import family
from selftests.subjects.invented_runner import (
    FallsOver,
    GivesItsOutput,
    KeyedByRows,
    NoWarmUp,
    OneSequence,
    SharesRotary,
    SoundRunner,
    SoundTiles,
    StaleTiles,
)
from suite.contract.calls import SubjectFailed
from suite.contract.case import Case, ItemSpec, Setup, draw_pixels
from suite.contract.subject import AdapterBroken, DeviceFacts
from suite.contract.verdict import Outcome
from suite.driver.catalogue import LAWS
from suite.driver.profiles import PROFILES
from suite.driver.search import Found, search
from suite.driver.spaces import space_of
from suite.driver.ticket import guarded
from suite.strategies.catalogue import unreachable
from suite.subjects.sglang.columns import DECLARED, SglangSubject
from suite.subjects.sglang.dialect import PATCHES, TILES, Dialect
from suite.subjects.sglang.parts import BACKENDS, TRITON

HUNT = replace(PROFILES["seeds"], shrink_seconds=0.0)
FAMILIES = (*PATCHES.families, *TILES.families)
QWEN25, QWEN3, INTERNVL = FAMILIES
UNBOUNDED = "capture/graphs-are-bounded"
"""What a runner in SGLang's manner breaks however well it is made: it keeps a graph for each layout."""
APPLICABLE = [law.id for law in LAWS.values() if law.kind is Case and not law.missing(DECLARED) and law.id != UNBOUNDED]


def _subject(*runners: type[object], backend: str = TRITON) -> SglangSubject:
    """A subject with these runners in place of the sound ones."""
    tiles = next((each for each in runners if issubclass(each, SoundTiles)), SoundTiles)
    patches = next((each for each in runners if issubclass(each, SoundRunner)), SoundRunner)
    dialects = {PATCHES: Dialect(patches), TILES: Dialect(tiles)}
    return SglangSubject(dialects, version="invented", backend=backend)


def _search(law_id: str, name: str, subject: SglangSubject, *, examples: int) -> Found:
    law = LAWS[law_id]
    space = space_of(law, name, subject.capabilities)
    return search(law, space, guarded(subject), profile=HUNT, examples=examples)


def _reachable(law_id: str, name: str) -> bool:
    law = LAWS[law_id]
    return unreachable(law.inputs, space_of(law, name, DECLARED)) is None


HELD = [(law_id, name) for law_id in APPLICABLE for name in FAMILIES if _reachable(law_id, name)]


@pytest.mark.parametrize(("law_id", "name"), HELD)
def test_no_law_catches_a_sound_runner(law_id: str, name: str) -> None:
    """What comes before and after the runner is right: blocks, layouts, rotary tables, the order of windows."""
    found = _search(law_id, name, _subject(), examples=2)
    assert found.verdict.outcome is Outcome.HOLDS, found.verdict


@pytest.mark.parametrize("name", [QWEN25, QWEN3])
def test_a_graph_for_each_layout_is_no_bound(name: str) -> None:
    """Sound in all else, and caught by the one law."""
    found = _search(UNBOUNDED, name, _subject(), examples=1)
    assert found.verdict.violation is not None
    assert "the subject states no number" in found.verdict.violation.expected


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", FAMILIES)
def test_each_form_of_metadata_is_understood(backend: str, name: str) -> None:
    """Offsets with lengths and without."""
    found = _search("values/replay-equals-eager", name, _subject(backend=backend), examples=4)
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
        (OneSequence, INTERNVL, "values/replay-equals-eager"),
        (StaleTiles, INTERNVL, "staleness/history-does-not-matter"),
    ],
)
def test_a_broken_runner_is_caught(runner: type[object], name: str, law_id: str) -> None:
    """The public bugs of the kind, in a runner of our own, are found by general laws."""
    found = _search(law_id, name, _subject(runner), examples=40)
    assert found.verdict.outcome is Outcome.VIOLATED, found.verdict


@pytest.mark.parametrize(
    "law_id", ["isolation/order-does-not-matter", "isolation/batch-mates-do-not-matter", "staleness/repeat-agrees"]
)
def test_answers_that_change_later_are_one_laws_matter(law_id: str) -> None:
    """A graph's output handed out breaks the law on owning results, and neither breaks nor hides another."""
    found = _search(law_id, QWEN3, _subject(GivesItsOutput), examples=12)
    assert found.verdict.outcome is Outcome.HOLDS, found.verdict


def _encode_one(subject: SglangSubject) -> DeviceFacts:
    with guarded(subject).session(QWEN3, Setup()) as session:
        session.encode([draw_pixels(ItemSpec(Grid(1, 4, 4)), family(QWEN3))])
        return session.facts()


def test_a_session_begins_with_nothing_captured() -> None:
    """Layouts are captured when they come."""
    with guarded(_subject()).session(QWEN3, Setup()) as session:
        started = session.facts()
    assert (started.graphs_alive, started.retained_bytes) == (0, 0)
    assert _encode_one(_subject()).graphs_alive == 1


def test_a_family_that_is_not_served_is_the_adapters_word() -> None:
    """Nothing is concluded from a tower whose model SGLang never hands to a runner."""
    with (
        pytest.raises(AdapterBroken, match="no runner serves toy: choose one of qwen2_5_vl, qwen3_vl, internvl"),
        guarded(_subject()).session("toy", Setup()),
    ):
        pass


def test_who_failed_is_told_apart() -> None:
    """What is raised in a runner is the subject's failure; what is raised before it is entered is the adapter's."""
    with pytest.raises(SubjectFailed, match="ArithmeticError: in the runner"):
        _encode_one(_subject(FallsOver))
    with (
        pytest.raises(AdapterBroken, match="outside of the runner: RuntimeError: "),
        guarded(_subject()).session(QWEN3, Setup()) as session,
    ):
        session.encode([Item(Grid(1, 4, 4), torch.zeros(1, 1))])
