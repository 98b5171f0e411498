"""Configurations and models with which a loader must not come to terms in silence, and some that break half-way.

Registered with transformers for as long as somebody asks for it, and not at import.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, cast

import torch
from torch import nn
from transformers import (
    AutoConfig,
    CLIPVisionModel,
    LlamaConfig,
    LlamaForCausalLM,
    LlamaModel,
    LlavaConfig,
    LlavaForConditionalGeneration,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers.models.auto import modeling_auto

from models.whole import whole_model
from models.whole.inputs import Inputs
from models.whole.model import merged


class Interruption(BaseException):
    """What stops a load from outside, as a user's interrupt does."""


class OddConfig(LlamaConfig):
    """Of a text model whose constructor fails at the place that `trouble` names."""

    model_type = "lockstep_odd"
    trouble: str = ""


class OddLlavaConfig(LlavaConfig):
    """Of a model with a tower whose methods answer as `answers` says, or whose tower is sealed."""

    model_type = "lockstep_odd_llava"
    answers: str = ""


class Last(type):
    """Makes classes from which none is derived."""

    def __new__(cls, name: str, bases: tuple[type, ...], members: dict[str, Any]) -> Last:
        """A class, unless one of its bases is the last already."""
        if any(isinstance(base, Last) for base in bases):
            raise TypeError("this class is final")
        return super().__new__(cls, name, bases, members)


class Sealed(LlamaModel, metaclass=Last):
    """A decoder whose class lets nobody inherit from it."""


class SealedTower(CLIPVisionModel, metaclass=Last):
    """A tower whose class lets nobody inherit from it."""


class Fixed(LlamaModel):
    """A decoder that lets nobody change its class."""

    def __setattr__(self, name: str, value: object) -> None:
        """As any module's, but for the class."""
        if name == "__class__":
            raise TypeError("the class of this module is fixed")
        super().__setattr__(name, value)  # type: ignore[arg-type]  # modules take any value


class Untold(LlamaModel):
    """A decoder whose forward names no tensor."""

    def forward(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - names nothing on purpose
        """As its base's."""
        return super().forward(*args, **kwargs)


_DECODERS: Mapping[str, type[LlamaModel]] = {"sealed": Sealed, "fixed": Fixed, "untold": Untold}


class OddForCausalLM(LlamaForCausalLM):
    """A text model that fails, or has an odd decoder, as its configuration says."""

    config_class = OddConfig

    def __init__(self, config: OddConfig) -> None:
        super().__init__(config)
        if config.trouble in _DECODERS:
            self.model = _DECODERS[config.trouble](config)
        is_meta = next(self.parameters()).is_meta
        if config.trouble == "constructor" or config.trouble == ("on meta" if is_meta else "for good"):
            raise ValueError("a size of this configuration is impossible")
        if config.trouble == "interrupted" and not is_meta:
            raise Interruption


class OddLlava(LlavaForConditionalGeneration):
    """A model with a tower that `get_encoder` does not find, or that is sealed, as its configuration says."""

    config_class = OddLlavaConfig

    def __init__(self, config: OddLlavaConfig) -> None:
        super().__init__(config)
        if config.answers == "sealed":
            self.model.vision_tower.__class__ = SealedTower

    def get_encoder(self, modality: str | None = None) -> nn.Module | None:
        """The tower, the model itself, nothing, or the decoder."""
        known: dict[str, nn.Module | None] = {"itself": self, "nothing": None, "text": self.model.language_model}
        return known.get(self.config.answers, cast(nn.Module, self.model.vision_tower))


@dataclass(frozen=True, kw_only=True)
class Strange:
    """One thing to be loaded that is not as it should be."""

    what: str
    """What is wrong, in a few words."""
    make: Callable[[], object]
    """A new configuration, or what was given instead of one."""
    names: tuple[str, ...]
    """Of which a refusal must say at least one: the classes of configuration and model."""
    model: type[PreTrainedModel] | None = None
    """The class that is registered for its configuration; None for what transformers knows, or nobody."""
    inputs: Callable[[int], Inputs] | None = None
    """Inputs of its repaired form, for so many tokens of text."""
    impossible: bool = False
    """Whether there is no model that could be made of it."""
    encoder: bool = False
    """Whether it shows only if encoders are to compile."""
    repaired: Callable[[], object] | None = None
    """For what has classes of its own: a configuration of the same ones that is as it should be."""

    @contextlib.contextmanager
    def registered(self) -> Iterator[None]:
        """Transformers knows the class of the model in this block."""
        if self.model is None:
            yield
            return
        cls, mapping = self.model.config_class, _mapping(self.model)
        mapping.register(cls, self.model)
        try:
            yield
        finally:
            mapping._extra_content.pop(cls)  # noqa: SLF001  (what register writes to; it has no other way back)

    def build(self, config: object) -> PreTrainedModel:
        """The plain model, as `WholeModel.build` makes one."""
        cls: Any = self.model
        made: PreTrainedModel = cls._from_config(config, dtype=torch.float32).eval()
        return made


def _mapping(model: type[PreTrainedModel]) -> Any:  # noqa: ANN401 - transformers' own class has no public name
    is_llava = issubclass(model, LlavaForConditionalGeneration)
    return modeling_auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING if is_llava else modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING


def _odd(trouble: str = "") -> OddConfig:
    # Another dtype than the default, so that a default that stays changed is seen.
    kind = "bfloat16" if trouble else "float32"
    return OddConfig(**merged(whole_model("llama").settings, {}), trouble=trouble, use_cache=False, dtype=kind)


def _odd_llava(answers: str = "") -> OddLlavaConfig:
    return OddLlavaConfig(**merged(whole_model("llava").settings, {}), answers=answers)


def _small(name: str) -> PreTrainedConfig:
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4}
    tower = {**sizes, "image_size": 8, "patch_size": 4}
    both = {"text_config": {**sizes, "vocab_size": 64}, "vision_config": tower, "projection_dim": 32}
    made: PreTrainedConfig = AutoConfig.for_model(name, **(both if name == "clip" else tower))
    return made


