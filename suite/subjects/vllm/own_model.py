"""The engine's own model as its manager meets it: vision tower and protocol, with the weights of the zoo's tower."""

from __future__ import annotations

from collections.abc import Iterable
from inspect import signature
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from torch import Tensor, nn

from models.api import Encoder, Family
from models.towers import build_tower
from suite.subjects.vllm.engine import Engine
from suite.subjects.vllm.own_replaced import while_built
from suite.subjects.vllm.own_sources import OwnClasses, declared, imported_module

LARGEST = 64
"""The range of useful budgets ends at so many of the smallest items, as that of the zoo's models does."""


def own_families(engine: Engine) -> tuple[OwnClasses, ...]:
    """The towers of the zoo for which this release has a model that declares the protocol."""
    return declared(Path(str(engine.vision.__file__)).parent)


class OwnModels:
    """Makes the engine's own models, each with a tower of its own."""

    def __init__(self, classes: Iterable[OwnClasses]) -> None:
        self._classes = {each.family: each for each in classes}

    def __call__(self, encoder: Encoder) -> object:
        """The model that stands for the encoder, with equal weights."""
        own = self._classes[encoder.family.name]
        module = imported_module(own)
        return _model(getattr(module, own.model), _tower(own, module), encoder.family)


def _model(kind: type[nn.Module], visual: nn.Module, family: Family) -> object:
    """The engine's class without its language model, with what the methods of the protocol read."""
    answers = {
        "get_max_frames_per_video": lambda _self: family.sizes.max_frames,
        "get_encoder_cudagraph_budget_range": lambda _self, _config: (family.sizes.unit, family.sizes.unit * LARGEST),
    }
    small: Any = type(kind.__name__, (kind,), answers)
    model = small.__new__(small)
    nn.Module.__init__(model)
    scheduler = SimpleNamespace(max_num_batched_tokens=family.sizes.max_tokens)
    fields: dict[str, object] = {
        "visual": visual,
        "use_data_parallel": False,
        "is_multimodal_pruning_enabled": False,
        "config": SimpleNamespace(vision_config=SimpleNamespace(spatial_merge_size=family.sizes.merge)),
        "model_config": SimpleNamespace(max_model_len=family.sizes.max_tokens),
        "vllm_config": SimpleNamespace(scheduler_config=scheduler),
    }
    for name, value in fields.items():
        setattr(model, name, value)
    return model


def _tower(own: OwnClasses, module: ModuleType) -> nn.Module:
    """The engine's tower, made by its own constructor and filled by its own loader."""
    zoo: Any = build_tower(own.family).module.get_submodule("tower")
    make = getattr(module, own.tower)
    wanted = {name: value for name, value in _settings(zoo.config).items() if name in signature(make).parameters}
    with while_built():
        tower = make(**wanted)
    loaded = tower.load_weights(zoo.named_parameters())
    check_loaded(own.tower, tower.named_parameters(), loaded)
    for layer in tower.modules():
        if hasattr(layer, "_forward_method") and not hasattr(layer, "attn_backend"):
            layer._forward_method = layer.forward_native  # noqa: SLF001  (listed in `own_replaced.py`)
    whole: nn.Module = tower.eval().requires_grad_(False)
    return whole


def _settings(config: Any) -> dict[str, object]:  # noqa: ANN401 - of transformers, one class per family
    """What constructors of towers are given by the classes that hold them."""
    return {"vision_config": config, "text_config": None, "norm_eps": getattr(config, "rms_norm_eps", 1e-6)}


def check_loaded(tower: str, parameters: Iterable[tuple[str, Tensor]], loaded: Iterable[str]) -> None:
    """Every parameter must have come from the zoo.

    Raises:
        ValueError: one has still the value with which it was made.
    """
    missing = sorted({name for name, _ in parameters} - set(loaded))
    if missing:
        raise ValueError(f"the zoo's tower has no weights for {missing} of {tower}: both must be of one form")
