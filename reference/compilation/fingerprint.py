"""The key of one compiled piece: a hash of everything that changes its code, and of nothing else (SPEC C2).

Not in the key, on purpose: names that Dynamo gives to nodes and symbols, the first size that was seen, and parameters'
values, which are arguments. Two equal layers share a key (BUG-C10); a differing constant makes another (BUG-C06).
"""

from __future__ import annotations

import hashlib
import inspect
import json
import platform
import re
from collections.abc import Callable, Sequence
from types import BuiltinFunctionType, FunctionType, MethodDescriptorType
from typing import Any

import torch
from torch import SymBool, SymFloat, SymInt, Tensor, fx
from torch._ops import OperatorBase, OpOverloadPacket
from torch.fx.experimental.symbolic_shapes import ShapeEnv

from reference.compilation.ranges import CompileRange
from reference.compilation.splitting import attribute, example_inputs, memory_of

_SYMBOL = re.compile(r"\b([a-z]+)(\d+)\b")
PLAIN = (
    int,
    float,
    complex,
    str,
    bytes,
    bool,
    type(None),
    type(...),
    torch.dtype,
    torch.device,
    torch.layout,
    torch.memory_format,
)


class NoFingerprint(ValueError):
    """A graph with something in it whose effect on the code cannot be read off: its piece is not shared or kept."""


class Symbols:
    """Gives the symbols of a shape environment numbers in the order in which a piece shows them."""

    def __init__(self) -> None:
        self._numbers: dict[str, str] = {}

    def __call__(self, text: object) -> str:
        """A formula with its symbols renamed; `u` stays apart from `s`, because their code differs."""
        return _SYMBOL.sub(self._renamed, str(text))

    def knows(self, text: object) -> bool:
        """Whether a formula has a symbol that was shown before."""
        return any(found.group() in self._numbers for found in _SYMBOL.finditer(str(text)))

    def _renamed(self, found: re.Match[str]) -> str:
        return self._numbers.setdefault(found.group(), f"{found.group(1)}#{len(self._numbers)}")


class Fingerprint:
    """Makes keys for the pieces of one class. One method per factor, so that each can be seen to matter."""

    def __init__(self, *, component: str, class_name: str, compiler: str, options: Callable[[], str]) -> None:
        self._component = component
        self._class_name = class_name
        self._compiler = compiler
        self._options = options

    def key(self, graph: fx.GraphModule, compile_range: CompileRange) -> str:
        """Hexadecimal digest of all factors, equal in every process.

        Raises:
            NoFingerprint: something in the graph cannot be described.
        """
        facts = json.dumps(self.factors(graph, compile_range), sort_keys=True)
        return hashlib.sha256(facts.encode()).hexdigest()[:40]

    def factors(self, graph: fx.GraphModule, compile_range: CompileRange) -> dict[str, object]:
        """Everything that changes the compiled code, by name."""
        symbols = Symbols()
        return {
            "inputs": self.inputs(graph, symbols),
            "graph": self.graph(graph, symbols),
            "symbols": self.symbols(graph, symbols),
            "range": self.range(compile_range),
            "modes": self.modes(),
            "compiler": self.compiler(),
            "options": self.options(),
            "torch": self.torch(),
            "machine": self.machine(),
            "component": self.component(),
            "class_name": self.class_name(),
        }

    def inputs(self, graph: fx.GraphModule, symbols: Symbols) -> list[str]:
        """Shape, stride, dtype, device, layout and gradient of every argument, and which of them share memory."""
        storages: dict[object, int] = {}
        return [_described_input(value, symbols, storages) for value in example_inputs(graph)]

    def graph(self, graph: fx.GraphModule, symbols: Symbols) -> list[str]:
        """One line per node, with nodes by number and all constants."""
        numbers = {node: index for index, node in enumerate(graph.graph.nodes)}
        return [_described_node(node, graph, numbers, symbols) for node in graph.graph.nodes]

    def symbols(self, graph: fx.GraphModule, symbols: Symbols) -> list[str]:
        """What is known of the sizes: their bounds, and the guards and assertions that mention them."""
        environment = shape_environment(example_inputs(graph))
        if environment is None:
            return []
        guards = [guard.expr for guard in environment.guards]
        asserts = [each.expr for found in environment.deferred_runtime_asserts.values() for each in found]
        bounds = [f"{symbol} in [{bound.lower}, {bound.upper}]" for symbol, bound in environment.var_to_range.items()]
        replaced = [f"{symbol} is {other}" for symbol, other in environment.replacements.items()]
        return sorted(symbols(fact) for fact in (*bounds, *replaced, *guards, *asserts) if symbols.knows(fact))

    def range(self, compile_range: CompileRange) -> str:
        """The sizes that it is compiled for."""
        return str(compile_range)

    def modes(self) -> dict[str, str]:
        """Switches of torch that a trace reads."""
        return {
            "grad": str(torch.is_grad_enabled()),
            "inference": str(torch.is_inference_mode_enabled()),
            "autocast": ", ".join(
                f"{device} {torch.get_autocast_dtype(device)}"
                for device in ("cpu", "cuda")
                if torch.is_autocast_enabled(device)
            ),
            "default_dtype": str(torch.get_default_dtype()),
            "deterministic": str(torch.are_deterministic_algorithms_enabled()),
            "matmul_precision": torch.get_float32_matmul_precision(),
        }

    def compiler(self) -> str:
        """The name of the piece compiler."""
        return self._compiler

    def options(self) -> str:
        """The piece compiler's own settings, those that hold now: while torch traces, it has others of its own."""
        return self._options()

    def torch(self) -> str:
        """The version of torch, and its commit."""
        return f"{torch.__version__} {torch.version.git_version}"

    def machine(self) -> str:
        """Processor and instruction set, and the accelerator if there is one."""
        device = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
        return f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()} {device}"

    def component(self) -> str:
        """The part of the model: encoder or language model."""
        return self._component

    def class_name(self) -> str:
        """The class whose forward was traced."""
        return self._class_name


