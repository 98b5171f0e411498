"""The protocol, the runner that asks for it, and the buffers between them (SPEC G2, G6, G11)."""

from __future__ import annotations

import logging

import pytest
import torch
from torch import Tensor

import models
from models.towers import build_tower
from reference.encoder_graph.buffers import BufferMismatch, StaticBuffers
from reference.encoder_graph.config import ConfigError, EncoderGraphConfig
from reference.encoder_graph.model import EncoderGraphModel
from reference.encoder_graph.protocol import SupportsEncoderCudaGraph, missing_methods
from reference.model_runner import EncoderModelRunner
from selftests.reference.plain import PlainDevice, config, item, manager

METHODS = [
    "encoder_cudagraph_forward",
    "encoder_eager_forward",
    "get_encoder_cudagraph_budget_range",
    "get_encoder_cudagraph_capacity",
    "get_encoder_cudagraph_config",
    "get_encoder_cudagraph_item_specs",
    "prepare_encoder_cudagraph_capture_inputs",
    "prepare_encoder_cudagraph_replay_buffers",
    "select_encoder_cudagraph_items",
]


class _Lacking(EncoderGraphModel):
    """The toy without some methods: they are there, but cannot be called."""

    def __init__(self, *names: str) -> None:
        super().__init__(models.build("toy"))
        for name in names:
            setattr(self, name, None)


def test_the_protocol_has_nine_methods() -> None:
    """A model that has none lacks exactly these; the zoo's wrapper lacks none."""
    assert missing_methods(object()) == METHODS
    whole = EncoderGraphModel(models.build("toy"))
    assert missing_methods(whole) == []
    assert isinstance(whole, SupportsEncoderCudaGraph)
    assert not isinstance(object(), SupportsEncoderCudaGraph)


@pytest.mark.parametrize("name", METHODS)
def test_a_missing_method_is_named(name: str) -> None:
    """The manager refuses the model before anything is captured."""
    with pytest.raises(TypeError) as refusal:
        manager(model=_Lacking(name))
    assert str(refusal.value) == f"_Lacking cannot be graphed: it lacks {name}."


def test_all_missing_methods_are_named() -> None:
    """In one sentence, sorted."""
    with pytest.raises(TypeError) as refusal:
        manager(model=_Lacking(METHODS[8], METHODS[0]))
    assert str(refusal.value) == f"_Lacking cannot be graphed: it lacks {METHODS[0]}, {METHODS[8]}."


def _runner(
    wishes: EncoderGraphConfig, *, model: EncoderGraphModel | None = None
) -> tuple[EncoderModelRunner, PlainDevice]:
    device = PlainDevice()
    return EncoderModelRunner(models.build("toy"), config=wishes, device=device, model=model), device


def test_a_runner_is_off_by_default() -> None:
    """No manager, no capture, no replay, and the values of eager."""
    runner, device = _runner(EncoderGraphConfig())
    runner.capture_model()
    clip = item(2, 4, frames=2)
    (output,) = runner.execute_mm_encoder([clip])
    assert runner.manager is None
    assert (device.alive, device.replays) == (0, 0)
    assert torch.allclose(output, build_tower("toy").encode(clip.pixels, clip.grid), atol=1e-5)
    assert runner.execute_mm_encoder([]) == []


def test_a_runner_that_is_on_captures_and_replays() -> None:
    """Nothing before `capture_model`; a graph per budget after it."""
    runner, device = _runner(config(encoder_cudagraph_token_budgets=[4]))
    assert device.alive == 0
    runner.capture_model()
    assert device.alive == 1
    runner.execute_mm_encoder([item(2, 2), item(6, 6)])
    assert device.replays == 1
    assert runner.execute_mm_encoder([]) == []


def test_a_model_without_the_protocol_stays_eager(caplog: pytest.LogCaptureFixture) -> None:
    """The flag is on but the model cannot: one warning that names what is missing, and eager."""
    with caplog.at_level(logging.WARNING):
        runner, device = _runner(config(), model=_Lacking("select_encoder_cudagraph_items"))
    runner.capture_model()
    assert runner.manager is None
    assert len(runner.execute_mm_encoder([item(2, 2)])) == 1
    assert device.replays == 0
    assert [record.getMessage() for record in caplog.records] == [
        "encoder graphs stay off: the model lacks select_encoder_cudagraph_items"
    ]


