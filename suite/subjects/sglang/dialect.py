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
"""Those without a bound: every layout is captured when it first comes."""
BOUNDED = RunnerFile(
    "srt/multimodal/kimi_k3_vit_cuda_graph_runner.py",
    "KimiK3ViTCudaGraphRunner",
    frozenset({"pixel_values", "grid_thws", "grid_thw_list"}),
    ("kimi_k25",),
)
"""Whole towers, one graph for each list of grids that comes often enough, up to a number of graphs."""


@dataclass(frozen=True)
class Limits:
    """What a user sets of a bounded runner; the values here are what releases set."""

    capacity: int = 2
    """Graphs that it keeps at most; further layouts stay eager."""
    min_hits: int = 2
    """Which batch of one layout is captured, counted from 1."""


@dataclass(frozen=True)
class Dialect:
    """One form of a runner."""

    runner: type[Any]
    """Makes a runner for a tower. Runners carry no types; What calls them knows their names."""
    takes_layout_key: bool = False
    """Whether the model names the layout of a batch from what the host knows (0.5.19 and later)."""
    limits: Limits | None = None
    """What a bounded runner is made with."""


Dialects = Mapping[RunnerFile, Dialect]


def dialect_of(module: ModuleType, file: RunnerFile, *, limits: Limits | None = None) -> Dialect:
    """The dialect of a loaded file; without limits a bounded runner has those of the releases.

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
    return Dialect(runner, LAYOUT_KEY in parameters, limits or (Limits() if file is BOUNDED else None))
