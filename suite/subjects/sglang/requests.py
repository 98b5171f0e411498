"""From items to what SGLang's models hand to the runner: all that comes before the first block, in eager."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from models.api import Item
from models.encoder import GenericEncoder
from suite.contract.subject import AdapterBroken
from suite.subjects.sglang.dialect import LAYOUT_KEY


@dataclass(frozen=True)
class Request:
    """One batch as the runner is given it."""

    rows: Tensor
    """`[rows, width]`, positions added."""
    rotary: tuple[Tensor, Tensor]
    """Cosines and sines, `[rows, head size]`."""
    offsets: Tensor
    """`[sequences + 1]`."""
    window_offsets: Tensor | None = None
    """`[windows + 1]`, of a tower with windows."""
    order: Tensor | None = None
    """`[tokens]`: where each token went, of a tower that orders its rows by windows."""

    def inputs(self, *, layout_key: bool) -> dict[str, object]:
        """Arguments of the runner, as Qwen2.5-VL gives them with windows and Qwen3-VL without."""
        cos, sin = self.rotary
        windows = self.window_offsets is not None
        given: dict[str, object] = {
            "x": self.rows,
            "cu_seqlens": self.offsets,
            "cu_window_seqlens": self.window_offsets,
            "position_embeddings": (cos, sin) if windows else None,
            "rotary_pos_emb_cos": None if windows else cos,
            "rotary_pos_emb_sin": None if windows else sin,
            "output_indices": self.order,
        }
        key = (_layout(self.offsets), _layout(self.window_offsets))
        return {**given, LAYOUT_KEY: key} if layout_key else given


def _layout(offsets: Tensor | None) -> tuple[int, ...] | None:
    return None if offsets is None else tuple(offsets.tolist())


def request_of(encoder: GenericEncoder, items: Sequence[Item]) -> Request:
    """The batch up to the first block.

    Raises:
        AdapterBroken: the tower never calls its first block.
    """
    metadata = {name: value.to(encoder.device) for name, value in encoder.metadata([i.grid for i in items]).items()}
    pixels = torch.cat([item.pixels for item in items]).to(encoder.device)
    tower: Any = encoder.module.tower
    rows, given = _first_call(tower.blocks[0], lambda: encoder.forward(pixels, metadata))
    window_index = metadata.get("window_index")
    return Request(
        rows,
        given["position_embeddings"],
        metadata["cu_seqlens"],
        metadata.get("cu_window_seqlens"),
        None if window_index is None else torch.argsort(window_index),
    )


class _Reached(Exception):
    """The first block was called, with these arguments; never leaves this file."""

    def __init__(self, rows: Tensor, named: Mapping[str, Any]) -> None:
        super().__init__()
        self.rows = rows
        self.named = named


def _first_call(block: nn.Module, run: Callable[[], object]) -> tuple[Tensor, Mapping[str, Any]]:
    """What a block is first called with."""

    def stop(_module: nn.Module, positional: tuple[Tensor, ...], named: Mapping[str, Any]) -> NoReturn:
        raise _Reached(positional[0], named)

    handle = block.register_forward_pre_hook(stop, with_kwargs=True)
    try:
        run()
    except _Reached as reached:
        return reached.rows, reached.named
    finally:
        handle.remove()
    raise AdapterBroken(f"a forward went by without a call of {type(block).__name__}, the first block")
