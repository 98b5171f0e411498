"""Every kind of case survives its JSON, and what is no case is refused with its reason."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from models.api import Grid
from suite.contract.case import AnyCase, BadCase, Case, ItemSpec, Setup
from suite.contract.decorating import Options, Wishes
from suite.contract.decoration import Build, Decorate, DecorationCase, Subclass, TreeSpec, Undo
from suite.contract.decoration import Call as CallInstance
from suite.contract.engine_case import EngineCase, EngineStart, RankCompile, RankScript, Trouble
from suite.contract.kept_case import KeptCase, Step
from suite.contract.kinds import READERS, read_case
from suite.contract.loading import LoadCase, ModelLoad, ModelSpec
from suite.contract.program import Call, CompileSetup, ProgramCase, ProgramSpec, Start
from suite.contract.shard_case import Plant, ShardCase
from suite.contract.startup_case import Failing, ScriptedStart, StartupCase
from suite.contract.timeline import Compile, Timeline

LOADED = Compile("load", "language_model", steps=(4, Compile("jit", fails=True, caught=False, first_run=2), 1))
STARTED = Start(
    ProgramSpec("toy", scale=2.0, optional=True, environment="a"),
    CompileSetup(split=True, ranges=(8, 64), instances=2),
    (Call((1, 2), seed=3), Call((), instance=1)),
    damage="garbage",
)
LOAD = ModelLoad(ModelSpec("llava", layers=1, rope="none"), Wishes("stock", encoder=True), (3, 1), seed=2)
STEPS = (
    Decorate("Root", Options("language_model", explicit=True, enabled=False), absent=True),
    Build("Root", compiling=False, seed=-1),
    CallInstance(0, rows=1, seed=2, form="mixed", fails=True),
    Subclass("Root"),
    Undo("Root"),
)
RANK = {"compiles": [], "build": 0, "other": 0, "mode": "full", "trouble": None, "has_child": False}
BATCH = (ItemSpec(Grid(1, 2, 2)), ItemSpec(Grid(1, 4, 2), seed=1))
SAID = ScriptedStart(2_000_000, 900_000, 5_000, 1, compiles=2, loads=1)
SCRIPT = RankScript(
    (RankCompile("encoder", 5), RankCompile("language_model", 7, "capture")),
    1,
    2,
    "none",
    Trouble("dies", "build"),
    True,
)
KINDS: dict[str, AnyCase] = {
    "plain": Case("toy", history=((ItemSpec(Grid(1, 2, 2)),),)),
    "timeline": Timeline("toy", modes=("full", "none"), threads=((LOADED,), ()), turns=(1, 0)),
    "load": LoadCase("toy", (LOAD, ModelLoad(ModelSpec("gpt2")))),
    "decoration": DecorationCase("toy", TreeSpec(1, "super", "future", ("hooks",)), Wishes("stock"), STEPS),
    "shards": ShardCase("toy", 3, Setup((4, 8), 2), (BATCH, (), BATCH), Plant(2, 1, "width")),
    "startup": StartupCase(
        "toy", (SAID, SAID), SAID, (SAID,), Failing(1, "dies"), full=2, processes=True, encoder=False
    ),
    "engine": EngineCase("toy", (EngineStart((SCRIPT, RankScript())), EngineStart((), 3)), in_processes=True),
    "kept": KeptCase("toy", 5, Setup((4,), 1), (Step("keep", BATCH), Step("clear"), Step("get", BATCH[:1]))),
    "program": ProgramCase("toy", (STARTED, Start(ProgramSpec("toy")))),
}


def _data(case: AnyCase) -> Mapping[str, object]:
    data: Mapping[str, object] = json.loads(case.to_json())
    return data


@pytest.mark.parametrize("kind", KINDS)
def test_a_case_survives_its_json(kind: str) -> None:
    """What a file holds is the case that was written, of the same kind."""
    assert read_case(_data(KINDS[kind])) == KINDS[kind]


def test_every_kind_is_tried_here() -> None:
    """A new kind of case must be put into this file."""
    assert set(KINDS) == {"plain", *READERS}


@pytest.mark.parametrize("kind", READERS)
def test_the_empty_case_of_a_family_is_the_smallest(kind: str) -> None:
    """A check that dies before its first case is told with the empty one."""
    full = KINDS[kind]
    assert type(full)("toy").size() < full.size()  # type: ignore[call-arg]  # the protocol has no constructor
    assert str(full).startswith("toy: ")


@pytest.mark.parametrize("kind", READERS)
def test_a_field_too_few_is_refused(kind: str) -> None:
    """The refusal names the kind and the field."""
    data = {name: value for name, value in _data(KINDS[kind]).items() if name != "family"}
    with pytest.raises(BadCase, match=f"^not a case of kind '{kind}': KeyError: 'family'"):
        read_case(data)


@pytest.mark.parametrize("kind", READERS)
def test_a_field_too_many_is_refused(kind: str) -> None:
    """An unknown field is not dropped: a newer version may have meant something by it."""
    with pytest.raises(BadCase, match=r"is not an object with family"):
        read_case({**_data(KINDS[kind]), "more": 1})


def test_an_unknown_kind_is_refused() -> None:
    """With the kinds that there are."""
    with pytest.raises(BadCase, match=r"kind 'dream'; choose one of timeline, program"):
        read_case({"kind": "dream"})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"ranks": 9}, "ranks of the case is 9, and should be from 1 to 8"),
        (
            {"plant": {"rank": 0, "batch": 0, "what": "sleeps", "at": "before"}},
            "what of the plant is 'sleeps'; choose one of raises",
        ),
        (
            {"plant": {"rank": 0, "batch": 0, "what": "dies", "at": "noon"}},
            "at of the plant is 'noon'; choose one of before",
        ),
        ({"plant": {"rank": 0}}, "KeyError: 'batch'"),
    ],
)
def test_a_case_over_ranks_has_its_limits(wrong: Mapping[str, object], said: str) -> None:
    """The refusal names the value and the valid ones."""
    with pytest.raises(BadCase, match=said):
        read_case({**_data(KINDS["shards"]), **wrong})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"cold": []}, "cold of the case has 0 starts, and should have from 1 to 16"),
        ({"warm": [vars(SAID)] * 17}, "warm of the case has 17 starts, and should have from 1 to 16"),
        ({"fill": {**vars(SAID), "init": -1}}, "init of the start is -1, and should be 0 or more"),
        ({"fill": {**vars(SAID), "init": 0.5}}, "init of the start is 0.5"),
        ({"failing": {"start": 1, "how": "sleeps"}}, "how of the failing start is 'sleeps'; choose one of raises"),
    ],
)
def test_a_run_of_starts_has_its_limits(wrong: Mapping[str, object], said: str) -> None:
    """The refusal names the value and the valid ones."""
    with pytest.raises(BadCase, match=said):
        read_case({**_data(KINDS["startup"]), **wrong})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"ranks": [{}]}, "KeyError: 'compiles'"),
        ({"ranks": [RANK] * 9}, "a start has 9 ranks, and should have up to 8"),
        ({"ranks": [{**RANK, "build": -1}]}, "build of the rank is -1: work of less than nothing"),
        ({"ranks": [{**RANK, "mode": "fast"}]}, "mode of the rank is 'fast'; choose one of none, stock, full"),
        ({"limit": 61}, "limit of a start is 61, and should be from 1 to 60 s"),
        (
            {"ranks": [{**RANK, "trouble": {"what": "sleeps", "stage": "build"}}]},
            "what of the trouble is 'sleeps'; choose one of raises, exits",
        ),
    ],
)
def test_a_start_of_an_engine_has_its_limits(wrong: Mapping[str, object], said: str) -> None:
    """The refusal names the value and the valid ones."""
    start = {"ranks": [RANK], "limit": 5, **wrong}
    with pytest.raises(BadCase, match=said):
        read_case({**_data(KINDS["engine"]), "starts": [start]})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"capacity": -1}, "capacity of the case is -1, and should be 0 or more"),
        ({"steps": [{"does": "steal", "batch": []}]}, "does of the step is 'steal'; choose one of keep, encode"),
        ({"steps": [{"does": "clear"}]}, "KeyError: 'batch'"),
    ],
)
def test_a_history_of_a_cache_has_its_limits(wrong: Mapping[str, object], said: str) -> None:
    """The refusal names the value and the valid ones."""
    with pytest.raises(BadCase, match=said):
        read_case({**_data(KINDS["kept"]), **wrong})
