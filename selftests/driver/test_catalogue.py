"""The catalogue is whole: laws, their sources, their inputs and their tests agree with each other."""

from __future__ import annotations

import re

import pytest

from models.families import FAMILIES
from models.whole import MODELS
from selftests.contract.invented import Behaviour, Invented
from selftests.house.sources import ROOT
from suite.contract.law import laws_of
from suite.contract.loading import LoadCase
from suite.contract.subject import Capabilities
from suite.driver.catalogue import LAWS, TOPICS, Cell, UnknownLaw, cells, law_named
from suite.driver.spaces import unserved
from suite.session.nodes import PlantedFault, subject_of
from suite.strategies.catalogue import STRATEGIES
from suite.subjects.column import Column
from suite.subjects.registry import reference_columns

IMPLEMENTED = {
    "G1",
    "G2",
    "G3",
    "G4",
    "G5",
    "G6",
    "G7",
    "G9",
    "G10",
    "G11",
    "D1",
    "D2",
    "D3",
    "D5",
    "T1",
    "T2",
    "T3",
    "T8",
    "T9",
}
SOURCE = re.compile(r"SPEC [GTDLCS]\d+|BUG-[A-Z]\d+")
NAMES = [each.name for each in FAMILIES]
ALL_COLUMNS = reference_columns("emulator")


def invented(capabilities: Capabilities) -> Invented:
    """A subject that declares these."""
    return Invented(Behaviour(), capabilities)


def test_ids_are_unique() -> None:
    """No law hides another of the same id."""
    every = [each for topic in TOPICS for each in laws_of(topic)]
    assert len(every) == len(LAWS)
    assert len({(each.topic, each.name) for each in every}) == len(every)


def test_every_file_of_properties_is_a_topic() -> None:
    """A file of laws that is not in the catalogue would never run."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "suite" / "properties").glob("*.py")}
    files = {name for name, text in texts.items() if "\n@law(" in text}
    assert {topic.__name__.rpartition(".")[2] for topic in TOPICS} == files


@pytest.mark.parametrize("law_id", LAWS)
def test_a_law_is_whole(law_id: str) -> None:
    """Its id names its file; statement, limits, sources, inputs and needs are all there and all valid."""
    each = LAWS[law_id]
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*/[a-z]+(-[a-z]+)*", each.id)
    assert each.check.__module__ == f"suite.properties.{each.topic}"
    assert each.statement.endswith(".")
    assert 20 < len(each.statement) < 200
    assert each.ignores
    assert each.source
    assert all(SOURCE.fullmatch(source) for source in each.source), each.source
    assert each.inputs in STRATEGIES
    assert all(Capabilities().has(need) in (True, False) for need in each.needs)


def test_statements_differ() -> None:
    """Two laws that say the same are one law."""
    assert len({each.statement for each in LAWS.values()}) == len(LAWS)


def test_every_requirement_has_a_law() -> None:
    """Each part of the specification that is built is cited by at least one law, and by an honest name."""
    cited = {spec for each in LAWS.values() for spec in each.spec}
    assert cited >= IMPLEMENTED


def test_every_strategy_has_a_law() -> None:
    """Inputs that no law asks for would be drawn for nobody."""
    assert {each.inputs for each in LAWS.values()} == set(STRATEGIES)


def test_every_topic_has_a_test_file() -> None:
    """One file per topic binds its laws, and no file binds a topic that does not exist."""
    files = {path.stem.removeprefix("test_") for path in (ROOT / "suite" / "tests").glob("test_*.py")}
    assert files == {each.topic for each in LAWS.values()} | {"faults"}
    for topic in files - {"faults"}:
        text = (ROOT / "suite" / "tests" / f"test_{topic}.py").read_text(encoding="utf-8")
        assert f"from suite.properties import {topic}\n" in text
        assert f"@pytest.mark.laws({topic})\ndef test_{topic}(" in text


def _all_cells() -> list[Cell]:
    return cells(LAWS.values(), families=NAMES, models=tuple(MODELS), columns=ALL_COLUMNS)


def test_every_cell_is_found_by_its_test_id() -> None:
    """A record, a plan and a crash report all name the cell by the test's id alone."""
    for cell in _all_cells():
        topic = cell.law.topic
        assert subject_of(f"suite/tests/test_{topic}.py::test_{topic}[{cell.id}]") == cell


def test_every_law_runs_somewhere() -> None:
    """On the first family and in the first column every law has its cell, and no cell is there twice."""
    found = _all_cells()
    first = {law.id: next(iter(MODELS)) if law.kind is LoadCase else "toy" for law in LAWS.values()}
    assert {cell.law.id for cell in found if (cell.family, cell.column) == (first[cell.law.id], "")} == set(LAWS)
    assert len({(cell.law.id, cell.label) for cell in found}) == len(found)


def test_a_law_for_the_toy_alone_stays_on_the_first_family() -> None:
    """With other families asked for, the first of them stands in for the toy."""
    lone = LAWS["packing/every-item-once"]
    assert not lone.everywhere
    found = cells([lone], families=["gemma3", "toy"], columns=[Column(ALL_COLUMNS[0].subject)])
    assert [cell.id for cell in found] == ["every-item-once@gemma3"]


def test_the_first_family_that_is_served_stands_in_for_the_toy() -> None:
    """A law that is held on one family alone is held where the subject can be; families not served keep their cells."""
    lone, everywhere = LAWS["staleness/long-histories"], LAWS["values/replay-equals-eager"]
    column = Column(invented(Capabilities(families=("gemma3", "llava"))))
    found = cells([lone, everywhere], families=["toy", "gemma3", "llava"], columns=[column])
    assert [cell.id for cell in found] == [
        "long-histories@gemma3",
        "replay-equals-eager@toy",
        "replay-equals-eager@gemma3",
        "replay-equals-eager@llava",
    ]
    reasons = [unserved(cell.law, cell.family, column.subject.capabilities) for cell in found]
    assert reasons == [None, "the subject serves gemma3, llava alone", None, None]


def test_served_families_say_nothing_of_whole_models() -> None:
    """A law about loading has whole models in place of towers."""
    law = next(each for each in LAWS.values() if each.kind is LoadCase)
    capabilities = Capabilities(families=("gemma3",))
    found = cells([law], families=["toy"], models=tuple(MODELS), columns=[Column(invented(capabilities))])
    assert found[0].family == next(iter(MODELS))
    assert unserved(law, found[0].family, capabilities) is None


@pytest.mark.parametrize(
    "node",
    [
        "suite/tests/test_packing.py::test_packing",
        "suite/tests/test_packing.py::test_packing[no-such-law@toy]",
        "suite/tests/test_packing.py::test_packing[every-item-once]",
        "selftests/house/test_floors.py::test_a_bad_import_is_found[an import by name]",
    ],
)
def test_other_tests_stand_for_nothing(node: str) -> None:
    """A test that is no cell is never recorded as one."""
    assert subject_of(node) is None


def test_a_fault_is_found_by_its_test_id() -> None:
    """The id of the fault is the parameter."""
    node = "suite/tests/test_faults.py::test_fault_is_caught[packing/loses-one]"
    assert subject_of(node) == PlantedFault("packing/loses-one")


def test_an_unknown_law_lists_the_valid_ids() -> None:
    """One sentence with the id and the choices."""
    with pytest.raises(UnknownLaw, match="no law 'packing/no-such': choose one of values/replay-equals-eager, "):
        law_named("packing/no-such")
