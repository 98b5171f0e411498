"""Finds the decoder and the encoders of a model, and does not take its own word for it (SPEC D3)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import cast

import transformers
from torch import nn
from transformers import PreTrainedModel

from reference.transformers_backend.errors import BackendError
from reference.transformers_backend.exceptions import EXCEPTIONS, Known
from reference.transformers_backend.parts import MODALITIES, Part, Parts

_TEXT = ("input_ids", "inputs_embeds")
_SECTIONS = {"image": "vision_config", "video": "vision_config", "audio": "audio_config"}
_NOT_ASKED = object()
_EAGER = "load it with mode=CompilationMode.NONE"


class PartFinder:
    """Asks a model for its parts and checks each answer. Every decision is a method of its own."""

    def __init__(self, *, exceptions: Mapping[str, Known] = EXCEPTIONS) -> None:
        self.exceptions = exceptions

    def find(self, model: PreTrainedModel) -> Parts:
        """The parts of a model, which may be on the meta device.

        Raises:
            BackendError: it has no decoder, or two towers and no decoder, or they cannot be told apart.
        """
        known = self.exceptions.get(model.config.model_type)
        if known is not None and known.refusal is not None:
            raise BackendError(f"{type(model).__name__}: {known.reason}. Remedy: {known.refusal}.")
        self.require_decoder(model)
        decoder = self.decoder(model, known)
        encoders, unresolved = dict[str, nn.Module](), dict[str, str]()
        for modality in self.encoded(model, known):
            found = self.encoder(model, modality, known)
            if objection := self.encoder_objection(model, found, modality, decoder):
                unresolved[modality] = objection
            else:
                encoders[modality] = cast(nn.Module, found)
        if any(each is not decoder and _inside(each, decoder) for each in encoders.values()):
            raise BackendError(
                f"{type(model).__name__}: get_decoder() answers with {type(decoder).__name__}, a wrapper around its "
                f"encoders: name the decoder in EXCEPTIONS, or {_EAGER}."
            )
        return self.parts(model, decoder, encoders, unresolved)

    def parts(
        self,
        model: PreTrainedModel,
        decoder: nn.Module,
        encoders: Mapping[str, nn.Module],
        unresolved: Mapping[str, str],
    ) -> Parts:
        """What was found, each module once."""
        paths = {id(module): path for path, module in model.named_modules()}
        towers = {id(each): each for each in encoders.values()}
        return Parts(
            model_class=type(model),
            decoder=Part(path=paths[id(decoder)], cls=type(decoder)),
            encoders=tuple(
                Part(path=paths[key], cls=type(tower), modalities=tuple(m for m, e in encoders.items() if e is tower))
                for key, tower in towers.items()
            ),
            unresolved=unresolved,
        )

    def modalities(self, model: PreTrainedModel) -> tuple[str, ...]:
        """What the model takes besides text, by its own word."""
        said = model.input_modalities
        return tuple(each for each in MODALITIES if each == said or (not isinstance(said, str) and each in said))

    def encoded(self, model: PreTrainedModel, known: Known | None) -> tuple[str, ...]:
        """The modalities that this model has an encoder for: not those that its configuration leaves out."""
        off = {modality for modality, name in _SECTIONS.items() if getattr(model.config, name, self) is None}
        return tuple(
            each
            for each in self.modalities(model)
            if each not in off and (known is None or each not in known.without_tower)
        )

    def require_decoder(self, model: PreTrainedModel) -> None:
        """Refuses what has two towers that never meet, and what takes no text and has nothing that makes any."""
        name, features = type(model).__name__, ("get_image_features", "get_audio_features", "get_video_features")
        if has_head(model):
            return
        if hasattr(model, "get_text_features") and any(hasattr(model, each) for each in features):
            raise BackendError(
                f"{name} has two towers and no decoder, so neither is the one to compile always: load the "
                f"configuration of one of them, or {_EAGER}."
            )
        if "text" not in _said(model) and not has_head(_answer(model.get_decoder)):
            raise BackendError(f"{name} has no decoder, it takes {', '.join(_said(model))} alone: {_EAGER}.")

    def decoder(self, model: PreTrainedModel, known: Known | None) -> nn.Module:
        """The base decoder, without a head.

        Raises:
            BackendError: `get_decoder` answers with something else, and no resolution is known.
        """
        found = _at(model, known.decoder) if known and known.decoder else _answer(model.get_decoder)
        if found is not model or self.modalities(model):
            found = self.without_head(model, found)
        if objection := self.decoder_objection(model, found):
            raise BackendError(
                f"{type(model).__name__}: get_decoder() answers with {objection}: name the decoder in EXCEPTIONS, "
                f"or {_EAGER}."
            )
        return cast(nn.Module, found)

    def decoder_objection(self, model: PreTrainedModel, found: object) -> str | None:
        """What is wrong with an answer of `get_decoder`; None for a decoder."""
        if found is None:
            return "nothing"
        if not isinstance(found, PreTrainedModel):
            return f"{type(found).__name__}, which is no model of its own"
        if self.modalities(model) and (found is model or found is model.base_model):
            return "the model itself, whose encoders would be compiled with it"
        if has_head(found):
            return f"{type(found).__name__}, a wrapper with a language-modelling head"
        if not set(_TEXT) & _taken(found) and {"pixel_values", "input_features", "input_values"} & _taken(found):
            return f"{type(found).__name__}, the wrong tower: it takes no text"
        return None

    def without_head(self, model: PreTrainedModel, found: object) -> object:
        """What is below a head, or below an answer that is no model; the answer itself if there is nothing below."""
        if not isinstance(found, PreTrainedModel):
            return model.base_model if not self.modalities(model) else found
        for _ in range(3):
            if not has_head(found):
                break
            found = next(_below(found), found)
        return found

    def encoder(self, model: PreTrainedModel, modality: str, known: Known | None) -> object:
        """What the table, or the model, says is the encoder of one modality."""
        if known and modality in known.encoders:
            return _at(model, known.encoders[modality])
        if "modality" not in inspect.signature(model.get_encoder).parameters:
            return _NOT_ASKED
        return _answer(lambda: model.get_encoder(modality=modality))

    def encoder_objection(self, model: PreTrainedModel, found: object, modality: str, decoder: nn.Module) -> str | None:
        """One sentence on what is wrong with an answer of `get_encoder`; None for an encoder."""
        if found is _NOT_ASKED:
            return (
                f"{type(model).__name__}.get_encoder takes no modality, as from transformers 5 on it does: this is "
                f"transformers {transformers.__version__}"
            )
        wrong = self.wrong_tower(model, found, modality, decoder)
        return wrong and f"{type(model).__name__}.get_encoder(modality={modality!r}) answers with {wrong}"

    def wrong_tower(self, model: PreTrainedModel, found: object, modality: str, decoder: nn.Module) -> str | None:
        """What the answer is instead of an encoder of the modality; None for an encoder."""
        if not isinstance(found, nn.Module):
            return "nothing" if found is None else f"{type(found).__name__}, which is no module"
        name = type(found).__name__
        if found is model or found is model.base_model:
            return "the model itself"
        if _inside(found, decoder) or (not _inside(decoder, found) and "input_ids" in _taken(found)):
            return f"{name}, the wrong tower: it is for text"
        if _inside(decoder, found):
            return f"{name}, a wrapper around the decoder"
        own = getattr(_parent(model, found), f"{modality}_tower", found)
        return None if own is found else f"{name}, the wrong tower: {modality}_tower is beside it"


def find_parts(model: PreTrainedModel) -> Parts:
    """The decoder and the encoders of a model.

    Raises:
        BackendError: they cannot be found; the text names the class and the remedy.
    """
    return PartFinder().find(model)


def has_head(module: object) -> bool:
    """Whether a module is a language model with its head."""
    return isinstance(module, PreTrainedModel) and _answer(module.get_output_embeddings) is not None


def _said(model: PreTrainedModel) -> tuple[str, ...]:
    said = model.input_modalities
    return (said,) if isinstance(said, str) else tuple(said)


def _answer(ask: Callable[[], object]) -> object:
    """What a method of a model returns; whatever it raises is no answer."""
    try:
        return ask()
    except Exception:
        return None


def _at(model: PreTrainedModel, path: str) -> object:
    for root in (model, model.base_model):
        try:
            return root.get_submodule(path)
        except AttributeError:
            continue
    return None


def _below(found: PreTrainedModel) -> Iterator[PreTrainedModel]:
    """Models without a head just below, the base model first."""
    for each in (found.base_model, *found.children()):
        if isinstance(each, PreTrainedModel) and each is not found:
            yield each


def _inside(part: nn.Module, whole: nn.Module) -> bool:
    return any(part is each for each in whole.modules())


def _parent(model: nn.Module, module: nn.Module) -> nn.Module:
    return next((each for each in model.modules() if any(module is child for child in each.children())), model)


def _taken(module: nn.Module) -> set[str]:
    return set(inspect.signature(module.forward).parameters)
