"""What of SGLang and torch cannot exist without a GPU, and what stands in its place: the one file that says so.

The runner's file is executed as it is installed. What it imports from the rest of SGLang are stand-ins, which are
in `sys.modules` only while it is executed. `torch.cuda` is routed by `suite.emulator.shim` while a session lives.
The model around the runner, with its attention, is the zoo's: SGLang's own models are made of GPU kernels.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace

from suite.contract.subject import AdapterBroken
from suite.subjects.sglang.release import PACKAGE, REMEDY


@dataclass(frozen=True)
class Replacement:
    """One name of SGLang's that the runner imports, and what it is given."""

    module: str
    name: str
    instead: str
    because: str


REPLACEMENTS = (
    Replacement(
        "sglang.srt.layers.attention.vision",
        "VisionAttention",
        "an empty class",
        "the runner names it in annotations alone, and its file imports GPU kernels",
    ),
    Replacement(
        "sglang.srt.distributed.parallel_state",
        "get_tp_group",
        "a group of one rank, without an all-reduce of its own",
        "groups are made by an engine that starts GPUs",
    ),
    Replacement(
        "sglang.srt.runtime_context",
        "get_parallel",
        "the same group, as later releases ask for it",
        "the context is made by an engine that starts GPUs",
    ),
    Replacement(
        "sglang.srt.server_args",
        "get_global_server_args",
        "arguments that name the attention back end and nothing else",
        "releases up to 0.5.14 ask the server for it",
    ),
)
"""Everything that is replaced beside `torch.cuda`."""


class _VisionAttention:
    """Stands for SGLang's attention module."""


def _stand_ins(backend: str) -> Mapping[str, object]:
    """What stands for each replaced name."""
    group = SimpleNamespace(ca_comm=None)
    return {
        "VisionAttention": _VisionAttention,
        "get_tp_group": lambda: group,
        "get_parallel": lambda: SimpleNamespace(tp_group=group),
        "get_global_server_args": lambda: SimpleNamespace(mm_attention_backend=backend),
    }


def load_runner(file: Path, *, backend: str) -> ModuleType:
    """The runner's file, executed under a name of its own.

    Raises:
        AdapterBroken: it imports something of SGLang's that has no stand-in, or cannot be executed.
    """
    _check_imports(file)
    spec = importlib.util.spec_from_file_location(f"lockstep_{file.stem}_{backend}", file)
    if spec is None or spec.loader is None:
        raise AdapterBroken(f"{file.name} is no Python file")
    module = importlib.util.module_from_spec(spec)
    with _stubbed(backend):
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            raise AdapterBroken(f"{file.name} cannot be executed: {type(error).__name__}: {error}") from error
    return module


def _check_imports(file: Path) -> None:
    known = {(each.module, each.name) for each in REPLACEMENTS}
    strange = sorted(".".join(filter(None, pair)) for pair in _imports(file) - known)
    if strange:
        names = ", ".join(sorted(f"{module}.{name}" for module, name in known))
        raise AdapterBroken(
            f"{file.name} imports {', '.join(strange)}, for which nothing stands in; known are {names}: {REMEDY}"
        )


def _imports(file: Path) -> set[tuple[str, str]]:
    """Names that a file imports from SGLang, wherever in the file."""
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    plain = {(each.name, "") for node in nodes if isinstance(node, ast.Import) for each in node.names}
    named = {
        (node.module or "", each.name) for node in nodes if isinstance(node, ast.ImportFrom) for each in node.names
    }
    return {pair for pair in plain | named if pair[0].partition(".")[0] == PACKAGE}


@contextmanager
def _stubbed(backend: str) -> Iterator[None]:
    """The stand-ins in `sys.modules`, which is as it was afterwards."""
    stand_ins = _stand_ins(backend)
    stubs = {each.module: ModuleType(each.module) for each in REPLACEMENTS}
    for each in REPLACEMENTS:
        setattr(stubs[each.module], each.name, stand_ins[each.name])
    before = {name: sys.modules[name] for name in stubs if name in sys.modules}
    sys.modules.update(stubs)
    try:
        yield
    finally:
        for name in stubs:
            del sys.modules[name]
        sys.modules.update(before)
