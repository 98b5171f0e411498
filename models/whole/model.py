"""One whole model of transformers as data: how to configure it, what it takes, and where its parts are."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from models.whole.inputs import Inputs

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel


LAYERS = ("num_hidden_layers", "n_layer", "num_layers", "decoder_layers")
"""What families call the number of layers of their decoder."""


@dataclass(frozen=True, kw_only=True)
class WholeModel:
    """A family with its language model, as transformers builds it: a few thousand random weights."""

    name: str
    """Its `model_type`."""
    architecture: str
    """The class that transformers has for generating with it."""
    decoder: str
    """Path of the base decoder, without its head (SPEC D1)."""
    settings: Mapping[str, Any]
    """Of its configuration; mappings are nested configurations."""
    inputs: Callable[[int], Inputs]
    """For so many tokens of text."""
    encoders: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """Path of each tower, and the modalities that it serves (BUG-H05)."""

    loops: bool = False
    """Whether its forward is a loop over tokens, so that each number of them is another program."""

    @property
    def modalities(self) -> tuple[str, ...]:
        """What it takes besides text."""
        return tuple(modality for served in self.encoders.values() for modality in served)

    def config(self, **changes: object) -> PreTrainedConfig:
        """A new configuration; a change of `text_config` or the like is merged into what it has."""
        from transformers import AutoConfig

        config: PreTrainedConfig = AutoConfig.for_model(self.name, **merged(self.settings, changes))
        return config

    def with_layers(self, layers: int) -> PreTrainedConfig:
        """A new configuration with so many layers in its decoder."""
        where = self.settings.get("text_config", self.settings)
        changed = {name: layers for name in LAYERS if name in where}
        return self.config(**({"text_config": changed} if "text_config" in self.settings else changed))

    def build(self, config: PreTrainedConfig | None = None) -> PreTrainedModel:
        """The plain model with random weights, in eager, for inference, without a cache of keys and values.

        Random numbers are torch's default ones: seed them before.
        """
        import transformers

        wanted = copy.deepcopy(config) if config is not None else self.config()
        for each in (wanted, *(value for value in vars(wanted).values() if hasattr(value, "use_cache"))):
            if hasattr(each, "use_cache"):
                each.use_cache = False
        cls: Any = getattr(transformers, self.architecture)
        made: PreTrainedModel = cls._from_config(wanted).eval()  # what AutoModel.from_config calls
        return made


def merged(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A deep copy of the settings with some changed, nested ones too."""
    found = {name: merged(each, {}) if isinstance(each, Mapping) else each for name, each in settings.items()}
    for name, each in changes.items():
        inner = found.get(name)
        found[name] = merged(inner, each) if isinstance(inner, dict) and isinstance(each, Mapping) else each
    return found
