"""The eager twin and torch's own counters see what they are there to see."""

from __future__ import annotations

import threading

import pytest
import torch
from torch import Tensor
from torch._dynamo import graph_break

from models import programs
from suite.contract.program import Call, ProgramSpec, Start
from suite.oracles.dynamo import counted
from suite.oracles.programs import Answer, Twin, difference, layouts, surroundings

CALL = Call((3, 2))


def test_a_twin_repeats_itself() -> None:
    """Inputs are fresh on every call, so a program that writes them gives the same again."""
    twin = Twin("toy", ProgramSpec("mutates"))
    one, other = twin.answer(CALL), twin.answer(CALL)
    assert torch.equal(one.outputs[0], other.outputs[0])
    assert torch.equal(one.inputs["rows"], other.inputs["rows"])
    assert not torch.equal(one.inputs["rows"], twin.inputs(CALL)["rows"])


def test_sharing_names_what_shares() -> None:
    """A view of an input, the input itself, and two outputs in one memory; nothing else."""
    assert Twin("toy", ProgramSpec("view")).answer(CALL).sharing() == {("rows", "output 0", 2)}
    assert Twin("toy", ProgramSpec("aliases")).answer(CALL).sharing() == {
        ("rows", "output 0", 0),
        ("output 1", "output 2", 0),
    }
    assert Twin("toy", ProgramSpec("outputs")).answer(CALL).sharing() == frozenset()


def test_empty_tensors_do_not_share() -> None:
    """Two empty results have the same address, and are two results all the same."""
    assert Twin("toy", ProgramSpec("outputs")).answer(Call(())).sharing() == frozenset()
    assert Twin("toy", ProgramSpec("view")).answer(Call(())).sharing() == {("rows", "output 0", 2)}


def test_another_view_of_the_same_memory_is_seen() -> None:
    """Where a view begins is part of what is shared."""
    rows = torch.zeros(4, 8)
    one, other = Answer((rows[:, 2:6],), {"rows": rows}), Answer((rows[:, 3:7],), {"rows": rows})
    assert one.sharing() != other.sharing()


def test_layouts_tell_strides() -> None:
    """A transposed result is told from a contiguous one."""
    rows = torch.zeros(4, 2)
    assert layouts([rows]) == ("torch.float32 [4, 2] strides [2, 1]",)
    assert layouts([rows.t().contiguous().t()]) == ("torch.float32 [4, 2] strides [1, 4]",)


def _ints(*values: int) -> Tensor:
    return torch.tensor(values)


@pytest.mark.parametrize(
    ("got", "want", "mismatched"),
    [
        (_ints(1, 2, 3), _ints(1, 2, 3), 0),
        (_ints(1, 2, 3), _ints(1, 2, 4), 1),
        (torch.tensor([True]), torch.tensor([False]), 1),
        (torch.zeros(0), torch.zeros(0), 0),
        (torch.ones(2, 3, 4), torch.ones(2, 3, 4), 0),
        (torch.ones(2, 3, 4), torch.zeros(2, 3, 4), 24),
        (torch.ones(2, dtype=torch.bfloat16), torch.ones(2, dtype=torch.bfloat16) * 1.01, 0),
        (torch.ones(3), torch.tensor([1.0, 1.0, float("nan")]), 1),
    ],
)
def test_any_two_outputs_can_be_compared(got: Tensor, want: Tensor, mismatched: int) -> None:
    """Whole numbers and truth values to the bit, floating ones within their tolerance, of any rank and none."""
    found = difference("arm", got, want, output=1, call=2)
    assert (found.mismatched, found.total, found.item, found.batch) == (mismatched, want.numel(), 1, 2)


def test_surroundings_are_those_of_the_start() -> None:
    """The variant that a start names is in the environment, and gone afterwards."""
    start = Start(ProgramSpec("environment", environment="negate"))
    twin = Twin("toy", start.program)
    plain = twin.answer(CALL)
    with surroundings(start):
        assert torch.equal(twin.answer(CALL).outputs[0], -plain.outputs[0])
    assert torch.equal(twin.answer(CALL).outputs[0], plain.outputs[0])


def test_traces_are_counted_in_any_thread() -> None:
    """A first call is a graph, a second one none, a size that is not marked one more; threads count too."""
    compiled = torch.compile(programs.build("seams"), backend="eager", dynamic=False)
    torch.compiler.reset()
    with counted() as first:
        compiled(**programs.inputs("seams", (3,)))
    with counted() as second:
        compiled(**programs.inputs("seams", (3,)))
    with counted() as other:
        thread = threading.Thread(target=lambda: compiled(**programs.inputs("seams", (4,))))
        thread.start()
        thread.join()
    assert [first.graphs, second.graphs, other.graphs] == [1, 0, 1]
    assert (first.breaks, second.frames) == (0, 0)
    assert str(second) == "0 graphs, 0 frames, 0 breaks"


def test_breaks_are_counted() -> None:
    """A forward that cannot be traced as one graph breaks."""
    module = programs.build("seams")

    def broken(**inputs: Tensor) -> object:
        graph_break()
        return module(**inputs)

    torch.compiler.reset()
    with counted() as traced:
        torch.compile(broken, backend="eager")(**programs.inputs("seams", (3,)))
    assert traced.breaks == 1
