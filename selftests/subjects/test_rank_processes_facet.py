"""The facet of the reference over ranks in processes: real ones, watched, and gone in the end whatever happened."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from models.api import Grid
from models.families import family
from reference.engine.group import Group
from reference.engine.place import Place
from selftests.reference.engine_workers import wait_until
from suite.contract.case import ItemSpec, Setup, draw_pixels
from suite.contract.processes import working
from suite.contract.shard_case import STAGES, Plant, PlantKind, Stage
from suite.contract.sharding import RankAnswer, SeenCollective
from suite.contract.subject import AdapterBroken, Disturbance, Refused
from suite.driver.ticket import guarded
from suite.oracles.descendants import Offspring
from suite.subjects.rank_worker import RankRaised
from suite.subjects.reference import ReferenceSubject
from suite.subjects.reference_parts import Parts, ShardingParts
from suite.subjects.reference_rank_processes import RankGone, ReferenceRankProcesses

TOY = family("toy")
OFF = Setup(enabled=False)
ITEMS = [draw_pixels(ItemSpec(Grid(1, 2, 2 * units), seed=units), TOY) for units in (1, 4, 2)]


@contextmanager
def _session(*, ranks: int = 2, setup: Setup = OFF, parts: Parts | None = None) -> Iterator[ReferenceRankProcesses]:
    """A session, after which no process is left."""
    offspring = Offspring()
    session = ReferenceSubject(parts=parts).start_rank_processes(TOY, setup, ranks)
    try:
        assert len(offspring.note()) == ranks
        yield session
    finally:
        session.close()
    assert offspring.left(seconds=0.0) == set()


def _errors(answers: Sequence[RankAnswer]) -> list[type[object]]:
    return [type(answer.error) for answer in answers]


@pytest.mark.parametrize("setup", [OFF, Setup((2,), 1)], ids=["eager", "graphs"])
def test_every_process_is_watched(setup: Setup) -> None:
    """The largest item first: places by rank, and two collectives of one size on each; all have the same values."""
    with _session(ranks=4, setup=setup) as session:
        answers = session.encode(ITEMS)
    assert [answer.encoded for answer in answers] == [(1,), (2,), (0,), ()]
    headers = SeenCollective("all_gather", (8,), "int64", 64)
    rows = SeenCollective("all_gather", (4, TOY.width), "float32", 4 * TOY.width * 4)
    assert [answer.collectives for answer in answers] == [(headers, rows)] * 4
    first, *others = [torch.cat(list(answer.outputs or ())) for answer in answers]
    assert first.shape == (7, TOY.width)
    assert all(torch.equal(first, other) for other in others)


def test_failures_come_back_as_words_but_for_the_planted_one() -> None:
    """The next batch is right, and only batches that were encoded are held."""
    with _session() as session:
        answers = session.encode(ITEMS, Plant(1))
        after = session.encode(ITEMS[:1])
        first, second = (session.held(batch) for batch in (0, 1))
    assert _errors(answers) == [RankRaised, Disturbance]
    assert "RankFailed: rank 1 could not encode" in str(answers[0].error)
    assert [answer.error for answer in after] == [None, None]
    assert [answer.outputs for answer in first] == [None, None]
    assert [len(answer.outputs or ()) for answer in second] == [1, 1]


def test_one_process_writes_for_itself_alone() -> None:
    """Its results are what it wrote, those of the other one what they were."""
    with _session() as session:
        before = session.encode(ITEMS)
        after = session.mark(0, rank=1)
    mine, theirs = (list(after[rank].outputs or ()) for rank in (1, 0))
    assert [bool((output == place).all()) for place, output in enumerate(mine)] == [True] * 3
    assert all(torch.equal(one, other) for one, other in zip(theirs, before[0].outputs or (), strict=True))


@pytest.mark.parametrize("at", STAGES)
@pytest.mark.parametrize("what", ["dies", "hangs"])
def test_an_end_is_told(what: PlantKind, at: Stage) -> None:
    """On its rank as what it was, on the other one as what the collective raised; soon, and in the batch after too."""
    with _session() as session:
        assert _errors(session.encode(ITEMS)) == [type(None)] * 2
        begun = time.monotonic()
        answers = session.encode(ITEMS, Plant(0, 1, what, at))
        assert time.monotonic() - begun < 8.0
        again = session.encode(ITEMS)
    assert _errors(answers) == [RankGone if what == "dies" else TimeoutError, RankRaised]
    assert [answer.stuck for answer in answers] == [what == "hangs", False]
    assert "was ended by SIGKILL" in str(answers[0].error) or what == "hangs"
    assert len(answers[1].collectives) == (2 if at == "between" else 1)
    assert again[0] == answers[0]
    assert again[1].error is not None


def test_a_place_that_is_not_reached_ends_nobody() -> None:
    """A rank without items does not come to its encoder."""
    with _session() as session:
        answers = session.encode(ITEMS[:1], Plant(1, 0, "hangs"))
    assert _errors(answers) == [type(None)] * 2


def test_ranks_in_threads_do_not_die() -> None:
    """The process would be that of the law: it is refused before anything happens."""
    session = ReferenceSubject().start_ranks(TOY, OFF, 2)
    with pytest.raises(AdapterBroken, match="ask for rank_processes"):
        session.encode(ITEMS, Plant(1, 0, "dies"))
    session.close()


def test_a_refusal_is_one() -> None:
    """In the words of the reference, and no process is left."""
    offspring = Offspring()
    with pytest.raises(Refused, match="budget"):
        ReferenceSubject().start_rank_processes(TOY, Setup((-1,), 1), 2)
    assert offspring.left(seconds=0.0) == set()


def _dies_at_the_door(place: Place, _device: torch.device, **_: float) -> Group:
    if place.rank:
        os._exit(3)
    raise RuntimeError("nobody came")


def test_a_start_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The death explains more than what it lets the other rank raise; the folder of the meeting is gone too."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    offspring = Offspring()
    with pytest.raises(RuntimeError, match="rank 1 did not start: ended with exit status 3"):
        ReferenceSubject(parts=Parts(sharding=ShardingParts(join=_dies_at_the_door))).start_rank_processes(TOY, OFF, 2)
    assert offspring.left(seconds=0.0) == set()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda how: how.name)
def test_ranks_end_with_a_run_that_is_interrupted(
    how: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One rank hangs and the others wait for it in a collective, when the process of the law is told to end."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def law() -> None:
        with guarded(ReferenceSubject()).rank_processes("toy", OFF, 4) as session:
            (tmp_path / "process").write_text(str(os.getpid()))
            session.answers(ITEMS, Plant(2, 0, "hangs", "between"))

    offspring = Offspring()
    with working(law, folder=tmp_path / "nothing") as worker:
        assert wait_until((tmp_path / "process").exists)
        assert len(offspring.note()) == 5
        assert not worker.wait(0.5)
        law_process = int((tmp_path / "process").read_text())
        os.kill(law_process, how)
        # It is a child of this one, which asks for it below.
        assert wait_until(lambda: {each.number for each in offspring.left(seconds=0.0)} <= {law_process})
    assert offspring.left(seconds=0.0) == set()
