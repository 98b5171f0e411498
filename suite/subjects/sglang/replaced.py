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
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import ModuleType, SimpleNamespace

from suite.contract.replacement import Replacement
from suite.contract.subject import AdapterBroken
from suite.subjects.sglang.release import PACKAGE, REMEDY

POOL = "sglang.srt.model_executor.runner_utils.pool"
UNBORROWED = "it guards what others borrow of the shared pool, and here nobody borrows"
IMPORTED = (
    Replacement(
        "sglang.srt.layers.attention.vision.VisionAttention",
        "an empty class",
        "the runner names it in annotations alone, and its file imports GPU kernels",
    ),
    Replacement(
        "sglang.srt.distributed.parallel_state.get_tp_group",
        "a group of one rank, without an all-reduce of its own",
        "groups are made by an engine that starts GPUs",
    ),
    Replacement(
        "sglang.srt.runtime_context.get_parallel",
        "the same group, as later releases ask for it",
        "the context is made by an engine that starts GPUs",
    ),
    Replacement(
        "sglang.srt.mem_cache.allocator.BaseTokenToKVPoolAllocator",
        "an empty class",
        "the cache of outputs names it in annotations alone, and its package imports GPU kernels",
    ),
    Replacement(
        "sglang.srt.server_args.get_global_server_args",
        "arguments that name the attention back end and nothing else",
        "releases up to 0.5.14 ask the server for it",
    ),
    Replacement(
        f"{POOL}.get_or_create_global_graph_memory_pool",
        "a pool of the runner's own",
        "the pool is shared with the language model's graphs, and an engine that starts GPUs keeps it",
    ),
    Replacement(f"{POOL}.graph_pool_capture_scope", "nothing", UNBORROWED),
    Replacement(f"{POOL}.graph_pool_replay_scope", "nothing", UNBORROWED),
)
"""Names that the runners' files import from SGLang."""
MODEL = Replacement(
    "the model around the runner, with its attention",
    "a tower of the zoo, called as SGLang's towers are, whose attention writes to a workspace",
    "SGLang's own models are made of GPU kernels",
)
ROUTED = Replacement("torch.cuda", "the emulator", "there is no GPU; put back when a session ends")
REPLACEMENTS = (*IMPORTED, MODEL, ROUTED)
"""All that is replaced on the emulator; on a GPU `torch.cuda` is itself. Everything else is the release."""


class _VisionAttention:
    """Stands for SGLang's attention module."""


class _Allocator:
    """Stands for SGLang's allocator of slots for keys and values."""


def _stand_ins(backend: str) -> Mapping[str, object]:
    """What stands for each replaced name."""
    group = SimpleNamespace(ca_comm=None)
    return {
        "VisionAttention": _VisionAttention,
        "BaseTokenToKVPoolAllocator": _Allocator,
        "get_tp_group": lambda: group,
        "get_parallel": lambda: SimpleNamespace(tp_group=group),
        "get_global_server_args": lambda: SimpleNamespace(mm_attention_backend=backend),
        "get_or_create_global_graph_memory_pool": lambda device_module: device_module.graph_pool_handle(),
        "graph_pool_capture_scope": nullcontext,
        "graph_pool_replay_scope": nullcontext,
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
    with _stubbed(backend), _found(module):
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            raise AdapterBroken(f"{file.name} cannot be executed: {type(error).__name__}: {error}") from error
    return module


def _parts(each: Replacement) -> tuple[str, str]:
    """Module and name of what a file imports."""
    module, _, name = each.name.rpartition(".")
    return module, name


def _check_imports(file: Path) -> None:
    known = {_parts(each) for each in IMPORTED}
    strange = sorted(".".join(filter(None, pair)) for pair in _imports(file) - known)
    if strange:
        names = ", ".join(sorted(f"{module}.{name}" for module, name in known))
        raise AdapterBroken(
            f"{file.name} imports {', '.join(strange)}, for which nothing stands in; known are {names}: {REMEDY}"
        )


def _imports(file: Path) -> set[tuple[str, str]]:
    """Names that a file imports from SGLang, wherever in the file, but for what type checkers alone see."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    unseen = {below for each in ast.walk(tree) for below in _for_checkers(each)}
    nodes = [each for each in ast.walk(tree) if each not in unseen]
    plain = {(each.name, "") for node in nodes if isinstance(node, ast.Import) for each in node.names}
    named = {
        (node.module or "", each.name) for node in nodes if isinstance(node, ast.ImportFrom) for each in node.names
    }
    return {pair for pair in plain | named if pair[0].partition(".")[0] == PACKAGE}


def _for_checkers(node: ast.AST) -> Iterator[ast.AST]:
    """What never runs of a statement."""
    if isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}:
        for statement in node.body:
            yield from ast.walk(statement)


@contextmanager
def _found(module: ModuleType) -> Iterator[None]:
    """The module in `sys.modules`, where a dataclass looks its annotations up."""
    sys.modules[module.__name__] = module
    try:
        yield
    finally:
        del sys.modules[module.__name__]


@contextmanager
def _stubbed(backend: str) -> Iterator[None]:
    """The stand-ins in `sys.modules`, which is as it was afterwards."""
    stand_ins = _stand_ins(backend)
    places = [_parts(each) for each in IMPORTED]
    stubs = {module: ModuleType(module) for module, _ in places}
    for module, name in places:
        setattr(stubs[module], name, stand_ins[name])
    before = {name: sys.modules[name] for name in stubs if name in sys.modules}
    sys.modules.update(stubs)
    try:
        yield
    finally:
        for name in stubs:
            del sys.modules[name]
        sys.modules.update(before)
