"""Cutting a graph: at what, in which order, and what crosses the cuts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, fx
from torch._dynamo.decorators import mark_unbacked
from torch.nn import functional

from reference.compilation.splitting import SizeSource, Split, Splitter, operation_names
from selftests.reference.traced import SEAM, backend, compiled, fresh_dynamo, rows

CUT = [False, True, False]


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    with fresh_dynamo():
        yield


def _split(function: Callable[..., Any], *operations: str, rank: int = 1) -> Split:
    """How a function of `rank` tensors is cut."""
    made: list[Split] = []

    class Looking(Splitter):
        def split(self, graph: fx.GraphModule) -> Split:
            made.append(super().split(graph))
            return made[-1]

    through = backend(splitting_ops=operations)
    through.splitter = Looking(operations)
    compiled(function, through)(*(rows(5) for _ in range(rank)))
    return made[0]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda x: torch.softmax(x, -1), "aten::softmax"),
        (lambda x: functional.softmax(x, -1), "aten::softmax"),
        (lambda x: x.softmax(-1), "aten::softmax"),
        (lambda x: x @ x.t(), "aten::matmul"),
        (lambda x: torch.ops.aten.mul(x, 2), "aten::mul"),
        (lambda x: torch.ops.aten.mul.Scalar(x, 2), "aten::mul"),
        (lambda x: torch.ops.aten.mul.Scalar(x, 2), "aten::mul.Scalar"),
        (lambda x: x.mul_(2), "aten::mul_"),
        (lambda x: functional.linear(x, x), "aten::linear"),
    ],
)
def test_an_operation_is_found_however_it_is_called(call: Callable[[Tensor], Tensor], name: str) -> None:
    """As a function, a method, an operator or an operation."""
    split = _split(lambda x: call(x + 1) + 1, name)
    assert [piece.is_splitting for piece in split.pieces] == CUT


def test_another_operation_is_not_cut_at() -> None:
    """An overload, or a namespace, that is not named; then the graph stays whole."""
    for name in ("aten::mul.Tensor", "lockstep::mul", "aten::mul_"):
        split = _split(lambda x: torch.ops.aten.mul.Scalar(x + 1, 2) + 1, name)
        assert [piece.is_splitting for piece in split.pieces] == [False]
        assert split.stitch is None


def test_pieces_run_in_order() -> None:
    """Cuts at both ends and next to each other leave no empty piece; names follow the order."""
    split = _split(lambda x: x.softmax(-1).softmax(0).relu().softmax(-1), *SEAM)
    assert [piece.is_splitting for piece in split.pieces] == [True, True, False, True]
    assert [piece.index for piece in split.pieces] == [0, 1, 2, 3]
    assert split.stitch is not None
    called = [node.target for node in split.stitch.graph.nodes if node.op == "call_module"]
    assert called == [piece.submod_name for piece in split.pieces]


def test_no_tuple_crosses_a_cut() -> None:
    """Its elements are taken in the piece that made it, although they are used behind the cut."""

    def function(x: Tensor) -> Tensor:
        left, right = (x + 1).chunk(2, -1)
        return left * right

    split = _split(function, "aten::chunk")
    assert [piece.is_splitting for piece in split.pieces] == CUT
    for piece in split.pieces:
        values = [node.meta["example_value"] for node in piece.graph.graph.nodes if node.op == "placeholder"]
        assert all(isinstance(value, Tensor | torch.SymInt) for value in values)


def test_indexing_a_tensor_does_not_move_across_a_write() -> None:
    """Advanced indexing copies: before the write it would see other values."""

    def function(x: Tensor) -> Tensor:
        y = x + 1
        y.softmax(-1)
        y.mul_(2)
        return y[torch.tensor([0, 1])]

    split = _split(function, *SEAM)
    last = [str(node.target) for node in split.pieces[-1].graph.graph.nodes]
    assert any("getitem" in target for target in last)
    assert not any("getitem" in str(node.target) for node in split.pieces[0].graph.graph.nodes)


def test_the_size_is_read_in_every_piece_that_has_it() -> None:
    """From the symbolic argument; a piece whose sizes are all numbers has none."""
    split = _split(lambda x: x.relu().softmax(-1).t() @ x, *SEAM)
    for piece in split.pieces:
        assert isinstance(piece.size, SizeSource)
        names = [node for node in piece.graph.graph.nodes if node.op == "placeholder"]
        assert str(names[piece.size.position].meta["example_value"]) == "u0"
    fixed = _split(lambda x: (x.t() @ x).softmax(-1) + 1, *SEAM)
    assert [piece.size is None for piece in fixed.pieces] == [False, True, True]


def test_the_size_is_that_of_the_data() -> None:
    """Not of what describes them, wherever that stands among the arguments."""

    def function(offsets: Tensor, x: Tensor) -> Tensor:
        return x + offsets.sum()

    through = backend()
    offsets = torch.arange(3)
    mark_unbacked(offsets, 0)
    compiled(function, through)(offsets, rows(7))
    (piece,) = through.programs[0].pieces
    values = [offsets.shape[0], offsets, rows(7).shape[0], rows(7)]
    assert piece.piece.size is not None
    assert piece.piece.size.read(values) == 7


def test_a_size_without_an_argument_of_its_own_is_read_from_the_tensor() -> None:
    """By position and dim."""
    assert SizeSource(1, 0).read(("no", torch.zeros(7, 2))) == 7
    assert SizeSource(0).read((9, "no")) == 9


def test_names_of_a_function_of_ones_own() -> None:
    """There is no such operation: nothing is cut at it."""
    graph = fx.Graph()
    node = graph.call_function(test_pieces_run_in_order)
    assert operation_names(node) == set()


def test_assertions_that_say_nothing_are_left_out() -> None:
    """A size is never negative; what a user asserts of a number, or of a size beyond that, stays."""
    split = _split(lambda x: x + 1)
    assert _assertions(split) == 0

    def asserting(x: Tensor) -> Tensor:
        torch._check(x.shape[0] >= 3)  # noqa: SLF001 - its public home
        return x + 1

    assert _assertions(_split(asserting)) == 1


def _assertions(split: Split) -> int:
    return sum("_assert_scalar" in str(node.target) for node in split.pieces[0].graph.graph.nodes)
