"""A small attention block: the program that the emulator is for."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from suite.emulator.device import EmulatedDevice

TOKENS, WIDTH, HEADS = 12, 8, 2


class Block(torch.nn.Module):
    """Attention within segments given by `cu_seqlens [segments + 1]`, and a residual."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = torch.nn.LayerNorm(WIDTH)
        self.qkv = torch.nn.Linear(WIDTH, 3 * WIDTH)
        self.out = torch.nn.Linear(WIDTH, WIDTH)

    def forward(self, tokens: Tensor, cu_seqlens: Tensor) -> Tensor:
        """`[TOKENS, WIDTH]` to the same; tokens after the last segment see only each other."""
        place = torch.arange(TOKENS, device=tokens.device, dtype=cu_seqlens.dtype)
        segment = torch.bucketize(place, cu_seqlens, right=True)
        visible = segment[:, None] == segment[None, :]
        q, k, v = self.qkv(self.norm(tokens)).view(TOKENS, 3, HEADS, -1).permute(1, 2, 0, 3).unbind(0)
        mixed = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=visible)
        added: Tensor = self.out(mixed.transpose(0, 1).reshape(TOKENS, WIDTH))
        return tokens + added


@pytest.fixture(params=[False, True], ids=["one device", "two devices"])
def device(request: pytest.FixtureRequest) -> EmulatedDevice:
    """Both forms."""
    return EmulatedDevice(accelerator=request.param)


def _batch(seed: int, *lengths: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    offsets = torch.tensor([0, *lengths], dtype=torch.int32).cumsum(0).int()
    return torch.randn(TOKENS, WIDTH, generator=generator), offsets


@torch.inference_mode()
def test_replays_equal_eager_for_changed_buffers(device: EmulatedDevice) -> None:
    """Other values and other segments through one graph: bit for bit what the eager block gives."""
    block = Block()
    first, second = _batch(0, 4, 8), _batch(1, 7, 3)
    expected = [block(*first), block(*second)]
    remote = device.place(block)
    tokens, offsets = (device.allocate(each.shape, dtype=each.dtype) for each in first)
    device.warm_up(lambda: remote(tokens, offsets))
    graph, output = device.capture(lambda: remote(tokens, offsets))
    for batch, want in zip((first, second, first), (expected[0], expected[1], expected[0]), strict=True):
        tokens.copy_(batch[0])
        offsets.copy_(batch[1])
        graph.replay()
        torch.testing.assert_close(device.to_host(output), want)
    assert graph.reads_poison() is None
    assert device.facts.refused == ()


@pytest.mark.parametrize("forgotten", ["tokens", "cu_seqlens"])
@torch.inference_mode()
def test_a_buffer_that_is_not_copied_is_visible(device: EmulatedDevice, forgotten: str) -> None:
    """Skipping either copy gives an error of order one, far from any tolerance."""
    block = Block()
    first, second = _batch(0, 4, 8), _batch(1, 7, 3)
    want = block(*second)
    remote = device.place(block)
    buffers = [device.place(each) for each in first]
    if device.device.type == "cpu":
        buffers = [each.clone() for each in first]
    graph, output = device.capture(lambda: remote(*buffers))
    for name, buffer, value in zip(("tokens", "cu_seqlens"), buffers, second, strict=True):
        if name != forgotten:
            buffer.copy_(value)
    graph.replay()
    assert (device.to_host(output) - want).abs().max() > 0.01
