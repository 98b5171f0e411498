"""Labels of loads: the models, wishes and calls that must occur, decided from the case alone."""

from __future__ import annotations

from collections.abc import Callable

from models.whole import MODELS
from models.whole.rope import DYNAMIC
from suite.contract.loading import LoadCase, ModelLoad

LoadLabel = Callable[[LoadCase], bool]


def _any(is_in: Callable[[ModelLoad], bool]) -> LoadLabel:
    return lambda case: any(map(is_in, case.loads))


def _differ(what: Callable[[ModelLoad], object]) -> LoadLabel:
    return lambda case: len({what(load) for load in case.loads}) > 1


def _modalities(load: ModelLoad) -> tuple[str, ...]:
    """What it takes besides text; of what is no whole model, nothing is known."""
    return MODELS[load.model.name].modalities if load.model.name in MODELS else ()


def _has_encoders(load: ModelLoad) -> bool:
    return bool(_modalities(load))


def _wished(load: ModelLoad) -> bool:
    return load.wishes.encoder is True and load.wishes.mode != "none"


def _modality(name: str) -> LoadLabel:
    return _any(lambda load: name in _modalities(load))


LOAD_LABELS: dict[str, LoadLabel] = {
    "encoder-wished": _any(lambda load: _has_encoders(load) and _wished(load)),
    "encoder-not-mentioned": _any(lambda load: _has_encoders(load) and load.wishes.encoder is None),
    "encoder-refused": _any(lambda load: _has_encoders(load) and load.wishes.encoder is False),
    "wish-without-encoder": _any(lambda load: not _has_encoders(load) and _wished(load)),
    "one-token": _any(lambda load: 1 in load.calls),
    "several-lengths": _any(lambda load: len(set(load.calls)) > 1),
    "one-layer": _any(lambda load: load.model.layers == 1),
    "load-mode-full": _any(lambda load: load.wishes.mode == "full"),
    "load-mode-stock": _any(lambda load: load.wishes.mode == "stock"),
    "load-mode-none": _any(lambda load: load.wishes.mode == "none"),
    "sees-images": _modality("image"),
    "sees-videos": _modality("video"),
    "hears": _modality("audio"),
    "no-rope": _any(lambda load: load.model.name in ("gpt2", "opt", "bart", "whisper", "bloom")),
    "nested-rope": _any(lambda load: load.model.name in ("gemma3", "modernbert")),
    "dynamic-rope": _any(lambda load: load.model.rope in DYNAMIC),
    "other-rope": _any(lambda load: load.model.rope not in ("", *DYNAMIC)),
    "other-depths": _differ(lambda load: load.model.layers),
    "other-wishes": _differ(lambda load: load.wishes),
    "other-weights": _differ(lambda load: load.seed),
    "other-models": _differ(lambda load: load.model.name),
    "same-wishes-again": lambda case: len({load.wishes for load in case.loads}) < len(case.loads),
}
"""Classes of inputs of laws on loading."""