def _made(name: str, home: str, **members: object) -> PreTrainedConfig:
    made: PreTrainedConfig = type(name, (PreTrainedConfig,), {"__module__": home, **members})()
    return made


def _next_release() -> PreTrainedConfig:
    wanted = whole_model("llama").config()
    wanted.architectures = ["Llama99ForCausalLM"]
    return wanted


def _odd_text(what: str, trouble: str, **more: Any) -> Strange:  # noqa: ANN401 - the fields check their types
    names = ("OddConfig", "OddForCausalLM", *(cls.__name__ for cls in _DECODERS.values()))
    given = {"inputs": whole_model("llama").inputs, "repaired": _odd, **more}
    return Strange(what=what, make=lambda: _odd(trouble), names=names, model=OddForCausalLM, **given)


def _odd_tower(what: str, answers: str) -> Strange:
    names = ("OddLlavaConfig", "OddLlava", "SealedTower")
    given: dict[str, Any] = {"inputs": whole_model("llava").inputs, "repaired": _odd_llava, "encoder": True}
    return Strange(what=what, make=lambda: _odd_llava(answers), names=names, model=OddLlava, **given)


REFUSED: Mapping[str, Strange] = MappingProxyType(
    {
        "no configuration": Strange(what="None for one", make=lambda: None, names=("None",), impossible=True),
        "a mapping": Strange(
            what="a dictionary for one", make=lambda: {"model_type": "llama"}, names=("dict", "{"), impossible=True
        ),
        "no decoder": Strange(what="a tower alone", make=lambda: _small("vit"), names=("ViT",)),
        "two towers": Strange(what="two towers and no decoder", make=lambda: _small("clip"), names=("CLIP",)),
        "remote code": Strange(
            what="code of a stranger",
            make=lambda: _made(
                "FarConfig", "transformers_modules.far", model_type="far", auto_map={"AutoModel": "a.B"}
            ),
            names=("FarConfig",),
            impossible=True,
        ),
        "unknown class": Strange(
            what="a class that transformers does not know",
            make=lambda: _made("NextConfig", __name__, model_type="llama_of_next_year"),
            names=("NextConfig",),
            impossible=True,
        ),
        "other release": Strange(
            what="an architecture of another release", make=_next_release, names=("Llama99ForCausalLM",)
        ),
        "impossible size": _odd_text("a constructor that raises", "constructor", impossible=True),
        "sealed class": _odd_text("a decoder that cannot be inherited from", "sealed"),
        "fixed class": _odd_text("a decoder whose class cannot be changed", "fixed"),
        "no tensor": _odd_text("a decoder whose forward names no tensor", "untold"),
        "encoder is the model": _odd_tower("get_encoder answers with the model itself", "itself"),
        "no encoder": _odd_tower("get_encoder answers with nothing", "nothing"),
        "wrong encoder": _odd_tower("get_encoder answers with the decoder", "text"),
    }
)
"""What is to be refused, by name; some of it a loader may also load and leave eager."""

BREAKING: Mapping[str, Strange] = MappingProxyType(
    {
        "breaks for good": _odd_text("its constructor raises, but not on the meta device", "for good"),
        "breaks on meta": _odd_text("its constructor raises on the meta device", "on meta"),
        "is interrupted": _odd_text("its constructor is interrupted", "interrupted"),
        "sealed tower": _odd_tower("its decoder can be decorated, and its tower cannot", "sealed"),
    }
)
"""What breaks half-way through a load, by name."""
STRANGE: Mapping[str, Strange] = MappingProxyType({**REFUSED, **BREAKING})
