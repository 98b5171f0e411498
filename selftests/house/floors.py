"""The table of floors (DESIGN), as data, and the imports that break it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from selftests.house.sources import TOPS, Import


@dataclass(frozen=True)
class Room:
    """A folder, and what its files may import besides the standard library and each other."""

    floor: int
    ours: tuple[str, ...] = ()
    """Files of the project (`models.api`), or folders with all that is in them (`models.towers.*`)."""
    others: tuple[str, ...] = ()
    """Third-party packages."""


SHAPES = ("models.api", "models.families")
PROGRAMS = ("models.programs.*",)
TREES = ("models.class_trees", "models.class_trees.*")
WHOLE = ("models.whole", "models.whole.*")
TOWERS = ("models.attention", "models.encoder", "models.towers.*")
CONTRACT = ("suite.contract.*",)
REPORTS = ("reports.*",)

ROOMS: dict[str, Room] = {
    "models": Room(0, others=("torch", "transformers", "PIL")),
    "reports": Room(0, others=("jinja2", "markupsafe")),
    "reference": Room(1, ours=("models", "models.api"), others=("torch", "transformers", "sympy")),
    "suite": Room(0),
    "suite.contract": Room(1, ours=("models.api",), others=("torch",)),
    "suite.emulator": Room(1, others=("torch",)),
    "suite.strategies": Room(2, ours=("models.api", *PROGRAMS, *TREES, *WHOLE, *CONTRACT), others=("hypothesis",)),
    "suite.oracles": Room(
        2,
        ours=(*SHAPES, *PROGRAMS, *TREES, *WHOLE, "models.towers.*", "models.photographs", *CONTRACT),
        others=("torch",),
    ),
    "suite.properties": Room(3, ours=("models.api", *CONTRACT, "suite.oracles.*"), others=("torch",)),
    "suite.subjects": Room(
        3,
        ours=("models", *SHAPES, *TOWERS, *PROGRAMS, *CONTRACT, "suite.emulator.*", "reference.*"),
        others=("torch", "transformers", "vllm", "sglang"),
    ),
    "suite.faults": Room(
        4,
        ours=("models.*", "reference.*", *CONTRACT, "suite.emulator.*", "suite.subjects.*"),
        others=("torch", "transformers"),
    ),
    "suite.driver": Room(
        4,
        ours=(
            *SHAPES,
            *WHOLE,
            *CONTRACT,
            "suite.strategies.*",
            "suite.oracles.*",
            "suite.properties.*",
            "suite.subjects.*",
            "suite.faults.*",
        ),
        others=("hypothesis", "packaging", "torch"),
    ),
    "suite.witness": Room(
        5,
        ours=(*REPORTS, "suite.contract.subject", "suite.emulator.*", "suite.subjects.*"),
        others=("torch", "pytest", "vllm"),
    ),
    "suite.session": Room(
        5,
        ours=(
            *SHAPES,
            *WHOLE,
            *REPORTS,
            "reference",
            *CONTRACT,
            "suite.strategies.*",
            "suite.driver.*",
            "suite.subjects.*",
            "suite.faults.*",
        ),
        others=("pytest", "torch"),
    ),
    "suite.pytest_plugin": Room(5, ours=("suite.driver.*", "suite.session.*"), others=("pytest", "torch")),
    "suite.__main__": Room(
        5,
        ours=(
            *SHAPES,
            *REPORTS,
            *CONTRACT,
            "suite.strategies.*",
            "suite.driver.*",
            "suite.subjects.*",
            "suite.faults.*",
            "suite.session.*",
        ),
    ),
    "suite.tests": Room(5, ours=("suite.properties.*", "suite.driver.*", "suite.session.*"), others=("pytest",)),
    "selftests": Room(
        6,
        ours=tuple(f"{top}.*" for top in TOPS),
        others=("pytest", "hypothesis", "torch", "transformers", "selenium", "numpy", "sympy"),
    ),
    "benchmarks": Room(
        6, ours=tuple(f"{top}.*" for top in TOPS), others=("torch", "transformers", "hypothesis", "pytest")
    ),
    "conftest": Room(6, ours=("suite.pytest_plugin",)),
}

LAZY = {
    "models.towers": "a tower is imported when it is built: transformers takes seconds",
    "models.whole.model": "a configuration is made when it is asked for, for the same reason",
    "models.programs": "a program is imported when it is built, for the same reason",
    "reference.engine.place": "what a worker is made by is named as data, so that any process can import it",
    "suite.subjects.finding": "somebody else's subject is imported when it is asked for, by its name",
    "suite.oracles.fresh_process": "what a new process imports is what it is asked to look at",
    "suite.witness.emulated_platform": "the engine is imported once pytest runs its tests",
    "suite.subjects.vllm.loading": "the engine's Transformers backend is imported when a model is to be loaded",
    "suite.subjects.vllm.decorator": "the engine's compilation is imported when a class is to be decorated",
    "suite.subjects.vllm.engine": "an engine is imported when it is asked for, and is not there for most",
    "reference.compilation.monitor": "depyf is optional, and heavy where it is installed",
}
"""Files that may import inside a function, each with its reason."""


def room_of(name: str) -> str:
    """The room that a file is in: the longest name in the table that it begins with."""
    fitting = [room for room in ROOMS if name == room or name.startswith(f"{room}.")]
    if not fitting:
        raise ValueError(f"{name} is in no room of the table: add its folder to ROOMS")
    return max(fitting, key=len)


def offences(found: Iterable[Import]) -> list[str]:
    """Sentences for every import that the table does not allow."""
    return [sentence for each in found for sentence in _offence(each)]


def _offence(found: Import) -> list[str]:
    home = room_of(found.importer)
    room = ROOMS[home]
    if not found.at_top and found.importer not in LAZY:
        return [f"{found} inside a function: move it to the top, or give a reason in LAZY"]
    if not found.at_top:
        return []
    if found.imported.partition(".")[0] not in TOPS:
        fine = found.imported in room.others
        return [] if fine else [f"{found}: {home} may import {', '.join(room.others) or 'the standard library alone'}"]
    target = room_of(found.imported)
    if target == home:
        return []
    if not any(_covers(pattern, found.imported) for pattern in room.ours):
        return [f"{found}: {home} may import {', '.join(room.ours) or 'its own files alone'}"]
    if ROOMS[target].floor > room.floor:
        return [f"{found}: floor {room.floor} reaches up to floor {ROOMS[target].floor}"]
    return []


def _covers(pattern: str, name: str) -> bool:
    folder = pattern.removesuffix(".*")
    return name == folder or (folder != pattern and name.startswith(f"{folder}."))
