"""A loader of whole models that is not the reference: it hangs a compiled call on instances, and writes to no class.

What it does in one line, a test may do wrongly in one line. It copies nothing that compiles, and says so.
"""

from __future__ import annotations

import copy
from typing import Any, cast

import torch
import torch._dynamo.config as dynamo_config
from torch import nn
from transformers import (
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    AutoModelForMaskedLM,
    AutoModelForSeq2SeqLM,
    AutoModelForSpeechSeq2Seq,
    PreTrainedConfig,
)
from transformers.models.auto import modeling_auto

from models.api import Family
from suite.contract.case import Setup
from suite.contract.decorating import DecorationFacts, Wishes
from suite.contract.subject import Capabilities, Refused, Session

WRAPS = Capabilities(
    loads_models=True,
    leaves_classes=True,
    undoes_decoration=True,
    imported_as=("selftests.properties.wrapping_loader",),
)


class CompiledCall:
    """A module's forward under torch.compile; it is of this module alone."""

    def __init__(self, module: nn.Module, mode: str) -> None:
        self.plain = type(module).forward.__get__(module)
        plain = self.plain
        self.run = torch.compile(lambda *args, **kwargs: plain(*args, **kwargs), backend="eager")
        self.mode = mode

    def __call__(self, *args: object, **kwargs: object) -> object:
        """What the forward returns."""
        # Left to itself, torch takes a program that knows nothing of the hooks that another instance has.
        with dynamo_config.patch(skip_nnmodule_hook_guards=False):
            return self.run(*args, **kwargs)

    def __reduce__(self) -> str:
        """Refuse."""
        raise TypeError("a model whose parts are compiled is not copied here: save its state_dict() and load it anew.")

    def __deepcopy__(self, memo: object) -> CompiledCall:
        """Refuse."""
        self.__reduce__()
        return self


class Load:
    """One loaded model."""

    def __init__(self, config: object, wishes: Wishes, loader: WrappingLoader) -> None:
        self.model = loader.built(config)
        self.parts = loader.parts(self.model, wishes)
        for part in self.parts if wishes.mode != "none" else ():
            loader.wrap(part, wishes)

    def facts(self) -> DecorationFacts:
        """Nothing is told."""
        return DecorationFacts(0.0, 0.0, (), ())

    def undo(self) -> None:
        """Takes the calls away."""
        for part in self.parts:
            vars(part).pop("forward", None)

    def close(self) -> None:
        """Nothing is held."""


class WrappingLoader:
    """The stranger: the known kinds of models, one method per decision."""

    name = "a stranger"
    version = "1"
    load_kind: type[Load] = Load

    def __init__(self) -> None:
        self.capabilities = WRAPS

    def load_model(self, config: object, wishes: Wishes) -> Load:
        """The model with its parts compiled."""
        return self.load_kind(config, wishes, self)

    def built(self, config: object) -> nn.Module:
        """The plain model.

        Raises:
            Refused: transformers knows no model for it, or cannot make one.
        """
        name = type(config).__name__
        if not isinstance(config, PreTrainedConfig):
            raise Refused(f"{config!r} is a {name}, not a configuration of transformers: give one of those.")
        for auto, known in _KINDS:
            if type(config) in known:
                wanted = copy.deepcopy(config)
                for each in (wanted, getattr(wanted, "text_config", wanted)):
                    each.use_cache = False
                try:
                    return cast(nn.Module, auto.from_config(wanted).eval())
                except Exception as error:
                    raise Refused(
                        f"{name} makes no model ({error}): correct the configuration and try again."
                    ) from error
        raise Refused(f"{name} has no model with a decoder here: give the configuration of a language model.")

    def parts(self, model: nn.Module, wishes: Wishes) -> list[nn.Module]:
        """The decoder, and a tower that is another module if encoders are wished."""
        whole = cast(Any, model)
        found: list[nn.Module] = [whole.get_decoder()]
        if wishes.encoder and hasattr(whole.base_model, "vision_tower"):
            found.append(whole.base_model.vision_tower)
        if wishes.encoder and hasattr(whole.base_model, "encoder"):
            found.append(whole.base_model.encoder)
        return found

    def wrap(self, part: nn.Module, wishes: Wishes) -> None:
        """Hangs the compiled call on the module."""
        vars(part)["forward"] = CompiledCall(part, wishes.mode)

    def start(self, family: Family, setup: Setup) -> Session:
        """It packs no images."""
        raise Refused("this loader starts no sessions")

    def missing_method(self, family: Family, method: str) -> None:
        """It has no protocol."""

    def inferred_ladder(self, family: Family, *, least: int, most: int) -> tuple[int, ...]:
        """It has no ladder."""
        return (least, most)

    def methods(self) -> tuple[str, ...]:
        """It has no protocol."""
        return ()


_KINDS: tuple[tuple[Any, Any], ...] = (
    (AutoModelForImageTextToText, modeling_auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING),
    (AutoModelForCausalLM, modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING),
    (AutoModelForSpeechSeq2Seq, modeling_auto.MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING),
    (AutoModelForSeq2SeqLM, modeling_auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING),
    (AutoModelForMaskedLM, modeling_auto.MODEL_FOR_MASKED_LM_MAPPING),
)
"""What makes models, and the configurations that it knows."""
