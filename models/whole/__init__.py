"""Whole models of transformers with tiny random weights: text, images, videos, sound.

Importing this package imports no transformers; `WholeModel.config` and `WholeModel.build` do.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from models.whole import multimodal, text
from models.whole.model import WholeModel

__all__ = ["MODELS", "UnknownModel", "WholeModel", "whole_model"]

MODELS: Mapping[str, WholeModel] = MappingProxyType(
    {each.name: each for each in (*text.DECODERS, *text.ENCODERS, *text.PAIRS, *multimodal.SEEING, *multimodal.HEARING)}
)
"""By name, in an order that stays."""


class UnknownModel(ValueError):
    """No whole model has this name: the text lists those that exist."""


def whole_model(name: str) -> WholeModel:
    """The model of that name.

    Raises:
        UnknownModel: there is none.
    """
    if name not in MODELS:
        raise UnknownModel(f"no whole model {name!r}: choose one of {', '.join(MODELS)}")
    return MODELS[name]
