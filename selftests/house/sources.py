"""Python files of the project, and what they import, read by `ast` alone: nothing is executed."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOPS = ("models", "reports", "reference", "suite", "benchmarks", "selftests")


BY_NAME = "a file by its name"
"""Stands for what `importlib.import_module` imports, which cannot be known without running it."""


@dataclass(frozen=True)
class Import:
    """One import: who, what, where, and whether it stands at the top of its file."""

    importer: str
    """Dotted name of the file."""
    imported: str
    """Dotted name of a file of the project, or the first part of a third-party name."""
    line: int
    at_top: bool

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.imported}"


def python_files(root: Path) -> list[Path]:
    """Every Python file of the project's folders, sorted; `conftest.py` too."""
    found = [path for top in TOPS for path in sorted((root / top).rglob("*.py"))]
    return [*found, *sorted(root.glob("*.py"))]


def module_name(path: Path, root: Path) -> str:
    """The dotted name under which a file is imported."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of a file, read once."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imports(root: Path) -> list[Import]:
    """Every import of every file that is not of the standard library."""
    files = python_files(root)
    known = {module_name(path, root) for path in files}
    return [found for path in files for found in _imports_of(path, root, known)]


def _imports_of(path: Path, root: Path, known: set[str]) -> Iterator[Import]:
    tree = parsed(path)
    top = _top_level(tree)
    for node in ast.walk(tree):
        for name in _names(node, known):
            if name == BY_NAME or name.partition(".")[0] not in sys.stdlib_module_names:
                yield Import(module_name(path, root), name, getattr(node, "lineno", 0), node in top)


def _top_level(tree: ast.Module) -> set[ast.AST]:
    """Statements of the file itself, those for type checkers only included."""
    guarded = [child for node in tree.body if isinstance(node, ast.If) for child in node.body]
    return {*tree.body, *guarded}


def _names(node: ast.AST, known: set[str]) -> list[str]:
    if isinstance(node, ast.Import):
        return [_shortened(alias.name, known) for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        return sorted({_shortened(f"{module}.{alias.name}", known) for alias in node.names})
    if isinstance(node, ast.Call) and ast.unparse(node.func) in ("importlib.import_module", "__import__"):
        return [BY_NAME]
    return []


def _shortened(name: str, known: set[str]) -> str:
    """The file that a dotted name leads to; of a third-party name the first part."""
    while name and name not in known:
        shorter, _, _ = name.rpartition(".")
        if not shorter:
            return name
        name = shorter
    return name


def cycle(edges: dict[str, set[str]]) -> list[str] | None:
    """Some cycle of a graph, as the names along it; None if there is none."""
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str] | None:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return None
        found = next((hit for each in sorted(edges.get(name, ())) if (hit := visit(each, [*path, name]))), None)
        done.add(name)
        return found

    return next((hit for name in sorted(edges) if (hit := visit(name, []))), None)
