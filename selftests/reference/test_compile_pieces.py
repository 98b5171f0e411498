"""What comes out of a piecewise program is what eager gives, in values, memory and side effects (SPEC C1-C3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, fx, nn
from torch._dynamo import mark_dynamic
from torch._inductor import config as inductor_config

from reference.compilation.piece_compilers import (
    CompiledPiece,
    CompilerMissing,
    InductorCompiler,
)
from reference.compilation.piecewise import may_write
from reference.compilation.ranges import CompileRange, SizeOutsideRanges
from reference.compilation.splitting import memory_of
from selftests.reference.traced import (
    SEAM,
    Watched,
    all_compilers,
    backend,
    compiled,
    forget,
    fresh_dynamo,
    messages,
    rows,
)

SIZES = (5, 0, 1, 2, 8, 9, 70)


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    with fresh_dynamo():
        yield


def _views(x: Tensor) -> tuple[Any, ...]:
    flat = x.view(-1)
    x.softmax(-1)
    flat.add_(1)
    return x[:1], x.t(), flat[::2], x


def _several(x: Tensor) -> tuple[Any, ...]:
    y = x.relu().softmax(-1)
    return y.double(), y.half(), y.t(), x.shape[0], x.shape[0] * 2, torch.arange(x.shape[0]), torch.tensor([1.0, 2.0])


def _no_tensor(x: Tensor) -> int:
    x.softmax(-1)
    x.add_(1)
    return x.shape[0]


def _parts(x: Tensor) -> tuple[Any, ...]:
    left, right = x.chunk(2, -1)
    y = left.softmax(-1)
    x.mul_(3)
    return y, right, left + y, x.new_zeros(x.shape[0] * 2)


PROGRAMS = (_views, _several, _no_tensor, _parts)


@pytest.mark.parametrize("operations", [(), SEAM], ids=["whole", "split"])
@pytest.mark.parametrize("name", ["eager", "aot_eager"])
@pytest.mark.parametrize("function", PROGRAMS)
def test_programs_equal_eager(
    function: Callable[..., Any], name: str, operations: tuple[str, ...], tmp_path: Path
) -> None:
    """Compiled, and loaded at a second start, over all borders of the ranges, from one trace."""
    for start in range(2):
        forget()
        through = backend(name, root=tmp_path, splitting_ops=operations, compile_ranges_endpoints=(1, 8))
        program = compiled(function, through)
        for size in SIZES:
            _require_equal(function, program, rows(size))
        assert through.counter.num_graphs_seen == 1
        assert through.counter.num_fallbacks_to_eager == 0
        assert (through.counter.num_backend_compilations == 0) == (start == 1)


def _require_equal(function: Callable[..., Any], program: Callable[..., Any], x: Tensor) -> None:
    """Same outputs, same memory shared with the input, same writes to it."""
    twin = x.clone()
    found, wanted = program(x), function(twin)
    torch.testing.assert_close(found, wanted, rtol=0, atol=0)
    torch.testing.assert_close(x, twin, rtol=0, atol=0)
    if isinstance(found, int):
        return
    for mine, theirs in zip(found, wanted, strict=True):
        if isinstance(mine, Tensor):
            assert mine.stride() == theirs.stride()
            assert (mine is x) == (theirs is twin)
            assert _shares(mine, x) == _shares(theirs, twin)


def _shares(one: Tensor, other: Tensor) -> bool:
    return memory_of(one) == memory_of(other)


@pytest.mark.parametrize("name", ["eager", "aot_eager"])
def test_arguments_that_share_memory(name: str) -> None:
    """One is written and the other is a view of it: not what was compiled for, and right all the same."""

    def function(x: Tensor, y: Tensor) -> Tensor:
        x.add_(1)
        return x + y * 2

    through = backend(name)
    program = compiled(function, through)
    program(rows(5), rows(5))
    base, twin = rows(6), rows(6)
    assert torch.equal(program(base[1:], base[:-1]), function(twin[1:], twin[:-1]))
    assert torch.equal(base, twin)


def test_writers_are_known() -> None:
    """Every way to write into an argument; reading ways are told apart."""
    calls: dict[Callable[[Tensor], Any], bool] = {
        lambda x: x.add_(1): True,
        lambda x: x.__setitem__(0, 1): True,
        lambda x: torch.add(x, 1, out=x): True,
        lambda x: nn.functional.relu(x, inplace=True): True,
        lambda x: torch.ops.aten.mul_.Scalar(x, 2): True,
        lambda x: x.add(1) - x: False,
        lambda x: nn.functional.relu(x) @ x.t(): False,
        lambda x: torch.ops.aten.mul.Scalar(x, 2): False,
    }
    for call, writes in calls.items():
        graph = fx.symbolic_trace(_Calling(call))
        assert may_write(graph) == writes, graph.code


class _Calling(nn.Module):
    def __init__(self, call: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.call = call

    def forward(self, x: Tensor) -> Tensor:
        """What is called, and something after it."""
        self.call(x)
        return x * 1


def test_each_range_is_compiled_when_it_is_needed() -> None:
    """Once; the second size of a range compiles nothing, and the compiler sees symbols only."""
    watched = Watched()
    through = backend("aot_eager", compile_ranges_endpoints=(1, 8), compilers=all_compilers(aot_eager=watched))
    program = compiled(lambda x: x + 1, through)
    for size in (5, 8, 2, 0, 1, 9, 100, 5):
        program(rows(size))
    assert [str(each) for each, _ in watched.seen] == ["[2, 8]", "[0, 1]", "[9, open]"]
    for _, values in watched.seen:
        assert [str(value) for value in values if isinstance(value, torch.SymInt)] == ["u0"]
        assert all(
            not isinstance(size, int) for value in values if isinstance(value, Tensor) for size in value.shape[:1]
        )


def test_a_graph_without_symbols_has_one_range() -> None:
    """Whatever the endpoints say."""
    watched = Watched()
    through = backend("aot_eager", compile_ranges_endpoints=(1, 8), compilers=all_compilers(aot_eager=watched))
    compiled(lambda x: x + 1, through)(torch.ones(5))
    assert [each for each, _ in watched.seen] == [CompileRange(0, None)]


def test_a_size_outside_of_a_language_models_ranges() -> None:
    """Is refused with the sizes that would do; the program stays usable."""
    through = backend(component="language_model", compile_ranges_endpoints=(4, 8))
    program = compiled(lambda x: x + 1, through)
    program(rows(5))
    with pytest.raises(SizeOutsideRanges, match="size 9 is in none of the compile ranges"):
        program(rows(9))
    assert program(rows(8)).shape == (8, 4)


def test_code_that_suits_one_size_is_not_used(caplog: pytest.LogCaptureFixture) -> None:
    """A compiler that looked at the first size: the piece stays eager, with a warning (BUG-C17)."""
    through = backend("aot_eager", compilers=all_compilers(aot_eager=Watched(bakes=True)))
    x = torch.ones(5, 4)
    mark_dynamic(x, 0)
    program = compiled(lambda x: x + 1, through)
    for size in (5, 6, 70):
        assert torch.equal(program(torch.ones(size, 4) if size != 5 else x), torch.full((size, 4), 2.0))
    assert through.counter.num_fallbacks_to_eager == 1
    assert through.counter.num_backend_compilations == 0
    assert (
        "submod_0 stays eager for compile range [0, open], with equal values: the compiler assumed"
        in (messages(caplog)[0])
    )


class _Missing(Watched):
    def compile(
        self, graph: fx.GraphModule, example_inputs: Sequence[object], compile_range: CompileRange
    ) -> CompiledPiece:
        raise CompilerMissing("inductor finds no C++ compiler: planted")


def test_a_missing_compiler(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    """Equal values, a warning, and nothing that the next start would take for the compiler's work."""
    for _ in range(2):
        forget()
        caplog.clear()
        through = backend("aot_eager", root=tmp_path, compilers=all_compilers(aot_eager=_Missing()))
        assert torch.equal(compiled(lambda x: x + 1, through)(rows(5)), rows(5) + 1)
        assert messages(caplog) == [
            (
                "submod_0 stays eager for compile range [0, open], with equal values: "
                "inductor finds no C++ compiler: planted."
            )
        ]
        assert through.counter.num_artifacts_saved == through.counter.num_artifacts_loaded == 0


def test_inductor_asks_for_its_compiler() -> None:
    """Without one on the path it says so, and does not begin."""
    without: Any = inductor_config
    with without.patch({"cpp.cxx": (None, "no-such-compiler")}), pytest.raises(CompilerMissing, match="finds no C"):
        InductorCompiler().require_toolchain([torch.zeros(1)])
