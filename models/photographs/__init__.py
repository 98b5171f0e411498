"""Real photographs through transformers' own image processors, without a network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, cast

import transformers
from PIL import Image
from torch import Tensor

from models.api import Family, Grid, Item
from models.families import FAMILIES

_FOLDER = Path(__file__).parent
_TILE = {"height": 32, "width": 32}
_PATCHES = {"patch_size": 4, "temporal_patch_size": 2, "merge_size": 2}

_SETTINGS: Mapping[str, Mapping[str, object]] = {
    "Qwen2VLImageProcessorPil": {**_PATCHES, "size": {"shortest_edge": 16**2, "longest_edge": 44**2}},
    # This one counts the pixels of both frames that it makes of an image.
    "Glm4vImageProcessorPil": {**_PATCHES, "size": {"shortest_edge": 16**2, "longest_edge": 2 * 44**2}},
    "Gemma3ImageProcessorPil": {"size": _TILE},
    "CLIPImageProcessorPil": {"size": {"shortest_edge": 32}, "crop_size": _TILE},
    "GotOcr2ImageProcessorPil": {"size": _TILE, "crop_to_patches": True, "max_patches": 6},
}
"""For each processor, what makes its patches and tiles those of the tiny towers."""


class _Processor(Protocol):
    """The call of an image processor."""

    def __call__(self, images: list[Image.Image], *, return_tensors: str) -> Mapping[str, Tensor]: ...


def photograph_items(family: Family) -> list[Item]:
    """Every photograph as one item of the family, in the order of the file names.

    Raises:
        ValueError: the family has no processor that runs without torchvision.
    """
    if family.processor is None:
        names = ", ".join(each.name for each in FAMILIES if each.processor)
        raise ValueError(f"{family.name} has no image processor here: choose one of {names}.")
    make = getattr(transformers, family.processor)
    processor = cast(_Processor, make(**_SETTINGS[family.processor]))
    return [_item(family, processor, path) for path in sorted(_FOLDER.glob("*.jpg"))]


def _item(family: Family, processor: _Processor, path: Path) -> Item:
    with Image.open(path) as opened:
        processed = processor([opened.convert("RGB")], return_tensors="pt")
    pixels = processed["pixel_values"]
    if family.sizes.tile is not None:
        return Item(Grid(pixels.shape[0], *family.sizes.tile), pixels)
    frames, height, width = processed["image_grid_thw"][0].tolist()
    return Item(Grid(frames, height, width), pixels)
