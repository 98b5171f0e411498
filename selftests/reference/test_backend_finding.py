"""Decoders and encoders on the meta device: right answers, wrong ones, and the table (SPEC D1-D3, BUG-H05)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
import torch
from torch import nn
from transformers import AutoConfig, PreTrainedModel

from models.whole import MODELS
from reference.transformers_backend.building import ModelBuilder
from reference.transformers_backend.errors import BackendError
from reference.transformers_backend.finding import PartFinder, find_parts, has_head
from reference.transformers_backend.parts import Parts


def built(model_type: str, **settings: object) -> PreTrainedModel:
    """A model on the meta device, of the tiny families or as transformers configures it."""
    tiny = MODELS.get(model_type)
    return ModelBuilder().build_on_meta(tiny.config() if tiny else AutoConfig.for_model(model_type, **settings))


@pytest.mark.parametrize("name", MODELS)
def test_the_decoder_has_no_head_and_no_tower(name: str) -> None:
    """For every tiny family."""
    model = built(name)
    parts = find_parts(model)
    decoder = parts.decoder.module(model)
    assert parts.fit(model)
    assert parts.unresolved == {}
    assert isinstance(decoder, PreTrainedModel)
    assert not has_head(decoder)
    assert all(each.module(model) not in list(decoder.modules()) for each in parts.encoders)
    assert parts.decoder.path == MODELS[name].decoder
    assert {each.path: each.modalities for each in parts.encoders} == dict(MODELS[name].encoders)


EXPECTED: dict[str, tuple[str, dict[tuple[str, ...], str]]] = {
    "llama": ("model", {}),
    "gpt2": ("transformer", {}),
    "mamba": ("backbone", {}),
    "modernbert": ("model", {}),
    "t5": ("decoder", {}),
    "qwen2_vl": ("model.language_model", {("image", "video"): "model.visual"}),
    "llava": ("model.language_model", {("image",): "model.vision_tower"}),
    "qwen2_audio": ("model.language_model", {("audio",): "model.audio_tower"}),
    "whisper": ("model.decoder", {("audio",): "model.encoder"}),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_paths(name: str) -> None:
    """A tower for images and videos is one part; get_decoder of modernbert is its head's last layer."""
    parts = find_parts(built(name))
    found = {each.modalities: each.path for each in parts.encoders}
    assert (parts.decoder.path, found) == EXPECTED[name]


LARGE: dict[str, tuple[str, dict[tuple[str, ...], str]]] = {
    "blip-2": ("language_model.model", {("image",): "vision_model"}),
    "llama4": ("language_model.model", {("image",): "vision_model"}),
    "kosmos-2": ("text_model.model", {("image",): "vision_model"}),
    "vision-encoder-decoder": ("decoder.bert", {("image",): "encoder"}),
    "pp_formulanet": ("model.decoder", {("image",): "model.encoder"}),
    "t5gemma2": ("model.decoder", {("image",): "model.encoder.vision_tower"}),
    "video_llava": ("model.language_model", {("image",): "model.image_tower", ("video",): "model.video_tower"}),
    "granite_speech": ("model.language_model", {("audio",): "model.encoder"}),
    "fuyu": ("model.language_model", {}),
    "gemma4": ("model.language_model", {}),
}


@pytest.mark.parametrize("name", LARGE)
def test_wrong_answers_are_resolved(name: str) -> None:
    """Heads are looked through, the table names towers, and a modality that is switched off has none."""
    settings: dict[str, Any] = {}
    if name == "vision-encoder-decoder":
        settings = {"encoder": {"model_type": "vit"}, "decoder": {"model_type": "bert", "is_decoder": True}}
    parts = find_parts(built(name, **settings))
    assert (parts.decoder.path, {each.modalities: each.path for each in parts.encoders}) == LARGE[name]
    assert parts.unresolved == {}


REFUSED = {
    "vit": "ViTModel has no decoder, it takes image alone",
    "clip": "CLIPModel has two towers and no decoder",
    "qwen2_5_omni": "Qwen2_5OmniForConditionalGeneration: .* load its thinker",
    "phi4_multimodal": "Phi4MultimodalForCausalLM: .* load it with mode=CompilationMode.NONE",
    "pix2struct": "answers with Pix2StructTextModel, a wrapper with a language-modelling head",
}


@pytest.mark.parametrize("name", REFUSED)
def test_models_that_cannot_be_split_are_refused(name: str) -> None:
    """One sentence with the class and the remedy."""
    with pytest.raises(BackendError, match=REFUSED[name]):
        find_parts(built(name))


