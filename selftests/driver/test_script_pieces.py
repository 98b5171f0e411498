"""Pieces of scripts that answers say nothing about: each tells a broken implementation from a sound one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from models.api import Family, Grid
from selftests.driver.test_script import run_script
from selftests.subjects.invented_vllm import engine
from selftests.subjects.strange_adapters import Honest
from suite.contract.case import AnyCase, BadCase, Case, ItemSpec, Setup
from suite.contract.scripting import ScriptPart
from suite.contract.shard_case import Plant, ShardCase
from suite.driver.script import NoScript, script_of
from suite.driver.script_pieces import PIECES
from suite.driver.ticket import Ticket
from suite.subjects.vllm.dialect import AXES
from suite.subjects.vllm.subject import VllmSubject

SMALL, OTHER = ItemSpec(Grid(1, 2, 2)), ItemSpec(Grid(1, 2, 2), seed=10)
HISTORY = Case("toy", Setup(budgets=(2,)), ((SMALL,), (OTHER,)))
RANKS = ShardCase("toy", 2, Setup(), ((SMALL,), (SMALL, OTHER)), Plant(1, batch=1))
REFUSED, LADDER = "configuration/bad-values-are-refused", "configuration/ladder-is-sound"
FIT, COLD = "configuration/items-fit-the-smallest-budget", "capture/warmed-up-first"
MEMORY, FAILURE = "capture/memory-is-bounded", "sharding/failure-is-told-on-every-rank"


@dataclass(frozen=True)
class Scripted(Honest):
    """An adapter whose part of a script is given."""

    part: ScriptPart

    def script(self, family: Family, setup: Setup) -> ScriptPart:
        """The part."""
        return self.part

    def script_over_ranks(self, family: Family, setup: Setup, ranks: int) -> ScriptPart:
        """The same."""
        return self.part


def _ticket(law: str, case: AnyCase) -> Ticket:
    return Ticket(law, "engine:Scripted", "", "emulator", case)


def _configured(*lines: str, bounds: str = "") -> ScriptPart:
    tells = {"bounds": bounds} if bounds else {}
    return ScriptPart((), lines, configures=len(lines), refusals=("ValueError",), tells=tells)


def _counting(name: str, expression: str) -> ScriptPart:
    """A part that counts how often it encoded, as `calls`."""
    return ScriptPart((), ("calls = []", "def encode(items):", "    calls.append(items)"), tells={name: expression})


def _on_ranks(*answers: str) -> ScriptPart:
    """A part whose ranks answer so when something is planted, and well when nothing is."""
    lines = (
        "def encode_on_ranks(items, plant):",
        f"    return [{', '.join(answers)}] if plant else [RankAnswer()] * 2",
    )
    return ScriptPart(("from suite.contract.sharding import RankAnswer, SeenCollective",), lines)


MINE = "RankAnswer(error=subject.Disturbance(), encoded=(1,))"
NAMES = "RankAnswer(error=OSError('ranks 0, 1 failed'))"
GATHERED = "RankAnswer(error=OSError('rank 1'), collectives=(SeenCollective('all_gather', (1,), 'float32', 4),))"
TAKEN = Case("toy", Setup(max_items=-3))
CASES: dict[str, tuple[str, AnyCase, ScriptPart, int, str]] = {
    "taken": (REFUSED, TAKEN, _configured("pass"), 1, "expected: refused, naming one of ['-3']\nactual: accepted\n"),
    "refused": (REFUSED, TAKEN, _configured("raise ValueError('-3 items')"), 0, "actual: refused with: -3 items\n"),
    "refused without the value": (REFUSED, TAKEN, _configured("raise ValueError('-30 items')"), 1, "with: -30 items"),
    "a budget twice": (
        LADDER,
        Case("toy", Setup(budgets=(1, 1))),
        _configured("pass", bounds="((1, 1), 1, 8)"),
        1,
        "budgets, items, frames: expected ((1,), None, None) (None: anything), actual ((1, 1), 1, 8)\n",
    ),
    "a limit replaced": (
        LADDER,
        Case("toy", Setup(budgets=(4,), max_items=2)),
        _configured("pass", bounds="([4], 1, None)"),
        1,
        "expected ((4,), 2, None) (None: anything), actual ((4,), 1, None)",
    ),
    "a sound ladder": (
        LADDER,
        Case("toy", Setup(budgets=(4, 2), max_items=2, max_frames=3)),
        _configured("pass", bounds="([2, 4], 2, 3)"),
        0,
        "actual ((2, 4), 2, 3)",
    ),
    "a refused ladder": (
        LADDER,
        Case("toy", Setup(budgets=(4, 2))),
        _configured("raise ValueError('sort them')", bounds="never"),
        0,
        "Refused, which is right too: sort them\n",
    ),
    "too many items": (FIT, HISTORY, _configured("pass", bounds="((2, 8), 8, None)"), 1, "actual: at most 8 items"),
    "items that fit": (FIT, HISTORY, _configured("pass", bounds="((2, 8), 2, None)"), 0, "expected: from 1 to 2 items"),
    "no items": (FIT, HISTORY, _configured("pass", bounds="((2, 8), 0, None)"), 1, "actual: at most 0 items"),
    "cold": (COLD, HISTORY, _counting("cold", "[f'part {len(each)}' for each in calls]"), 1, "2 had not: part 1; part"),
    "warm": (COLD, HISTORY, _counting("cold", "[]"), 0, "actual: 0 had not: \n"),
    "growing": (MEMORY, HISTORY, _counting("held", "(1, len(calls))"), 1, "[(1, 2), (1, 4), (1, 6), (1, 8), (1, 10)]"),
    "more graphs": (MEMORY, HISTORY, _counting("held", "(len(calls), 0)"), 1, "[(2, 0), (4, 0), (6, 0), (8, 0), (10"),
    "settled": (MEMORY, HISTORY, _counting("held", "(min(len(calls), 6), 9)"), 0, "(6, 9), (6, 9), (6, 9)]"),
    "told": (FAILURE, RANKS, _on_ranks(NAMES, MINE), 0, "Nothing is wrong."),
    "a rank waits": (
        FAILURE,
        RANKS,
        _on_ranks("RankAnswer(error=OSError('rank 1'), stuck=True)", MINE),
        1,
        "batch 1, rank 0: expected the failure or one that names rank 1, and the collectives of rank 0, actual OSErr",
    ),
    "a rank answers": (FAILURE, RANKS, _on_ranks("RankAnswer()", MINE), 1, "actual 'an answer' after []"),
    "another rank is named": (FAILURE, RANKS, _on_ranks("RankAnswer(error=OSError('rank 11'))", MINE), 1, "'rank 11'"),
    "other collectives": (FAILURE, RANKS, _on_ranks(GATHERED, MINE), 1, "batch 1, rank 1: expected"),
    "nothing was planted": (
        FAILURE,
        RANKS,
        _on_ranks(NAMES, "RankAnswer(encoded=())"),
        1,
        "expected an answer, actual",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_script_shows_it(name: str) -> None:
    """Status 1 and both sides if the law is violated, 0 if it holds; in no more lines than a script may have."""
    law, case, part, status, said = CASES[name]
    done = run_script(script_of(_ticket(law, case), Scripted(part)))
    assert (done.returncode, done.stderr) == (status, ""), done.stdout
    assert said in done.stdout


def test_every_piece_is_shown_both_ways() -> None:
    """Once broken and once sound; the two laws over ranks share a piece."""
    shown = {(law, status) for law, _, _, status, _ in CASES.values()}
    for law in PIECES.keys() - {"sharding/unequal-outputs-are-refused"}:
        assert {(law, 0), (law, 1)} <= shown, law


def test_what_the_adapter_does_not_tell_is_named() -> None:
    """With where it is described; so is a case of which a piece can show nothing."""
    with pytest.raises(
        NoScript, match=r"does not tell bounds, configures in its scripts, and configuration/ladder-is-"
    ):
        script_of(_ticket(LADDER, HISTORY), Scripted(ScriptPart((), ())))
    with pytest.raises(
        NoScript, match=r"give its adapter a method `script_over_ranks` \(suite/contract/scripting.py\)"
    ):
        script_of(_ticket(FAILURE, RANKS), Honest())
    inferred = _ticket(LADDER, replace(HISTORY, setup=Setup()))
    with pytest.raises(BadCase, match="this one is inferred: replay the case"):
        script_of(inferred, Scripted(_configured("pass", bounds="x")))
    with pytest.raises(BadCase, match="in this case nothing fails: replay it"):
        script_of(_ticket(FAILURE, replace(RANKS, plant=None)), Scripted(_on_ranks()))


@pytest.mark.parametrize(
    ("law", "setup"),
    [
        ("fallback/video-can-be-off", Setup(budgets=(2,), max_frames=0)),
        ("configuration/off-changes-nothing", Setup(budgets=(2,), enabled=False)),
        ("values/replay-equals-eager", Setup(budgets=(2,))),
    ],
)
def test_a_law_that_starts_otherwise_is_followed(law: str, setup: Setup) -> None:
    """The setup in the script is the one in which the law starts."""
    text = script_of(_ticket(law, HISTORY), VllmSubject(engine(AXES)))
    assert f"config.config_of({setup!r}, FAMILY, vllm)" in text
