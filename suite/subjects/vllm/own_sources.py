"""Which towers of the zoo a release has as models of its own, told from its source without importing it."""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from suite.subjects.vllm.engine import part

PROTOCOL_NAME = "SupportsEncoderCudaGraph"
MODELS = "vllm.model_executor.models"
ABSENT = ("torchvision",)
"""Packages that models import and that no encoder needs: their processors of images do."""


@dataclass(frozen=True)
class OwnClasses:
    """Where the engine keeps its own form of a tower of the zoo."""

    family: str
    module: str
    """Name of the file, without its ending."""
    model: str
    """The class that may declare the protocol."""
    tower: str
    """The class of its vision tower."""


OWN = (
    OwnClasses("qwen2_vl", "qwen2_vl", "Qwen2VLForConditionalGeneration", "Qwen2VisionTransformer"),
    OwnClasses("qwen2_5_vl", "qwen2_5_vl", "Qwen2_5_VLForConditionalGeneration", "Qwen2_5_VisionTransformer"),
    OwnClasses("qwen3_vl", "qwen3_vl", "Qwen3VLForConditionalGeneration", "Qwen3_VisionTransformer"),
    OwnClasses("glm4v", "glm4_1v", "Glm4vForConditionalGeneration", "Glm4vVisionTransformer"),
)
"""In the order of the zoo's families."""


def declared(folder: Path) -> tuple[OwnClasses, ...]:
    """Those whose class names the protocol among its bases, in the files of a folder."""
    return tuple(own for own in OWN if _declares(folder / f"{own.module}.py", own.model))


def _declares(file: Path, model: str) -> bool:
    if not file.is_file():
        return False
    return any(
        isinstance(node, ast.ClassDef)
        and node.name == model
        and any(isinstance(base, ast.Name) and base.id == PROTOCOL_NAME for base in node.bases)
        for node in ast.parse(file.read_text(encoding="utf-8")).body
    )


def imported_module(own: OwnClasses) -> ModuleType:
    """The engine's file, imported with stand-ins for packages that its processors of images want.

    Raises:
        EngineMissing: something else that it imports is not there.
    """
    with stand_ins(ABSENT):
        return part(f"{MODELS}.{own.module}")


@contextmanager
def stand_ins(packages: Sequence[str]) -> Iterator[None]:
    """Packages of these names can be imported until the block ends; one that is installed is left alone.

    Whatever is asked of a stand-in is an empty class. Afterwards no stand-in is found by an import any more.
    """
    finder = _StandIns([name for name in packages if importlib.util.find_spec(name) is None])
    sys.meta_path.append(finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name, module in sys.modules.items() if isinstance(module, _StandIn)]:
            del sys.modules[name]


class _StandIn(ModuleType):
    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


class _StandIns:
    """A finder and loader of stand-ins and of all modules within them."""

    def __init__(self, packages: Sequence[str]) -> None:
        self._packages = packages

    def find_spec(self, name: str, *_rest: object) -> importlib.machinery.ModuleSpec | None:
        """One for each name within the packages."""
        if name.split(".")[0] not in self._packages:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type]  # has both methods

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """Empty."""
        return _StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is left to do."""