class _Answers:
    """A tiny multimodal model whose methods answer as told."""

    def __init__(self, name: str = "llava") -> None:
        self.model: Any = built(name)

    def encoder(self, answer: Callable[[Any, str], object]) -> Parts:
        """The parts, with another answer to `get_encoder`."""
        self.model.get_encoder = lambda modality=None: answer(self.model, modality)
        return self.parts()

    def decoder(self, answer: Callable[[Any], object]) -> Parts:
        """The parts, with another answer to `get_decoder`."""
        self.model.get_decoder = lambda: answer(self.model)
        return self.parts()

    def parts(self) -> Parts:
        """Without the table."""
        return PartFinder(exceptions={}).find(cast(PreTrainedModel, self.model))


WRONG_ENCODERS: dict[str, tuple[Callable[[Any, str], object], str]] = {
    "the model": (lambda model, _: model, "the model itself"),
    "the base model": (lambda model, _: model.model, "the model itself"),
    "the decoder": (lambda model, _: model.model.language_model, "LlamaModel, the wrong tower: it is for text"),
    "a layer of the decoder": (lambda model, _: model.model.language_model.layers, "the wrong tower: it is for text"),
    "nothing": (lambda *_: None, "nothing"),
    "a text": (lambda *_: "tower", "str, which is no module"),
}


@pytest.mark.parametrize("name", WRONG_ENCODERS)
def test_a_wrong_encoder_is_noticed(name: str) -> None:
    """It is no part, and the reason is told."""
    answer, reason = WRONG_ENCODERS[name]
    parts = _Answers().encoder(answer)
    assert parts.encoders == ()
    assert parts.unresolved["image"].startswith("LlavaForConditionalGeneration.get_encoder(modality='image') answers")
    assert reason in parts.unresolved["image"]


WRONG_DECODERS: dict[str, tuple[Callable[[Any], object], str]] = {
    "the model": (lambda model: model, "the model itself"),
    "the base model": (lambda model: model.model, "the model itself"),
    "the tower": (lambda model: model.model.vision_tower, "CLIPVisionModel, the wrong tower: it takes no text"),
    "a layer": (lambda model: model.lm_head, "Linear, which is no model of its own"),
    "nothing": (lambda _: None, "nothing"),
}


@pytest.mark.parametrize("name", WRONG_DECODERS)
def test_a_wrong_decoder_is_refused(name: str) -> None:
    """A model is not compiled as a whole by mistake (BUG-H01)."""
    answer, reason = WRONG_DECODERS[name]
    with pytest.raises(BackendError, match=f"LlavaForConditionalGeneration: .*answers with {reason}"):
        _Answers().decoder(answer)


def test_another_tower_beside_is_noticed() -> None:
    """As video_llava answers for videos."""
    answers = _Answers("qwen2_vl")
    answers.model.model.video_tower = nn.Linear(1, 1, device="meta")
    assert "the wrong tower: video_tower is beside it" in answers.parts().unresolved["video"]


def test_transformers_without_modalities_is_told() -> None:
    """Before version 5, `get_encoder` takes none (SPEC D3)."""
    answers = _Answers()
    answers.model.get_encoder = lambda: answers.model.model.vision_tower
    assert "get_encoder takes no modality, as from transformers 5 on" in answers.parts().unresolved["image"]


def test_one_class_at_two_places_is_one_class() -> None:
    """Two towers of one class are two parts (BUG-H05)."""
    parts = find_parts(built("video_llava"))
    assert len(parts.encoders) == 2
    assert len(parts.encoder_classes) == 1
    assert set(parts.by_modality) == {"image", "video"}


BUILDS = {
    "bert": "BertForMaskedLM",
    "bart": "BartForConditionalGeneration",
    "whisper": "WhisperForConditionalGeneration",
    "llama": "LlamaForCausalLM",
    "llava": "LlavaForConditionalGeneration",
    "vit": "ViTModel",
}


@pytest.mark.parametrize("name", BUILDS)
def test_what_generates_comes_first(name: str) -> None:
    """Encoders, decoders, pairs and multimodal models (BUG-H08)."""
    assert ModelBuilder().model_class(AutoConfig.for_model(name)).__name__ == BUILDS[name]


def test_the_configuration_may_name_a_class() -> None:
    """With or without a head; the configuration given is not written to."""
    config = MODELS["llama"].config()
    config.architectures = ["LlamaModel"]
    before = config.to_dict()
    state = torch.get_rng_state()
    model = ModelBuilder().build_on_meta(config)
    assert find_parts(model).decoder.path == ""
    assert (config.to_dict(), type(model).__name__) == (before, "LlamaModel")
    assert torch.equal(torch.get_rng_state(), state)
