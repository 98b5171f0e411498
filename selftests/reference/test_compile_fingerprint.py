"""The key of a piece: every factor makes another key, and nothing else does (BUG-C06, C08, C14)."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, fx
from torch._dynamo import mark_dynamic

from reference.compilation.fingerprint import Fingerprint, NoFingerprint
from reference.compilation.ranges import CompileRange
from selftests.reference.traced import backend, compiled, forget, fresh_dynamo, rows

RANGE = CompileRange(0, None)


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    with fresh_dynamo():
        yield


def _graph(function: Callable[..., Any], *inputs: Tensor) -> fx.GraphModule:
    forget()
    through = backend()
    compiled(function, through)(*inputs)
    graph: fx.GraphModule = through.programs[0].pieces[0].piece.graph
    return graph


def _fingerprint(**others: str) -> Fingerprint:
    given = {"component": "encoder", "class_name": "Small", "compiler": "eager", "options": "", **others}
    options = given.pop("options")
    return Fingerprint(**given, options=lambda: options)


def _key(function: Callable[..., Any], *inputs: Tensor) -> str:
    return _fingerprint().key(_graph(function, *inputs), RANGE)


def test_names_and_first_sizes_are_not_in_the_key() -> None:
    """Other names, other first size, same code."""

    def one(x: Tensor, scale: Tensor) -> Tensor:
        first = x * scale
        return first + 1

    def other(a: Tensor, b: Tensor) -> Tensor:
        return a * b + 1

    assert _key(one, rows(5), torch.ones(4)) == _key(other, rows(17), torch.zeros(4))


def test_a_key_is_the_same_in_another_process() -> None:
    """Also with another hash seed."""
    code = (
        "import torch\nfrom selftests.reference.test_compile_fingerprint import _key, rows\n"
        "torch.set_grad_enabled(False)\n"
        "print(_key(lambda x: x.softmax(-1).half() * 2.5, rows(9)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert done.stdout.strip() == _key(lambda x: x.softmax(-1).half() * 2.5, rows(5)), done.stderr[-2000:]


BASE = (lambda x: x.softmax(-1) * 2, rows(5))
DIFFERENT: dict[str, tuple[Any, ...]] = {
    "operation": (lambda x: x.relu() * 2, rows(5)),
    "constant": (lambda x: x.softmax(-1) * 3, rows(5)),
    "type of a constant": (lambda x: x.softmax(-1) * 2.0, rows(5)),
    "dim": (lambda x: x.softmax(0) * 2, rows(5)),
    "order": (lambda x: (x * 2).softmax(-1), rows(5)),
    "dtype": (lambda x: x.softmax(-1) * 2, rows(5).double()),
    "width": (lambda x: x.softmax(-1) * 2, rows(5, width=8)),
    "fixed size": (lambda x: x.softmax(-1) * 2, torch.ones(5, 4)),
    "stride": (lambda x: x.softmax(-1) * 2, rows(4).t()[:, :4]),
    "gradient": (lambda x: x.softmax(-1) * 2, rows(5).requires_grad_()),
    "output": (lambda x: (x.softmax(-1) * 2, x.softmax(-1)), rows(5)),
    "infinite": (lambda x: x.softmax(-1) * math.inf, rows(5)),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_changes_the_code_changes_the_key(name: str) -> None:
    """One change at a time."""
    assert _key(*DIFFERENT[name]) != _key(*BASE)


def test_constants_that_look_alike_differ() -> None:
    """Negative zero, truth values, and all others from each other."""
    constants = (0.0, -0.0, 0, False, 1, 1.0, True)
    graphs = [_graph(lambda x, constant=constant: torch.full_like(x, constant), rows(5)) for constant in constants]
    assert len({_fingerprint().key(graph, RANGE) for graph in graphs}) == len(constants)


def test_what_is_known_of_sizes_is_in_the_key() -> None:
    """A guard that Dynamo keeps lets a compiler rely on it."""
    backed = torch.ones(8, 4)
    mark_dynamic(backed, 0)
    guarded = torch.ones(8, 4)
    mark_dynamic(guarded, 0)

    def function(x: Tensor) -> Tensor:
        return x + 1

    def guarding(x: Tensor) -> Tensor:
        return x + 1 if x.shape[0] < 100 else x

    keys = {_key(function, rows(8)), _key(function, backed), _key(guarding, guarded)}
    assert len(keys) == 3


@pytest.mark.parametrize("factor", ["component", "class_name", "compiler", "options"])
def test_the_surroundings_are_in_the_key(factor: str) -> None:
    """Encoder or language model, class, compiler, settings."""
    graph = _graph(*BASE)
    assert _fingerprint(**{factor: "other"}).key(graph, RANGE) != _fingerprint().key(graph, RANGE)


def test_range_and_modes_are_in_the_key() -> None:
    """Each range has code of its own; so have gradients and autocast."""
    graph = _graph(*BASE)
    keys = [_fingerprint().key(graph, CompileRange(0, 8)), _fingerprint().key(graph, RANGE)]
    with torch.enable_grad():
        keys.append(_fingerprint().key(graph, RANGE))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        keys.append(_fingerprint().key(graph, RANGE))
    assert len(set(keys)) == 4


def test_each_factor_counts() -> None:
    """A fingerprint that leaves one out gives another key than the whole one."""
    graph = _graph(*BASE)
    for factor in _fingerprint().factors(graph, RANGE):
        blind = _fingerprint()
        setattr(blind, factor, lambda *_: "nothing")
        assert blind.key(graph, RANGE) != _fingerprint().key(graph, RANGE), factor


def test_shared_memory_of_arguments_is_in_the_key() -> None:
    """Two arguments over one memory are not two over two."""

    def function(x: Tensor, y: Tensor) -> Tensor:
        return x + y

    base = torch.ones(8, 4)
    assert _key(function, base[:4], base[4:]) != _key(function, torch.ones(4, 4), torch.ones(4, 4))


def test_what_cannot_be_read_gets_no_key() -> None:
    """A tensor of the graph's own, a module, a function with values of its own."""
    held, scale = torch.ones(4), 3
    for function in (lambda x: x + held, torch.nn.Linear(4, 4)):
        graph = torch.fx.symbolic_trace(function)
        graph.graph.find_nodes(op="placeholder")[0].meta["example_value"] = torch.ones(1)
        with pytest.raises(NoFingerprint, match="reads something that is not an argument"):
            _fingerprint().key(graph, RANGE)
    graph = torch.fx.GraphModule({}, torch.fx.Graph())
    graph.graph.output(graph.graph.call_function(lambda: scale))
    with pytest.raises(NoFingerprint, match="has values of its own"):
        _fingerprint().key(graph, RANGE)
