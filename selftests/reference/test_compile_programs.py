"""Whole programs of pieces: what equal pieces share, what another process can run, what Inductor makes of them."""

from __future__ import annotations

import gc
import logging
import pickle
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, fx, nn

from reference.compilation.copies import NotSavable
from reference.compilation.piece_compilers import standard_compilers
from reference.compilation.piecewise import SharedPieces
from reference.compilation.program import SplitProgram
from selftests.reference.traced import SEAM, backend, compiled, forget, fresh_dynamo, messages, rows

SIZES = (5, 0, 1, 2, 8, 9, 70)


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    with fresh_dynamo():
        yield


def _parts(x: Tensor) -> tuple[Tensor, ...]:
    left, right = x.chunk(2, -1)
    y = left.softmax(-1)
    x.mul_(3)
    return y, right, left + y, x.new_zeros(x.shape[0] * 2)


class _Blocks(nn.Module):
    """Layers that differ in their weights only."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        """`[rows, 4]` to the same."""
        for layer in self.layers:
            x = layer(x).softmax(-1)
        return x


def test_equal_pieces_are_compiled_once() -> None:
    """Within a program, and over programs that share their pieces; weights are each layer's own (BUG-C06, C10)."""
    shared = SharedPieces()
    for first in (True, False):
        model = _Blocks()
        through = backend("aot_eager", splitting_ops=SEAM, shared=shared)
        torch.testing.assert_close(compiled(model, through)(rows(5)), model(rows(5)))
        assert through.counter.num_backend_compilations == int(first)
        assert through.counter.num_pieces_shared == (2 if first else 3)


def test_pieces_that_differ_in_a_constant_are_not_shared() -> None:
    """The same operations over the same shapes (BUG-C06)."""
    through = backend("aot_eager", splitting_ops=SEAM)
    program = compiled(lambda x: ((x * 2).softmax(-1) * 3).softmax(-1) * 2, through)
    assert torch.equal(program(rows(5)), ((rows(5) * 2).softmax(-1) * 3).softmax(-1) * 2)
    assert through.counter.num_backend_compilations == 2
    assert through.counter.num_pieces_shared == 1


@pytest.mark.parametrize("name", ["eager", "aot_eager"])
def test_shared_pieces_hold_no_weights(name: str) -> None:
    """The first instance can be freed, while its compiled pieces serve others."""
    shared = SharedPieces()
    model = _Blocks()
    compiled(model, backend(name, splitting_ops=SEAM, shared=shared))(rows(5))
    weight = weakref.ref(model.layers[0].weight)
    forget()
    del model
    gc.collect()
    assert shared.by_key
    assert weight() is None


@pytest.mark.parametrize("operations", [(), SEAM], ids=["whole", "split"])
def test_a_program_runs_in_another_process(operations: tuple[str, ...], tmp_path: Path) -> None:
    """From its state alone, for ranges that were never needed here too."""
    through = backend("aot_eager", splitting_ops=operations, compile_ranges_endpoints=(1, 8))
    compiled(_parts, through)(rows(5))
    (tmp_path / "state").write_bytes(through.programs[0].state())
    (tmp_path / "wanted").write_bytes(pickle.dumps([_parts(rows(size)) for size in SIZES]))
    done = subprocess.run(
        [sys.executable, "-c", _OTHER_PROCESS, str(tmp_path)], capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr[-2000:]


_OTHER_PROCESS = """
import pathlib, pickle, sys, torch
from reference.compilation.piece_compilers import standard_compilers
from reference.compilation.program import SplitProgram
from selftests.reference.traced import rows
from selftests.reference.test_compile_programs import SIZES
folder = pathlib.Path(sys.argv[1])
program = SplitProgram.from_state((folder / "state").read_bytes(), compilers=standard_compilers())
with torch.no_grad():
    for size, wanted in zip(SIZES, pickle.loads((folder / "wanted").read_bytes()), strict=True):
        torch.testing.assert_close(tuple(program(size, rows(size))), wanted)
"""


def test_a_program_with_tensors_of_its_own_has_no_state() -> None:
    """A copy would not see their later changes."""
    held = torch.ones(4)
    graph = fx.symbolic_trace(lambda x: (x + held,))
    program = backend()(graph, [])
    assert torch.equal(program(rows(2))[0], rows(2) + 1)  # type: ignore[index]
    held.add_(1)
    assert torch.equal(program(rows(2))[0], rows(2) + 2)  # type: ignore[index]
    with pytest.raises(NotSavable, match="the graph holds tensors of its own"):
        program.state()


def test_inductor_compiles_and_loads(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The one real compile: two starts, one compile, equal values at the borders."""

    def function(x: Tensor) -> tuple[Tensor, Tensor]:
        x.add_(1)
        return x.relu() * 2, x[:1]

    caplog.set_level(logging.WARNING)
    for start in range(2):
        forget()
        through = backend("inductor", root=tmp_path)
        program = compiled(function, through)
        for size in SIZES:
            x, twin = rows(size), rows(size)
            torch.testing.assert_close(program(x), function(twin))
            assert torch.equal(x, twin)
        assert through.counter.num_inductor_compiles == 1 - start
        assert through.counter.num_artifacts_loaded == start
    assert messages(caplog) == []
    assert isinstance(
        SplitProgram.from_state(through.programs[0].state(), compilers=standard_compilers()), SplitProgram
    )
