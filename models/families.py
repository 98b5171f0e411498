"""The families of the zoo, as data: importing this file builds nothing and imports no tower."""

from __future__ import annotations

from models.api import Family, Sizes


class UnknownFamily(ValueError):
    """No family has this name. Use one of the names in the message."""


def _tiles(tokens: int) -> Sizes:
    """Tiles of 4 x 4 patches, each giving so many tokens."""
    return Sizes(max_frames=8, tile=(4, 4), tokens_per_tile=tokens)


_TILE = (3, 32, 32)
_BOTH = ("image", "video")
_EVERY = ("flash", "bucketed")
_QWEN = "Qwen2VLImageProcessorPil"
_CLIPS = Sizes(merge=2, max_frames=4)
_IMAGES = Sizes(merge=2)

FAMILIES: tuple[Family, ...] = (
    Family("toy", Sizes(merge=2, max_frames=8), (12,), width=16, modalities=_BOTH, backends=_EVERY),
    Family("qwen2_vl", _CLIPS, (96,), width=32, cost=3, modalities=_BOTH, backends=_EVERY, processor=_QWEN),
    Family("qwen2_5_vl", _CLIPS, (96,), width=32, cost=4, modalities=_BOTH, processor=_QWEN),
    Family("qwen3_vl", _CLIPS, (96,), width=64, cost=4, modalities=_BOTH, backends=_EVERY, processor=_QWEN),
    Family("glm4v", _IMAGES, (96,), width=32, cost=5, processor="Glm4vImageProcessorPil"),
    Family("kimi_k25", _IMAGES, (3, 4, 4), width=32, cost=4, backends=_EVERY),
    Family("gemma3", _tiles(4), _TILE, width=32, cost=2, processor="Gemma3ImageProcessorPil"),
    Family("llava", _tiles(16), _TILE, width=32, cost=2, processor="CLIPImageProcessorPil"),
    Family("internvl", _tiles(4), _TILE, width=32, cost=2, processor="GotOcr2ImageProcessorPil"),
    Family("llama4", _tiles(4), _TILE, width=32, cost=2),
)
"""Every family, the cheapest first."""

_BY_NAME = {each.name: each for each in FAMILIES}


def family(name: str) -> Family:
    """The family of that name.

    Raises:
        UnknownFamily: there is none; the message lists the valid names.
    """
    if name not in _BY_NAME:
        raise UnknownFamily(f"There is no family {name!r}: choose one of {', '.join(_BY_NAME)}.")
    return _BY_NAME[name]
