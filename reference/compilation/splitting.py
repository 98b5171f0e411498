"""Cuts a graph of Dynamo into pieces at named operations, and keeps the order of everything that happens."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import SymInt, Tensor, fx, nn
from torch._ops import OpOverload, OpOverloadPacket
from torch.fx.passes.split_module import split_module

Graph = fx.GraphModule
Size = int | SymInt
"""A number in a call, a symbol among example inputs."""


@dataclass(frozen=True)
class SizeSource:
    """Where a piece reads the size that dispatch looks at, among its arguments."""

    position: int
    dim: int | None = None
    """Of the tensor at that position; None: the argument is the size itself."""

    def read(self, args: Sequence[Any]) -> Size:
        """The size of one call."""
        value = args[self.position]
        found: Size = value if self.dim is None else value.shape[self.dim]
        return found


@dataclass(frozen=True)
class Piece:
    """One part of a graph, with no tensors of its own: all it reads are its arguments."""

    index: int
    """In the order in which pieces run, from 0."""
    submod_name: str
    graph: Graph
    """Returns a tuple. Of Dynamo's notes the example values stay: fake tensors, symbolic sizes."""
    is_splitting: bool
    """Whether it is a splitting operation, which stays eager."""
    size: SizeSource | None
    """None: no argument carries the program's symbolic size."""


@dataclass(frozen=True)
class Split:
    """A graph in pieces."""

    pieces: tuple[Piece, ...]
    stitch: Graph | None
    """Calls the pieces by `submod_name`, in order. None: there is one piece, which is the whole graph."""


class Splitter:
    """Cuts at the operations it is told; each of those becomes a piece of its own."""

    def __init__(self, splitting_ops: Sequence[str]) -> None:
        self.splitting_ops = frozenset(splitting_ops)

    def is_splitting(self, node: fx.Node) -> bool:
        """Whether to cut around a node."""
        return not self.splitting_ops.isdisjoint(operation_names(node))

    def size_symbol(self, graph: Graph) -> object | None:
        """The symbolic size that all pieces dispatch on.

        It is that of the first floating-point tensor that has one: pixels or embeddings, not what describes them.
        """
        values = example_inputs(graph)
        tensors = [value for value in values if isinstance(value, Tensor)]
        sizes = [
            size for tensor in sorted(tensors, key=lambda each: not each.is_floating_point()) for size in tensor.shape
        ]
        symbols = [_symbol(size) for size in (*sizes, *values)]
        return next((symbol for symbol in symbols if symbol is not None), None)

    def assign(self, graph: Graph) -> dict[fx.Node, int]:
        """The number of the piece that each operation belongs to; pieces run by rising numbers.

        What takes an element out of another operation's tuple goes with that operation, so that no tuple crosses a
        border. Indexing a tensor is not that: it may copy, and must not move across a later write.
        """
        pieces: dict[fx.Node, int] = {}
        current = 0
        for node in graph.graph.nodes:
            if node.op in ("placeholder", "get_attr", "output"):
                continue
            if _takes_from_tuple(node) and node.args[0] in pieces:
                pieces[node] = pieces[node.args[0]]
            elif self.is_splitting(node):
                pieces[node] = current + 1
                current += 2
            else:
                pieces[node] = current
        return pieces

    def split(self, graph: Graph) -> Split:
        """The pieces, in the order in which they run."""
        graph = without_tautologies(graph)
        symbol = self.size_symbol(graph)
        pieces = self.assign(graph)
        splitting = {pieces[node] for node in pieces if self.is_splitting(node)}
        if not splitting and not holds_attributes(graph):
            return Split((_piece(0, "submod_0", graph, symbol, is_splitting=False),), None)
        # Also where nothing is cut: it turns tensors that the graph holds into arguments of the piece.
        cut = split_module(graph, graph, lambda node: pieces[node], keep_original_order=True, tuple_return=True)
        names = [node.target for node in cut.graph.nodes if node.op == "call_module"]
        parts = [
            _piece(index, name, getattr(cut, name), symbol, is_splitting=_number(name) in splitting)
            for index, name in enumerate(names)
        ]
        return Split(tuple(parts), _skeleton(cut, names))


def without_tautologies(graph: Graph) -> Graph:
    """A copy without Dynamo's assertions that a size is not negative: they make the first of equal layers unequal."""
    copy = fx.GraphModule(graph, copied(graph.graph))
    values = [value for value in example_inputs(copy) if isinstance(value, Tensor)]
    sizes = {_symbol(size) for value in values for size in value.shape} - {None}
    for node in list(copy.graph.nodes):
        test = node.args[0] if str(node.target) == "aten._assert_scalar.default" else None
        if isinstance(test, fx.Node) and _is_tautology(test, sizes):
            copy.graph.erase_node(node)
            if not test.users:
                copy.graph.erase_node(test)
    copy.recompile()
    return copy


