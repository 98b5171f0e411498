"""What the reference says of its starts is read rightly, and its real starts run in processes of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from reference.startup_benchmark.facts import Facts, Wish
from suite.contract.calls import SubjectFailed
from suite.contract.startup import ShownRow, StartFacts, ToldCounts, ToldFailure
from suite.contract.startup_case import Failing, ScriptedStart, StartupCase
from suite.driver.ticket import guarded
from suite.properties.benchmarked import Run, benchmarked
from suite.subjects.reference import ReferenceSubject
from suite.subjects.reference_parts import Parts
from suite.subjects.reference_startup import SOUND

COLD = ScriptedStart(2_000_000, 1_000_000, 500_000, 250_000, compiles=3)
WARM = ScriptedStart(1_000_000, 20_000, 10_000, 5_000, loads=2)
CASE = StartupCase("toy", (COLD, COLD), COLD, (WARM,))


def run(case: StartupCase) -> Run:
    """The reference's benchmark of a case."""
    return benchmarked(case, guarded(ReferenceSubject()))


def test_the_table_is_read() -> None:
    """Each row under its key of SPEC T8, and the counts below it."""
    ended = run(CASE).ended
    assert [row.key for row in ended.rows] == [
        f"{phase}_{metric}"
        for metric in ("startup", "init", "compilation", "encoder_compilation")
        for phase in ("cold", "warm")
    ]
    assert ended.rows[0] == ShownRow("cold_startup", ("2.00",) * 7)
    assert ended.counts == (ToldCounts("cold", ((3, 0), (3, 0))), ToldCounts("warm", ((0, 2),)))
    assert (ended.status, ended.failures, ended.filed) == (0, (), ())


@pytest.mark.parametrize(
    ("place", "how", "told", "status"),
    [
        (1, "raises", [("cold", 2)], 1),
        (2, "raises", [("fill", 1)], 1),
        (3, "dies", [("warm", 1)], 1),
        (0, "interrupted", [], 130),
    ],
)
def test_failures_are_read_from_text_and_file(place: int, how: str, told: list[tuple[str, int]], status: int) -> None:
    """Phase and number in both; an interrupt is nobody's failure."""
    failing: Mapping[str, object] = {"start": place, "how": how}
    ended = run(replace(CASE, failing=Failing(**failing), processes=how == "dies")).ended  # type: ignore[arg-type]  # drawn from a table
    assert [(each.phase, each.number) for each in ended.failures] == told
    assert [(each.phase, each.number) for each in ended.filed] == told
    assert ended.status == status


def test_a_planted_failure_is_told_with_its_words() -> None:
    """Here and from another process alike, at the end of what it wrote."""
    for processes in (False, True):
        seen = run(replace(CASE, failing=Failing(0), processes=processes))
        assert "planted in start 0" in seen.ended.text
        assert isinstance(seen.ended.failures[0], ToldFailure)


def test_starts_in_processes_are_seen() -> None:
    """Four processes, one log, and the same times as here."""
    seen = run(replace(CASE, processes=True))
    assert len({each.process for each in seen.seen}) == 4
    assert seen.data()["cold_startup_times"] == run(CASE).data()["cold_startup_times"]
    assert [each.outside for each in seen.seen] == [()] * 4


def _subject(facts: Facts) -> ReferenceSubject:
    def start(wish: Wish, cache: Path) -> Facts:
        (cache / str(wish.arguments["compile_mm_encoder"])).touch()
        return facts

    return ReferenceSubject(parts=Parts(startup=replace(SOUND, measured=start)))


def test_a_real_start_is_asked_for_as_the_command_asks(tmp_path: Path) -> None:
    """Encoders or not, with the cache that was given; each field goes to its own."""
    real = guarded(_subject(Facts(8.0, 4.0, 2.0, 1.0, compiles=16, loads=32))).startup
    for encoder in (True, False):
        facts = real.real_start("toy", tmp_path, encoder=encoder)
        assert facts == StartFacts(seconds=8.0, init=4.0, language_model=2.0, encoder=1.0, compiles=16, loads=32)
    assert {path.name for path in tmp_path.iterdir()} == {"True", "False"}


def test_a_real_start_that_raises_is_the_subjects_failure(tmp_path: Path) -> None:
    """Its exception comes back from the process as words."""

    def start(_wish: Wish, _cache: Path) -> Facts:
        raise MemoryError("no room")

    subject = ReferenceSubject(parts=Parts(startup=replace(SOUND, measured=start)))
    with pytest.raises(SubjectFailed, match="real_start raised MemoryError: no room"):
        guarded(subject).startup.real_start("toy", tmp_path, encoder=True)
