"""Builds the model of a configuration, on the meta device or for good (SPEC D3, BUG-H08)."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator, Mapping
from typing import Any, cast

import torch
import transformers
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.models.auto import modeling_auto

from reference.transformers_backend.errors import BackendError

_Mapping = Mapping[type[PreTrainedConfig], Any]

# Transformers sets torch's default dtype, which belongs to the whole process, while it makes a model.
_building = threading.RLock()


class ModelBuilder:
    """Chooses the class of a configuration and makes models of it. No weights are read."""

    multimodal: tuple[_Mapping, ...] = (
        cast(_Mapping, modeling_auto.MODEL_FOR_MULTIMODAL_LM_MAPPING),
        cast(_Mapping, modeling_auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING),
    )
    encoder_decoder: tuple[_Mapping, ...] = (
        cast(_Mapping, modeling_auto.MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING),
        cast(_Mapping, modeling_auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING),
    )
    decoder_only: tuple[_Mapping, ...] = (cast(_Mapping, modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING),)
    encoder_only: tuple[_Mapping, ...] = (cast(_Mapping, modeling_auto.MODEL_FOR_MASKED_LM_MAPPING),)
    bare: tuple[_Mapping, ...] = (cast(_Mapping, modeling_auto.MODEL_MAPPING),)

    def build(self, config: PreTrainedConfig) -> PreTrainedModel:
        """A model with random weights, in eager, for inference. The configuration is copied.

        Raises:
            BackendError: no class is known for the configuration, or it cannot be made from it.
        """
        cls, wanted = self.model_class(config), self.prepared(config)
        with _building:
            try:
                model = cast(Any, cls)._from_config(wanted)  # noqa: SLF001  (what AutoModel.from_config calls)
            except Exception as error:
                raise BackendError(
                    f"{cls.__name__} cannot be made from this {type(config).__name__}: {_first_line(error)} "
                    "Correct the configuration, or write one with this release of transformers."
                ) from error
        return cast(PreTrainedModel, model.eval())

    def build_on_meta(self, config: PreTrainedConfig) -> PreTrainedModel:
        """The same model without any memory for its weights."""
        with torch.device("meta"):
            return self.build(config)

    def prepared(self, config: PreTrainedConfig) -> PreTrainedConfig:
        """A copy under which the model keeps no cache of keys and values: that is the engine's work."""
        wanted = copy.deepcopy(config)
        for each in configs(wanted):
            if hasattr(each, "use_cache"):
                each.use_cache = False
        return wanted

    def model_class(self, config: PreTrainedConfig) -> type[PreTrainedModel]:
        """The class that the configuration names, or else the one that generates.

        Raises:
            BackendError: it is code of a stranger, or transformers knows no model for it.
        """
        if not isinstance(config, PreTrainedConfig):
            raise BackendError(f"{config!r} is not a configuration of transformers: give AutoConfig.for_model(...).")
        choices = list(self.choices(config))
        if not choices:
            raise BackendError(self._unknown(config))
        if not (names := getattr(config, "architectures", None)):
            return choices[0]
        found = [each for each in choices if each.__name__ == names[0]] or _exported(names[0])
        if not found:
            raise BackendError(
                f"config.architectures names {names[0]}, which is no class of transformers {transformers.__version__}: "
                f"set it to [{choices[0].__name__!r}], or install the release that has it."
            )
        return found[0]

    def choices(self, config: PreTrainedConfig) -> Iterator[type[PreTrainedModel]]:
        """Every class for this kind of configuration, the best first."""
        for mapping in self.order(config):
            if type(config) in mapping:
                found = mapping[type(config)]
                yield from found if isinstance(found, tuple) else (found,)

    def order(self, config: PreTrainedConfig) -> tuple[_Mapping, ...]:
        """Where classes are looked for: what generates comes first, what has no head comes last."""
        first = self.encoder_decoder if getattr(config, "is_encoder_decoder", False) else ()
        masked = any(type(config) in each for each in self.encoder_only) and not getattr(config, "is_decoder", False)
        text = (*self.encoder_only, *self.decoder_only) if masked else (*self.decoder_only, *self.encoder_only)
        return (*first, *self.multimodal, *text, *self.encoder_decoder, *self.bare)

    def _unknown(self, config: PreTrainedConfig) -> str:
        cls = type(config)
        if getattr(config, "auto_map", None) or cls.__module__.startswith("transformers_modules"):
            return (
                f"{cls.__name__} is a remote-code class, and remote code is not run here: register its model with "
                "AutoModel.register, or use the architecture that transformers has for it."
            )
        return (
            f"{cls.__name__} (model_type {cls.model_type!r}) has no model in transformers {transformers.__version__}: "
            "install the release that has it, or register its model with AutoModel.register."
        )


def configs(config: PreTrainedConfig) -> Iterator[PreTrainedConfig]:
    """The configuration and all that are inside of it."""
    yield config
    for each in vars(config).values():
        if isinstance(each, PreTrainedConfig):
            yield from configs(each)


def _exported(name: str) -> list[type[PreTrainedModel]]:
    found = getattr(transformers, name, None)
    return [found] if isinstance(found, type) and issubclass(found, PreTrainedModel) else []


def _first_line(error: Exception) -> str:
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {text.rstrip('.')}."
