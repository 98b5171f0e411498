"""Compiled code runs for the sizes that it was made for; for others the piece runs in eager (BUG-C17)."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
import sympy
import torch
from torch import Tensor
from torch._dynamo.decorators import mark_dynamic
from torch.fx.experimental import _config as shape_config

from reference.compilation.conditions import Condition
from reference.compilation.program import SplitProgram
from reference.compilation.ranges import CompileRange
from reference.compilation.splitting import SizeSource
from reference.compilation.typical_sizes import LARGE, TypicalSizes
from selftests.reference.traced import (
    SEAM,
    Assuming,
    all_compilers,
    backend,
    compiled,
    forget,
    fresh_dynamo,
    messages,
    rows,
)

SIZES = (5, 0, 1, 2, 3, 8, 70)
ALL = CompileRange(0, None)


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    with fresh_dynamo():
        yield


def _function(x: Tensor) -> tuple[Tensor, Tensor]:
    y = (x + 1).softmax(-1)
    return y * 2, y.t()


@pytest.mark.parametrize("first", [5, 1])
@pytest.mark.parametrize("is_backed", [False, True])
@pytest.mark.parametrize("operations", [(), SEAM], ids=["whole", "split"])
def test_an_assumption_decides_what_runs(
    operations: tuple[str, ...], is_backed: bool, first: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever the first size was, and from disk too; one warning for each piece that was compiled."""
    for start in range(2):
        forget()
        through = backend(
            "aot_eager", root=tmp_path, splitting_ops=operations, compilers=all_compilers(aot_eager=Assuming())
        )
        program = compiled(_function, through)
        for size in (first, *SIZES):
            with shape_config.patch(backed_size_oblivious=is_backed):  # type: ignore[attr-defined]  # made by a hook
                found = program(_backed(size) if is_backed else rows(size))
            torch.testing.assert_close(found, _function(rows(size)), rtol=0, atol=0)
        count = through.counter
        assert count.num_graphs_seen == 1
        assert count.num_fallbacks_to_eager == 0
        assert count.num_conditional_compiles == (0 if start else count.num_backend_compilations)
        assert count.num_artifacts_loaded == (count.num_pieces_seen - len(operations) if start else 0)
    told = messages(caplog)
    assert len(told) == 1 + len(operations)
    assert "submod_0 runs compiled for sizes of compile range [0, open] with (s" in told[0]
    assert "and eager for others, with equal values." in told[0]


def _backed(size: int) -> Tensor:
    made = rows(size).clone()
    mark_dynamic(made, 0)
    return made


def test_a_program_keeps_its_conditions() -> None:
    """In its state, from which another process makes it again."""
    through = backend("aot_eager", compilers=all_compilers(aot_eager=Assuming()))
    compiled(_function, through)(rows(5))
    again = SplitProgram.from_state(through.programs[0].state(), compilers=all_compilers(aot_eager=Assuming()))
    for size in SIZES:
        torch.testing.assert_close(tuple(again(size, rows(size))), _function(rows(size)))  # type: ignore[arg-type]


def test_code_for_few_sizes_is_not_kept(caplog: pytest.LogCaptureFixture) -> None:
    """Of sizes 0 to 3 one alone is more than two; the range after it has code."""
    through = backend("aot_eager", compile_ranges_endpoints=(3,), compilers=all_compilers(aot_eager=Assuming()))
    program = compiled(_function, through)
    for size in SIZES:
        torch.testing.assert_close(program(rows(size)), _function(rows(size)))
    assert through.counter.num_fallbacks_to_eager == 1
    assert through.counter.num_backend_compilations == 1
    assert "stays eager for compile range [0, 3], with equal values: the compiler assumed" in messages(caplog)[1]


def test_a_condition_reads_sizes() -> None:
    """From numbers and dimensions among the arguments; a division by 0 is no match; it can be pickled."""
    condition = Condition(("rows // items == 4", "width != 1"), (*_READ, ("width", SizeSource(1, 1))))
    for known in (condition, pickle.loads(pickle.dumps(condition))):
        assert known == condition
        assert known.holds((2, torch.zeros(8, 3)))
        assert not known.holds((2, torch.zeros(12, 3)))
        assert not known.holds((2, torch.zeros(8, 1)))
        assert not known.holds((0, torch.zeros(8, 3)))
    assert str(condition) == "(rows // items == 4) and (width != 1)"


_READ = (("rows", SizeSource(1, 0)), ("items", SizeSource(0)))


def test_typical_sizes_fulfil_what_is_known() -> None:
    """Sizes that depend on each other do in both examples; others are apart from all."""
    rows, tokens, items = sympy.symbols("rows tokens items", integer=True)
    facts = [sympy.Eq(rows, 4 * tokens), sympy.Ne(rows, 0)]
    typical = TypicalSizes([items, rows, tokens], facts, main=rows)
    first, second = typical.examples(ALL)
    assert first[rows] == LARGE
    for sizes in (first, second):
        assert sizes[rows] == 4 * sizes[tokens]
        assert len(set(sizes.values())) == len(sizes)
    assert all(first[symbol] != second[symbol] for symbol in first)
    assert [sizes[rows] for sizes in typical.examples(CompileRange(9, 31))] == [28, 24]
    assert [sizes[rows] for sizes in typical.examples(CompileRange(8, 8))] == [8]
    assert typical.examples(CompileRange(9, 11)) == []
    assert min(sizes[rows] for sizes in typical.examples(CompileRange(1 << 20, None))) >= 1 << 20
