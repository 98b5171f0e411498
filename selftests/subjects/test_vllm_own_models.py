"""Models of vLLM's own: found by their source, filled with the zoo's weights, with a kernel of attention for a CPU."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch
from torch import Tensor

from suite.subjects.vllm.own_attention import CudaPlatform, HostNumber, VarlenAttention, wrapped_attention
from suite.subjects.vllm.own_model import check_loaded
from suite.subjects.vllm.own_replaced import OWN_REPLACEMENTS
from suite.subjects.vllm.own_sources import OWN, declared, stand_ins

ROWS, HEADS, DIM = 6, 2, 4
SOURCE = "class {name}(Module, {base}):\n    pass\n"


def test_models_are_found_by_their_source(tmp_path: Path) -> None:
    """Only a class that names the protocol counts, and nothing is imported."""
    first, second = OWN[0], OWN[1]
    (tmp_path / f"{first.module}.py").write_text(SOURCE.format(name=first.model, base="SupportsEncoderCudaGraph"))
    (tmp_path / f"{second.module}.py").write_text(SOURCE.format(name=second.model, base="SupportsMultiModal"))
    assert declared(tmp_path) == (first,)


def test_stand_ins_leave_nothing() -> None:
    """A package that is missing can be imported inside, and is missing again behind."""
    with stand_ins(("invented_pictures",)):
        spec = importlib.util.find_spec("invented_pictures.transforms.functional")
        assert spec is not None
        assert isinstance(importlib.util.module_from_spec(spec).resize, type)
    assert importlib.util.find_spec("invented_pictures") is None


def test_a_package_that_is_there_is_left_alone() -> None:
    """No stand-in hides what is installed."""
    with stand_ins(("torch",)):
        spec = importlib.util.find_spec("torch")
    assert spec is torch.__spec__


def test_weights_that_were_not_loaded_are_named() -> None:
    """The tower and the parameter."""
    value = torch.zeros(1)
    check_loaded("Tower", [("kept", value)], ["kept"])
    with pytest.raises(ValueError, match=r"no weights for \['lost'\] of Tower"):
        check_loaded("Tower", [("kept", value), ("lost", value)], ["kept"])


def _attended(kernel: VarlenAttention, offsets: list[int], value: Tensor, *, longest: int = ROWS) -> Tensor:
    query, key = torch.randn(2, ROWS, HEADS, DIM, generator=torch.Generator().manual_seed(1))
    return kernel(
        query,
        key,
        value,
        cu_seqlens_q=torch.tensor(offsets, dtype=torch.int32),
        max_seqlen_q=longest,
        softmax_scale=None,
        out=torch.full((ROWS, HEADS, DIM), 7.0),
    )


def _values() -> Tensor:
    return torch.randn(ROWS, HEADS, DIM, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("offsets", [[0, 2, 4], [0, 2, 4, 4], [0, 2, 4, 0, 0]])
def test_rows_of_no_sequence_stay_as_they_were(offsets: list[int]) -> None:
    """Whatever stands behind the last real offset."""
    whole = _attended(VarlenAttention(), [0, 2, 4, 6], _values())
    output = _attended(VarlenAttention(), offsets, _values())
    assert torch.equal(output[4:], torch.full((2, HEADS, DIM), 7.0))
    torch.testing.assert_close(output[:4], whole[:4])


def test_rows_beyond_the_longest_stay_as_they_were() -> None:
    """A kernel starts no work for them."""
    output = _attended(VarlenAttention(), [0, 6], _values(), longest=4)
    assert (output[4:] == 7).all()
    assert not (output[:4] == 7).any()


@pytest.mark.parametrize("reads_tiles", [False, True])
def test_what_lies_behind_the_items(reads_tiles: bool) -> None:
    """A NaN there reaches the items only where whole tiles are read."""
    values = _values()
    values[5] = torch.nan
    output = _attended(VarlenAttention(reads_tiles=reads_tiles), [0, 2, 4], values)
    assert bool(output[:4].isnan().all()) is reads_tiles
    assert bool(output[:4].isnan().any()) is reads_tiles


def test_numbers_on_the_host_are_read() -> None:
    """As they are now; another dtype is refused."""
    number = torch.tensor(5, dtype=torch.int32)
    assert HostNumber(number).item() == 5
    with pytest.raises(TypeError, match=r"torch\.int32, found torch\.int64"):
        HostNumber(torch.tensor(5)).item()


def test_the_wrapper_is_given_a_number() -> None:
    """The engine's function gets what it may ask for its value, or nothing."""
    seen: list[object] = []

    def wrapper(_query: Tensor, *, max_seqlen: HostNumber | None) -> Tensor:
        seen.append(max_seqlen and max_seqlen.item())
        return torch.zeros(1)

    called = wrapped_attention(wrapper)
    called(torch.zeros(1), max_seqlen=torch.tensor(3, dtype=torch.int32))
    called(torch.zeros(1))
    assert seen == [3, None]


def test_the_platform_is_one_of_cuda() -> None:
    """The wrapper fills the output of a capture with zeros there."""
    assert (CudaPlatform().is_cuda(), CudaPlatform().is_rocm()) == (True, False)


def test_replacements_say_all() -> None:
    """Each has a name of its own, what stands for it, and why."""
    assert len({each.name for each in OWN_REPLACEMENTS}) == len(OWN_REPLACEMENTS)
    assert all(each.by and each.why for each in OWN_REPLACEMENTS)