def _is_tautology(test: fx.Node, sizes: set[object | None]) -> bool:
    """Whether a node asks of a size of some argument whether it is at least 0."""
    if test.target is not operator.ge or test.args[1] != 0 or not isinstance(test.args[0], fx.Node):
        return False
    return _symbol(test.args[0].meta.get("example_value")) in sizes


def link(stitch: Graph, functions: dict[str, Callable[..., Any]]) -> Graph:
    """The stitching graph with functions in the place of its parts."""
    linked = fx.GraphModule(stitch, copied(stitch.graph))
    for name, function in functions.items():
        delattr(linked, name)
        setattr(linked, name, function)
    return linked


def operation_names(node: fx.Node) -> set[str]:
    """Qualified names of what a node calls: `aten::softmax` for an operator, a method or a function of torch."""
    target = node.target
    if isinstance(target, OpOverload):
        return {target.name().partition(".")[0], f"{str(target).replace('.', '::', 1)}"}
    if isinstance(target, OpOverloadPacket):
        return {str(target).replace(".", "::", 1)}
    if node.op == "call_method":
        return {f"aten::{target}"}
    if node.op == "call_function" and (getattr(target, "__module__", None) or "torch").startswith(("torch", "_op")):
        name = getattr(target, "__name__", "")
        return {f"aten::{name}", f"aten::{name[1:]}_"} if name in IN_PLACE else {f"aten::{name}"}
    return set()


IN_PLACE = frozenset(name for name in dir(operator) if name.startswith("i") and hasattr(operator, name[1:]))
"""Functions of Python's operator module such as `iadd`."""


def example_inputs(graph: Graph) -> list[Any]:
    """Dynamo's example value of every argument; None where it left none."""
    return [node.meta.get("example_value") for node in graph.graph.nodes if node.op == "placeholder"]


def holds_attributes(graph: Graph) -> bool:
    """Whether the graph reads anything that is neither an argument nor a graph inside of it."""
    reads = [str(node.target) for node in graph.graph.nodes if node.op == "get_attr"]
    return any(not isinstance(attribute(graph, name), fx.GraphModule) for name in reads)


def memory_of(tensor: Tensor) -> int:
    """A number that tensors have in common if they share memory, be they fake or real."""
    number: int = tensor.untyped_storage()._cdata  # noqa: SLF001 - fake memory has no address
    return number


def calls_modules(graph: Graph) -> bool:
    """Whether it calls modules, which have state of their own."""
    return any(node.op == "call_module" for node in graph.graph.nodes)


def attribute(graph: nn.Module, name: str) -> object:
    """What a dotted name leads to."""
    return operator.attrgetter(name)(graph)


def copied(graph: fx.Graph) -> fx.Graph:
    """The same nodes under the same names; of Dynamo's notes only the example values stay."""
    copy = fx.Graph()
    result = copy.graph_copy(graph, {})
    copy.output(result)
    for node in copy.nodes:
        node.meta = {name: value for name, value in node.meta.items() if name == "example_value"}
    return copy


def _piece(index: int, name: str, graph: Graph, symbol: object | None, *, is_splitting: bool) -> Piece:
    own = fx.GraphModule(graph, copied(graph.graph), class_name=name)
    return Piece(index, name, own, is_splitting, _size_source(example_inputs(own), symbol))


def _size_source(values: Sequence[Any], symbol: object | None) -> SizeSource | None:
    if symbol is None:
        return None
    for position, value in enumerate(values):
        if isinstance(value, SymInt) and _symbol(value) == symbol:
            return SizeSource(position)
    for position, value in enumerate(values):
        for dim, size in enumerate(value.shape if isinstance(value, Tensor) else ()):
            if _symbol(size) == symbol:
                return SizeSource(position, dim)
    return None


def _symbol(size: object) -> object | None:
    """The symbol of a size that is one symbol; None for a number or a formula."""
    if not isinstance(size, SymInt):
        return None
    expression = size.node.expr
    return expression if expression.is_symbol else None


def _takes_from_tuple(node: fx.Node) -> bool:
    if node.target is not operator.getitem or not isinstance(node.args[0], fx.Node):
        return False
    return isinstance(node.args[0].meta.get("example_value"), tuple | list)


def _number(name: str) -> int:
    return int(name.rpartition("_")[2])


def _skeleton(cut: Graph, names: Sequence[str]) -> Graph:
    """The stitching graph with the parts taken out: it holds none of their code."""
    skeleton = fx.GraphModule(cut, copied(cut.graph))
    for node in skeleton.graph.nodes:
        node.meta = {}
    for name in names:
        setattr(skeleton, name, nn.Identity())
    return skeleton
