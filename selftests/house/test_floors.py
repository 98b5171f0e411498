"""Imports go down the floors of the table and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from selftests.house.floors import LAZY, ROOMS, offences, room_of
from selftests.house.sources import ROOT, TOPS, cycle, imports, module_name, python_files

FOUND = imports(ROOT)


def test_imports_keep_to_the_table() -> None:
    """Every import of every file is of its own folder or of one that the table allows."""
    assert offences(FOUND) == []


def test_there_are_no_cycles() -> None:
    """No file reaches itself through its imports."""
    edges: dict[str, set[str]] = {}
    for each in FOUND:
        edges.setdefault(each.importer, set()).add(each.imported)
    assert cycle(edges) is None


def test_the_table_itself_goes_down() -> None:
    """What a room may import lies on a lower floor, or on its own where the table says so on purpose."""
    level = {
        (room, target)
        for room, entry in ROOMS.items()
        for pattern in entry.ours
        if ROOMS[target := room_of(pattern.removesuffix(".*"))].floor >= entry.floor
    }
    sides = {pair for pair in level if pair[0] not in ("selftests", "benchmarks")}
    assert sides == {
        ("suite.driver", "suite.faults"),
        ("suite.pytest_plugin", "suite.session"),
        ("suite.__main__", "suite.session"),
        ("suite.tests", "suite.session"),
    }


def test_every_folder_is_in_the_table() -> None:
    """A new folder below `suite` needs a line of its own, and no line is left without a folder."""
    rooms = {room_of(module_name(path, ROOT)) for path in python_files(ROOT)}
    assert rooms == set(ROOMS)
    folders = {f"suite.{path.name}" for path in (ROOT / "suite").iterdir() if any(path.glob("*.py"))}
    assert folders <= set(ROOMS)


def test_reasons_are_needed() -> None:
    """Every file that may import inside a function does, and says why."""
    used = {each.importer for each in FOUND if not each.at_top}
    assert used == set(LAZY)
    assert all(LAZY.values())


def _tree(root: Path, files: dict[str, str]) -> Path:
    for top in TOPS:
        (root / top).mkdir()
        (root / top / "__init__.py").touch()
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


BAD = {
    "an oracle that asks the subject": (
        {
            "suite/oracles/values.py": "from reference.model_runner import EncoderModelRunner\n",
            "reference/model_runner.py": "",
        },
        "suite.oracles.values:1 imports reference.model_runner: suite.oracles may import models.api",
    ),
    "an oracle that asks the adapter": (
        {"suite/oracles/values.py": "import models.encoder\n", "models/encoder.py": ""},
        "suite.oracles.values:1 imports models.encoder: suite.oracles may import models.api",
    ),
    "a reference that knows the suite": (
        {"reference/runner.py": "import torch\nfrom suite.contract import case\n", "suite/contract/case.py": ""},
        "reference.runner:2 imports suite.contract.case: reference may import models, models.api",
    ),
    "a reference that reaches into the zoo": (
        {"reference/runner.py": "from models import towers\n", "models/towers.py": ""},
        "reference.runner:1 imports models.towers: reference may import models, models.api",
    ),
    "a report that needs torch": (
        {"reports/html.py": "import torch\n"},
        "reports.html:1 imports torch: reports may import jinja2, markupsafe",
    ),
    "an import inside a function": (
        {"suite/contract/case.py": "def late() -> None:\n    import torch\n"},
        "suite.contract.case:2 imports torch inside a function: move it to the top, or give a reason in LAZY",
    ),
    "an import by name": (
        {"suite/contract/case.py": "import importlib\nimportlib.import_module('reference')\n"},
        "suite.contract.case:2 imports a file by its name inside a function: move it",
    ),
    "a strategy that knows the laws": (
        {"suite/strategies/cases.py": "import suite.properties.values\n", "suite/properties/values.py": ""},
        "suite.strategies.cases:1 imports suite.properties.values: suite.strategies may import",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_import_is_found(name: str, tmp_path: Path) -> None:
    """An invented tree with one wrong import: one sentence, with the place and the choices."""
    files, sentence = BAD[name]
    found = offences(imports(_tree(tmp_path, files)))
    assert len(found) == 1
    assert found[0].startswith(sentence)


def test_a_good_tree_is_let_through(tmp_path: Path) -> None:
    """The forms that are used here: of a package, of a name in a file, of a file, for type checkers, and a future."""
    lines = [
        "from __future__ import annotations",
        "import json",
        "from typing import TYPE_CHECKING",
        "from models import build",
        "from models.api import Item",
        "from reference import other",
        "if TYPE_CHECKING:",
        "    import torch",
    ]
    files = {"reference/runner.py": "\n".join(lines), "reference/other.py": "", "models/api.py": ""}
    assert offences(imports(_tree(tmp_path, files))) == []


def test_a_cycle_is_found() -> None:
    """A cycle is given in its order; a graph that joins again without a cycle is let through."""
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"b", "d"}}) == ["b", "c", "b"]
    assert cycle({"a": {"b", "c"}, "b": {"d"}, "c": {"d"}}) is None


def test_a_folder_without_a_line_is_refused() -> None:
    """A file outside every room is an error that says what to do."""
    with pytest.raises(ValueError, match="dump is in no room of the table: add its folder to ROOMS"):
        room_of("tools.dump")
