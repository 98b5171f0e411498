"""SGLang's bounded runner without SGLang: runners of our own, sound and broken, in both of its columns."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from models.api import Grid
from models.families import family
from selftests.subjects.invented_bounded import (
    BoundlessWhole,
    ColdWhole,
    SoundWhole,
    StaleWhole,
    WholeKeyedByRows,
)
from suite.contract.case import Case, ItemSpec, Setup, draw_pixels
from suite.contract.verdict import Outcome
from suite.driver.catalogue import LAWS
from suite.driver.profiles import PROFILES
from suite.driver.search import Found, search
from suite.driver.spaces import space_of
from suite.driver.ticket import guarded
from suite.strategies.catalogue import unreachable
from suite.subjects.sglang.columns import AT_ONCE, DECLARED, WHERE_REPLAYS_MATTER, SglangSubject, columns
from suite.subjects.sglang.dialect import BOUNDED, PATCHES, Dialect, Limits, RunnerFile
from suite.subjects.sglang.replaced import load_runner

HUNT = replace(PROFILES["seeds"], shrink_seconds=0.0)
(KIMI,) = BOUNDED.families
AS_SET = Limits()
APPLICABLE = [law.id for law in LAWS.values() if law.kind is Case and not law.missing(DECLARED)]
FILE = """
from __future__ import annotations
from dataclasses import dataclass
from typing import TYPE_CHECKING
from selftests.subjects.invented_bounded import SoundWhole
from sglang.srt.model_executor.runner_utils.pool import graph_pool_replay_scope
if TYPE_CHECKING:
    from sglang.srt.models.kimi_k3_vl import GridTHW

@dataclass
class Entry:
    grid: GridTHW

class KimiK3ViTCudaGraphRunner(SoundWhole):
    scope = graph_pool_replay_scope
    def run(self, pixel_values, grid_thws, grid_thw_list, {more}): ...
"""


def _subject(runner: type[object] = SoundWhole, *, limits: Limits = AS_SET) -> SglangSubject:
    return SglangSubject({BOUNDED: Dialect(runner, limits=limits)}, version="invented")


def _search(law_id: str, subject: SglangSubject, *, examples: int) -> Found:
    law = LAWS[law_id]
    return search(law, space_of(law, KIMI, subject.capabilities), guarded(subject), profile=HUNT, examples=examples)


def _reachable(law_id: str) -> bool:
    law = LAWS[law_id]
    return unreachable(law.inputs, space_of(law, KIMI, DECLARED)) is None


HELD = [law_id for law_id in APPLICABLE if _reachable(law_id)]


@pytest.mark.parametrize("law_id", HELD)
def test_no_law_catches_a_sound_runner(law_id: str) -> None:
    """Tower, metadata and projector are right, and buffers that the runner returns are nobody's result."""
    found = _search(law_id, _subject(), examples=2)
    assert found.verdict.outcome is Outcome.HOLDS, found.verdict


@pytest.mark.parametrize("law_id", WHERE_REPLAYS_MATTER)
def test_nor_one_that_captures_at_once(law_id: str) -> None:
    """Every second batch of a layout is a replay there."""
    found = _search(law_id, _subject(limits=AT_ONCE), examples=2)
    assert found.verdict.outcome is Outcome.HOLDS, found.verdict


@pytest.mark.parametrize(
    ("runner", "limits", "law_id"),
    [
        (StaleWhole, AS_SET, "staleness/long-histories"),
        (StaleWhole, AT_ONCE, "values/replay-equals-eager"),
        (StaleWhole, AT_ONCE, "staleness/history-does-not-matter"),
        (WholeKeyedByRows, AS_SET, "staleness/long-histories"),
        (WholeKeyedByRows, AT_ONCE, "values/replay-equals-eager"),
        (BoundlessWhole, AS_SET, "capture/graphs-are-bounded"),
        (ColdWhole, AT_ONCE, "capture/warmed-up-first"),
    ],
)
def test_a_broken_runner_is_caught(runner: type[object], limits: Limits, law_id: str) -> None:
    """Layouts come often enough: what replays wrongly is seen with the release's own limits, too."""
    found = _search(law_id, _subject(runner, limits=limits), examples=40)
    assert found.verdict.outcome is Outcome.VIOLATED, found.verdict


def test_a_batch_that_ran_is_warm() -> None:
    """What is captured at its second batch needs no run of its own."""
    found = _search("capture/warmed-up-first", _subject(ColdWhole), examples=10)
    assert found.verdict.outcome is Outcome.HOLDS, found.verdict


def test_what_is_captured_when() -> None:
    """At the second batch of a layout, and no third layout."""
    grids = (Grid(1, 2, 2), Grid(1, 2, 4), Grid(1, 4, 4))
    batches = [[draw_pixels(ItemSpec(grid), family(KIMI))] for grid in grids for _ in range(2)]
    with guarded(_subject()).session(KIMI, Setup()) as session:
        seen = []
        for batch in batches:
            session.encode(batch)
            seen.append(session.facts().graphs_alive)
    assert seen == [0, 1, 1, 2, 2, 2]


def test_a_bound_is_stated_where_all_runners_have_one() -> None:
    """One column, one number."""
    assert _subject().capabilities.most_graphs == AS_SET.capacity
    both: dict[RunnerFile, Dialect] = {PATCHES: Dialect(SoundWhole), BOUNDED: Dialect(SoundWhole, limits=AS_SET)}
    assert SglangSubject(both, version="invented").capabilities.most_graphs == 0


def _release(folder: Path, *files: RunnerFile) -> None:
    package = folder / "sglang"
    for file in files:
        path = package / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        more = ", ".join(f"{name}=None" for name in sorted(file.takes - BOUNDED.takes))
        path.write_text(FILE.replace(BOUNDED.name, file.name).replace("{more}", more or "*_"))
    (package / "__init__.py").write_text("raise ImportError('nobody imports the package itself')\n")


def test_imports_for_type_checkers_need_no_stand_in(tmp_path: Path) -> None:
    """Nor does a dataclass miss the module that it is made in, which does not stay."""
    _release(tmp_path, BOUNDED)
    module = load_runner(tmp_path / "sglang" / BOUNDED.path, backend="fa3")
    assert module.Entry(None).grid is None
    assert module.__name__ not in sys.modules


def test_a_release_that_has_it_has_two_columns_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others do not serve its family, and one without it is as it was."""
    _release(tmp_path / "old", PATCHES)
    _release(tmp_path / "new", PATCHES, BOUNDED)
    monkeypatch.syspath_prepend(tmp_path / "old")
    assert [each.name for each in columns("emulator")] == ["", "fa3"]
    monkeypatch.syspath_prepend(tmp_path / "new")
    served = {each.name: each.subject.capabilities for each in columns("emulator")}
    assert [name for name in served if served[name].serves(KIMI)] == ["kimi", "kimi at once"]
    assert [served[name].most_graphs for name in served] == [0, 0, AS_SET.capacity, AT_ONCE.capacity]


def test_a_script_names_the_limits() -> None:
    """A user's run of the runner by itself is the column's."""
    lines = "\n".join(_subject(limits=AT_ONCE).script(family(KIMI), Setup()).lines)
    assert "dialect.BOUNDED, limits=dialect.Limits(capacity=64, min_hits=1))" in lines
    assert "graphed = whole.GraphedWhole(" in lines