def test_a_runner_refuses_what_its_manager_refuses() -> None:
    """A bad configuration ends the start, not the first request."""
    with pytest.raises(ConfigError, match="9 items per batch do not fit the smallest budget of 4 tokens"):
        _runner(config(encoder_cudagraph_token_budgets=[4], encoder_cudagraph_max_images_per_batch=9))


LIKE = {"pixels": torch.zeros(4, 3), "cu_seqlens": torch.zeros(3, dtype=torch.int32), "count": torch.tensor(0)}


def _buffers() -> StaticBuffers:
    buffers = StaticBuffers(LIKE, input_key="pixels", device=PlainDevice())
    buffers.load(_values())
    return buffers


def _values(**changes: Tensor) -> dict[str, Tensor]:
    values = {
        "pixels": torch.full((4, 3), 7.0),
        "cu_seqlens": torch.tensor([0, 2, 4], dtype=torch.int32),
        "count": torch.tensor(2),
    }
    return {**values, **changes}


def test_buffers_keep_their_storage() -> None:
    """New values, the same addresses; bytes are those of the tensors."""
    buffers = _buffers()
    before = {name: tensor.data_ptr() for name, tensor in buffers.tensors.items()}
    buffers.load(_values(count=torch.tensor(1)))
    assert {name: tensor.data_ptr() for name, tensor in buffers.tensors.items()} == before
    assert int(buffers.tensors["count"]) == 1
    assert buffers.bytes == 4 * 3 * 4 + 3 * 4 + 8


def test_rows_past_the_pixels_are_reset() -> None:
    """Half a batch of pixels: the rest is zero, nothing of the batch before is left."""
    buffers = _buffers()
    buffers.load(_values(pixels=torch.ones(2, 3)))
    assert torch.equal(buffers.tensors["pixels"], torch.cat([torch.ones(2, 3), torch.zeros(2, 3)]))
    buffers.load(_values(pixels=torch.ones(0, 3)))
    assert not bool(buffers.tensors["pixels"].any())


SHAPES = "a copy must neither broadcast nor convert."
CAPTURED = "but the capture had ['count', 'cu_seqlens', 'pixels']: both must come from the same preparation."
MISMATCHES: dict[str, tuple[dict[str, Tensor], str]] = {
    "too many rows": (
        _values(pixels=torch.zeros(5, 3)),
        f"buffer 'pixels' is [4, 3] torch.float32, but the replay gives [5, 3] torch.float32: {SHAPES}",
    ),
    "rows of another shape": (
        _values(pixels=torch.zeros(4, 1)),
        f"buffer 'pixels' is [4, 3] torch.float32, but the replay gives [4, 1] torch.float32: {SHAPES}",
    ),
    "another dtype": (
        _values(pixels=torch.zeros(4, 3, dtype=torch.float64)),
        f"buffer 'pixels' is [4, 3] torch.float32, but the replay gives [4, 3] torch.float64: {SHAPES}",
    ),
    "half of the metadata": (
        _values(cu_seqlens=torch.zeros(2, dtype=torch.int32)),
        f"buffer 'cu_seqlens' is [3] torch.int32, but the replay gives [2] torch.int32: {SHAPES}",
    ),
    "a number as a list": (
        _values(count=torch.zeros(1, dtype=torch.int64)),
        f"buffer 'count' is [] torch.int64, but the replay gives [1] torch.int64: {SHAPES}",
    ),
    "a key too many": (
        _values(rotary=torch.zeros(1)),
        f"replay gives the buffers ['count', 'cu_seqlens', 'pixels', 'rotary'], {CAPTURED}",
    ),
    "a key too few": (
        {"pixels": torch.zeros(4, 3)},
        f"replay gives the buffers ['pixels'], {CAPTURED}",
    ),
}


@pytest.mark.parametrize("name", MISMATCHES)
def test_a_mismatch_is_refused_and_nothing_is_written(name: str) -> None:
    """One sentence with both sides; every buffer is as it was."""
    values, sentence = MISMATCHES[name]
    buffers = _buffers()
    before = {key: tensor.clone() for key, tensor in buffers.tensors.items()}
    with pytest.raises(BufferMismatch) as refusal:
        buffers.load(values)
    assert str(refusal.value) == sentence
    assert all(torch.equal(tensor, before[key]) for key, tensor in buffers.tensors.items())
