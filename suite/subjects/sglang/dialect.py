"""What a release's runners look like: recognised by looking at their code, never by the version."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from suite.contract.subject import AdapterBroken
from suite.subjects.sglang.release import REMEDY

LAYOUT_KEY = "attention_layout_key"


@dataclass(frozen=True)
class RunnerFile:
    """One file of SGLang's with a runner, and what the adapter calls it with."""

    path: str
    """Below the package's folder."""
    name: str
    """Of the class."""
    takes: frozenset[str]
    """Parameters of its method `run`."""
    families: tuple[str, ...]
    """Towers of the zoo whose models SGLang hands to it."""


_OF_PATCHES = "x cu_seqlens cu_window_seqlens position_embeddings rotary_pos_emb_cos rotary_pos_emb_sin output_indices"

PATCHES = RunnerFile(
    "srt/multimodal/vit_cuda_graph_runner.py",
    "ViTCudaGraphRunner",
    frozenset(_OF_PATCHES.split()),
    ("qwen2_5_vl", "qwen3_vl"),
)
"""Rows of patches, one graph for each layout; in all releases from 0.5.7."""
TILES = RunnerFile(
    "srt/multimodal/internvl_vit_cuda_graph_runner.py", "InternViTCudaGraphRunner", frozenset({"x"}), ("internvl",)
)
"""Tiles of one size, one graph for each number of them; not in 0.5.7."""
RUNNER_FILES = (PATCHES, TILES)


@dataclass(frozen=True)
class Dialect:
    """One form of a runner."""

    runner: type[Any]
    """Makes a runner for a tower. Runners carry no types; `GraphedPatches` and `GraphedTiles` know their names."""
    takes_layout_key: bool = False
    """Whether the model names the layout of a batch from what the host knows (0.5.19 and later)."""


Dialects = Mapping[RunnerFile, Dialect]


def dialect_of(module: ModuleType, file: RunnerFile) -> Dialect:
    """The dialect of a loaded file.

    Raises:
        AdapterBroken: it has no runner, or one that is called otherwise.
    """
    runner = getattr(module, file.name, None)
    run = getattr(runner, "run", None)
    if not isinstance(runner, type) or not callable(run):
        raise AdapterBroken(f"{file.path} has no class {file.name} with a method run: {REMEDY}")
    parameters = inspect.signature(run).parameters
    missing = sorted(file.takes - parameters.keys())
    if missing:
        given = ", ".join(parameters)
        raise AdapterBroken(f"{file.name}.run takes {given}, and {', '.join(missing)} is missing: {REMEDY}")
    return Dialect(runner, LAYOUT_KEY in parameters)
