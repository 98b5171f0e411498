"""A tiny text decoder with random weights: the language model beside the encoders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaModel

from models.programs.program import Program
from models.programs.rows import apart, generator, offsets_of

_VOCABULARY = 32


class Decoder(nn.Module):
    """Llama's base decoder over several texts in one row, each of which sees itself alone."""

    def __init__(self, *, scale: float, depth: int, instance: int) -> None:
        super().__init__()
        config = LlamaConfig(
            vocab_size=_VOCABULARY,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=depth,
            num_attention_heads=2,
            num_key_value_heads=1,
            max_position_embeddings=256,
            use_cache=False,
        )
        # The declared constructor does not name it, and there is no other way to say it.
        config._attn_implementation = "eager"  # noqa: SLF001 - see above
        self.model = LlamaModel(config)
        noise = generator("decoder", instance)
        with torch.no_grad():
            for parameter in self.model.parameters():
                drawn = torch.randn(parameter.shape, generator=noise)
                parameter.copy_(drawn / parameter.shape[-1] ** 0.5 if parameter.ndim > 1 else 1 + drawn / 10)

    def forward(self, ids: Tensor, positions: Tensor, offsets: Tensor) -> Tensor:
        """`ids [n]` and `positions [n]`, int64, and `offsets [items + 1]` to hidden states `[n, 16]`."""
        count = ids.shape[0]
        later = torch.ones(count, count, dtype=torch.bool, device=ids.device).triu(1)
        hidden = apart(offsets, count) | later
        mask = torch.zeros(count, count, device=ids.device).masked_fill(hidden, float("-inf"))
        states = self.model(
            input_ids=ids[None], position_ids=positions[None], attention_mask=mask[None, None], use_cache=False
        )
        return cast(Tensor, states.last_hidden_state[0])


def token_inputs(
    sizes: Sequence[int],
    *,
    seed: int,
    optional: bool = False,  # noqa: ARG001 - of the form `MakesInputs`
) -> dict[str, Tensor]:
    """Texts of those lengths."""
    total = sum(sizes)
    ids = torch.randint(_VOCABULARY, (total,), generator=generator("ids", seed))
    positions = [torch.arange(size) for size in sizes]
    joined = torch.cat(positions) if positions else torch.empty(0, dtype=torch.int64)
    return {"ids": ids, "positions": joined, "offsets": offsets_of(sizes)}


DECODER = Program(
    name="decoder",
    module=Decoder,
    inputs=token_inputs,
    size="ids",
    dynamic={"ids": 0, "positions": 0, "offsets": 0},
    seams=("aten::softmax",),
    bakes=frozenset({"depth"}),
    items=True,
    empty=False,
)