def shape_environment(values: Sequence[object]) -> ShapeEnv | None:
    """The shape environment of example values; None if no size is symbolic."""
    for value in values:
        if isinstance(value, SymInt):
            found: ShapeEnv = value.node.shape_env
            return found
        if isinstance(value, Tensor):
            inner = shape_environment([size for size in value.shape if isinstance(size, SymInt)])
            if inner is not None:
                return inner
    return None


def _described_input(value: object, symbols: Symbols, storages: dict[object, int]) -> str:
    if isinstance(value, SymInt | SymFloat | SymBool):
        return f"{type(value).__name__} {symbols(value.node.expr)}"
    if not isinstance(value, Tensor):
        raise NoFingerprint(f"an argument is {value!r}, neither a tensor nor a symbolic size")
    storage = storages.setdefault(memory_of(value), len(storages))
    kind = type(value).__name__ if isinstance(value, torch.nn.Parameter) else "Tensor"
    sizes = f"{symbols(list(value.shape))} {symbols(list(value.stride()))} {symbols(value.storage_offset())}"
    return f"{kind} {sizes} {value.dtype} {value.device} {value.requires_grad} memory {storage}"


def _described_node(node: fx.Node, graph: fx.GraphModule, numbers: dict[fx.Node, int], symbols: Symbols) -> str:
    if node.op == "placeholder":
        return "placeholder"
    target = str(node.target) if node.op == "call_method" else _described_target(node, graph, symbols)
    rest = [_described(value, numbers, symbols) for value in (node.args, node.kwargs)]
    return " ".join((node.op, target, *rest))


def _described_target(node: fx.Node, graph: fx.GraphModule, symbols: Symbols) -> str:
    if node.op == "output":
        return ""
    if node.op == "get_attr":
        inner = attribute(graph, str(node.target))
        if isinstance(inner, fx.GraphModule):
            numbers = {each: index for index, each in enumerate(inner.graph.nodes)}
            return repr([_described_node(each, inner, numbers, symbols) for each in inner.graph.nodes])
    if node.op == "call_function" and callable(node.target):
        return _described_function(node.target)
    raise NoFingerprint(f"{node.format_node()} reads something that is not an argument")


def _described_function(function: Callable[..., Any]) -> str:
    """An operation or a function of torch by its name; another Python function with its source too."""
    name = getattr(function, "__qualname__", None) or getattr(function, "__name__", None) or str(function)
    module = getattr(function, "__module__", None) or ""
    if isinstance(function, OperatorBase | OpOverloadPacket):
        return f"operation {function}"
    if isinstance(function, BuiltinFunctionType | MethodDescriptorType) or module.split(".")[0] in ("torch", "math"):
        return f"{module}.{name}"
    if not isinstance(function, FunctionType) or function.__closure__:
        raise NoFingerprint(f"{function!r} has values of its own, which cannot be read")
    try:
        source = inspect.getsource(function)
    except OSError as why:
        raise NoFingerprint(f"the source of {function!r} cannot be read") from why
    return f"{module}.{name} {hashlib.sha256(source.encode()).hexdigest()}"


def _described(value: object, numbers: dict[fx.Node, int], symbols: Symbols) -> str:
    if isinstance(value, fx.Node):
        return f"%{numbers[value]}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_described(each, numbers, symbols)}" for key, each in value.items()) + "}"
    if isinstance(value, tuple | list):
        inner = ", ".join(_described(each, numbers, symbols) for each in value)
        return f"{type(value).__name__}({inner})"
    if isinstance(value, slice):
        return f"slice{_described((value.start, value.stop, value.step), numbers, symbols)}"
    if isinstance(value, SymInt | SymFloat | SymBool):
        return f"{type(value).__name__} {symbols(value.node.expr)}"
    if isinstance(value, PLAIN):
        return f"{type(value).__name__} {value!r}"
    if callable(value):
        return _described_function(value)
    raise NoFingerprint(f"the constant {value!r} is of a type whose value cannot be read: {type(value).__name__}")
