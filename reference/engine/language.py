"""The language model beside the encoder: a tiny stand-in, or one of transformers, over merged embeddings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, cast

import torch
from torch import Tensor, nn

from reference.compilation.compiled_forward import CompileServices
from reference.compilation.config import CompilationConfig
from reference.compilation.decorator import support_torch_compile
from reference.engine.errors import EngineConfigError
from reference.engine.place import imported

VOCABULARY = 64
PLACEHOLDER = 1
"""The token that stands for one row of an encoder's output."""
SEED = 20262
"""Of all random weights."""
LAYERS = 2


class StandInDecoder(nn.Module):
    """Causal attention and a gate, twice. Small enough to compile in a second, and it traces as one graph."""

    def __init__(self, width: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(SEED)
        self.mixing = nn.ParameterList([_drawn(width, 3 * width, generator) for _ in range(LAYERS)])
        self.gates = nn.ParameterList([_drawn(width, width, generator) for _ in range(LAYERS)])

    def forward(self, inputs_embeds: Tensor, positions: Tensor) -> Tensor:
        """`[tokens, width]` and `[tokens]` to hidden states `[tokens, width]`."""
        states = inputs_embeds
        later = positions[None, :] > positions[:, None]
        for mixing, gate in zip(self.mixing, self.gates, strict=True):
            query, key, value = (states @ mixing).chunk(3, dim=-1)
            scores = (query @ key.T / query.shape[-1] ** 0.5).masked_fill(later, float("-inf"))
            states = states + (scores.softmax(-1) @ value)
            states = states + torch.tanh(states @ gate)
        return states


@dataclass(frozen=True, eq=False)
class LanguageModel:
    """Token embeddings, and a decoder over embeddings."""

    table: Tensor
    """`[VOCABULARY, width]`."""
    decode: Callable[[Tensor, Tensor], Tensor]
    """`[tokens, width]` and positions `[tokens]` to hidden states `[tokens, width]`."""

    def forward(self, ids: Tensor, rows: Sequence[Tensor] = ()) -> Tensor:
        """`ids [tokens]` to hidden states `[tokens, width]`; encoders' rows take the place of placeholders, in order.

        Raises:
            ValueError: there are more or fewer rows than placeholders.
        """
        with torch.no_grad():
            embeds = merged(self.table[ids], ids == PLACEHOLDER, rows)
            return self.decode(embeds, torch.arange(len(ids), device=ids.device))

    def warm_up(self, tokens: int = 4) -> None:
        """Compiles, if it is to compile. Embeddings go in, as they will later (BUG-G12)."""
        self.forward(torch.zeros(tokens, dtype=torch.int64, device=self.table.device))


def merged(embeds: Tensor, wanted: Tensor, rows: Sequence[Tensor]) -> Tensor:
    """`[tokens, width]` with one row of an item in each wanted place.

    Raises:
        ValueError: there are more or fewer rows than places; nothing is shifted or cut.
    """
    given, places = sum(len(each) for each in rows), int(wanted.sum())
    if given != places:
        raise ValueError(
            f"{len(rows)} items have {given} rows, and the text has {places} placeholders (id {PLACEHOLDER}): "
            "write one placeholder for each row of each item."
        )
    if not rows:
        return embeds
    return embeds.masked_scatter(wanted[:, None], torch.cat(list(rows)).to(embeds.dtype))


MakeLanguageModel = Callable[[int, torch.device, CompilationConfig, CompileServices], LanguageModel]


def stand_in(width: int, device: torch.device, config: CompilationConfig, services: CompileServices) -> LanguageModel:
    """The stand-in, which compiles at its first call."""
    cls: Any = support_torch_compile(StandInDecoder)
    decoder = cls(width, compilation_config=config, services=services).eval().requires_grad_(False).to(device)
    return LanguageModel(_table(width).to(device), decoder)


LANGUAGE_MODELS: Mapping[str, str] = MappingProxyType(
    {"stand_in": f"{__name__}:stand_in", "llama": "reference.engine.llama:llama"}
)
"""Where the function that makes one stands, by name: transformers is imported only for what needs it."""


def named_language_model(name: str) -> MakeLanguageModel:
    """How the language model of that name is made.

    Raises:
        EngineConfigError: there is none.
    """
    if name not in LANGUAGE_MODELS:
        raise EngineConfigError(f"language_model={name!r} is not known: choose one of {', '.join(LANGUAGE_MODELS)}.")
    return cast(MakeLanguageModel, imported(LANGUAGE_MODELS[name]))


def _drawn(rows: int, columns: int, generator: torch.Generator) -> nn.Parameter:
    return nn.Parameter(torch.randn(rows, columns, generator=generator) / rows**0.5)


def _table(width: int) -> Tensor:
    return torch.randn(VOCABULARY, width, generator=torch.Generator().manual_seed(SEED + 1))
