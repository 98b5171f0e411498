"""Hard limits of the house: sizes, docstrings, words that must not occur, and imports without a warning."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from selftests.house.sources import ROOT, module_name, parsed, python_files

MOST_LINES = 400
WANTED_LINES = 300
MOST_FUNCTION_LINES = 60
LONG_FILES: frozenset[str] = frozenset()
"""Files above 300 lines, each known and on its way to be cut."""

FILES = python_files(ROOT)
ONE_LINE = ROOT / "conftest.py"
"""Names the plugin and says nothing else."""
NAMES = [module_name(path, ROOT) for path in FILES]
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def _definitions(body: list[ast.stmt], *, inside: str = "") -> Iterator[tuple[str, Definition]]:
    """Functions, classes and methods with their dotted names; not those inside functions."""
    for node in body:
        if isinstance(node, Definition):
            yield f"{inside}{node.name}", node
        if isinstance(node, ast.ClassDef):
            yield from _definitions(node.body, inside=f"{inside}{node.name}.")
        if isinstance(node, ast.If):
            yield from _definitions([*node.body, *node.orelse], inside=inside)


def undocumented(tree: ast.Module) -> list[str]:
    """Public functions, classes and methods without a docstring; overloads need none."""
    return [
        name
        for name, node in _definitions(tree.body)
        if not any(part.startswith("_") for part in name.split("."))
        and ast.get_docstring(node) is None
        and not any("overload" in ast.unparse(mark) for mark in node.decorator_list)
        and not any(ast.unparse(mark).endswith(".setter") for mark in node.decorator_list)
    ]


def too_long(tree: ast.Module) -> list[str]:
    """Functions of more than 60 lines."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [
        f"{node.name} has {length} lines"
        for node in functions
        if (length := (node.end_lineno or 0) - node.lineno + 1) > MOST_FUNCTION_LINES
    ]


FORBIDDEN = {
    re.compile(r"\bTO" + r"DO\b|\bFIX" + r"ME\b"): "work that is not done belongs in an issue",
    re.compile(r"\bmark\.(xfail|skip|skipif)\b|\bpytest\.(xfail|skip|importorskip)\("): "a known failure is data",
    re.compile(r"\bprint\(.*#|breakpoint\(\)"): "left over from a hunt",
}


def forbidden(text: str) -> list[str]:
    """What stands in a file and must not, with the reason."""
    return [f"{hit.group()}: {why}" for pattern, why in FORBIDDEN.items() for hit in pattern.finditer(text)]


def test_files_are_short() -> None:
    """No file has more than 400 lines, and those above 300 are named."""
    lengths = {
        name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in zip(NAMES, FILES, strict=True)
    }
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}
    assert {name for name, lines in lengths.items() if lines > WANTED_LINES} == LONG_FILES


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_file_is_in_style(path: Path) -> None:
    """A docstring for the file, every public name and every test; short functions; no forbidden words."""
    tree = parsed(path)
    assert ast.get_docstring(tree) is not None or path == ONE_LINE or not tree.body, "the file has no docstring"
    assert undocumented(tree) == []
    assert too_long(tree) == []
    assert forbidden(path.read_text(encoding="utf-8")) == []


def test_every_file_imports_without_a_warning() -> None:
    """All files but tests and command lines, in one fresh interpreter that turns warnings into errors."""
    tests = re.compile(r"^selftests|\.test_\w+$|\.?conftest$|\.__main__$")
    names = [name for name in NAMES if not tests.search(name)]
    code = f"import importlib\nfor name in {names!r}:\n    importlib.import_module(name)"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]


SAMPLE = '''
def public():
    pass

def _private():
    pass

class Public:
    """Documented."""

    def method(self):
        pass

    def _hidden(self):
        pass

    def __len__(self):
        def inner():
            pass
'''


def test_a_missing_docstring_is_found() -> None:
    """A function, a method and a test without a docstring are found; private and inner ones need none."""
    assert undocumented(ast.parse(SAMPLE)) == ["public", "Public.method"]
    assert undocumented(ast.parse("def test_it(): pass")) == ["test_it"]


def test_a_long_function_is_found() -> None:
    """One line above the limit is found, the limit itself is not."""
    lines = ["def f():", *["    x = 1"] * (MOST_FUNCTION_LINES - 1)]
    assert too_long(ast.parse("\n".join(lines))) == []
    assert too_long(ast.parse("\n".join([*lines, "    x = 1"]))) == ["f has 61 lines"]


def test_forbidden_words_are_found() -> None:
    """Each kind is found, with its reason."""
    marks = "@pytest.mark." + "xfail\npytest." + "skip('later')\n# TO" + "DO later"
    assert [each.partition(":")[0] for each in forbidden(marks)] == [
        "TO" + "DO",
        "mark.xf" + "ail",
        "pytest.sk" + "ip(",
    ]
