"""The encoder of a family as a program: pixels and metadata are its keyword arguments."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from types import MappingProxyType
from typing import cast

import torch
from torch import Tensor, nn

from models import build
from models.discovery import GRID
from models.encoder import GenericEncoder
from models.families import family as family_named
from models.programs.grids import grid_of, largest
from models.programs.program import Program
from models.programs.rows import generator

_SPREAD = 0.1
"""How far the weights of further instances lie from the family's, as a share of their own spread."""


class EncoderProgram(nn.Module):
    """A family's encoder module. `max_seqlen` and its kind are tensors without dimensions."""

    def __init__(self, *, family: str, scale: float, depth: int, instance: int) -> None:
        super().__init__()
        self.encoder = copy.deepcopy(_encoder(family).module)
        _spread(self.encoder, family, instance)

    def forward(
        self,
        pixels: Tensor,
        grid_thw: Tensor,
        position_ids: Tensor | None = None,
        places: Tensor | None = None,
        cu_seqlens: Tensor | None = None,
        cu_window_seqlens: Tensor | None = None,
        max_seqlen: Tensor | None = None,
        max_window_seqlen: Tensor | None = None,
        window_index: Tensor | None = None,
        interp_indices: Tensor | None = None,
        interp_weights: Tensor | None = None,
        frame_index: Tensor | None = None,
        temporal_merge_index: Tensor | None = None,
    ) -> Tensor:
        """`pixels [rows, *row_shape]` to `[tokens, width]`; which metadata is given, the family decides."""
        given = {
            "position_ids": position_ids,
            "places": places,
            "cu_seqlens": cu_seqlens,
            "cu_window_seqlens": cu_window_seqlens,
            "max_seqlen": max_seqlen,
            "max_window_seqlen": max_window_seqlen,
            "window_index": window_index,
            "interp_indices": interp_indices,
            "interp_weights": interp_weights,
            "frame_index": frame_index,
            "temporal_merge_index": temporal_merge_index,
        }
        metadata = {name: value for name, value in given.items() if value is not None}
        return cast(Tensor, self.encoder(pixels, grid_thw, **metadata))


def tower(family: str) -> Program:
    """The program of one family."""
    sizes = family_named(family).sizes

    def inputs(
        sizes: Sequence[int],
        *,
        seed: int,
        optional: bool,  # noqa: ARG001 - of the form `MakesInputs`
    ) -> dict[str, Tensor]:
        return tower_inputs(family, sizes, seed=seed)

    example = tower_inputs(family, [1], seed=0)
    return Program(
        name="tower",
        module=EncoderProgram,
        inputs=inputs,
        size="pixels",
        # The grid of a family that does not read it is the same in every call.
        dynamic={name: 0 for name, value in example.items() if value.ndim and name in _varying(family)},
        items=True,
        empty=False,
        rows_per_unit=sizes.rows_per_unit,
        most_units=largest(sizes),
        fixed=MappingProxyType({"family": family}),
    )


def tower_inputs(family: str, units: Sequence[int], *, seed: int) -> dict[str, Tensor]:
    """Pixels and metadata of one image of each size; the seed decides the pixels and the images' shapes."""
    known = family_named(family)
    grids = [grid_of(known.sizes, size, seed) for size in units]
    rows = sum(map(known.sizes.rows, grids))
    pixels = torch.randn(rows, *known.row_shape, generator=generator("pixels", seed))
    metadata = _encoder(family).metadata(grids)
    return {"pixels": pixels, GRID: torch.ones(1, 3, dtype=torch.int64), **metadata}


def _encoder(family: str) -> GenericEncoder:
    return cast(GenericEncoder, build(family))


def _varying(family: str) -> set[str]:
    """The pixels, and all metadata that the family has."""
    metadata = tower_inputs(family, [1], seed=0).keys() - {GRID}
    reads_grid = GRID in _encoder(family).metadata([grid_of(family_named(family).sizes, 1, 0)])
    return metadata | {GRID} if reads_grid else set(metadata)


def _spread(module: nn.Module, family: str, instance: int) -> None:
    """Moves the weights of an instance away from the family's, the first excepted."""
    noise = generator("tower", family, instance)
    with torch.no_grad():
        for parameter in module.parameters() if instance else ():
            drawn = torch.randn(parameter.shape, generator=noise)
            parameter.add_(drawn * _SPREAD * parameter.std(correction=0))
