"""Whole models: what their data says of them is so, and all of them run."""

from __future__ import annotations

from typing import Any, cast

import pytest
import torch

from models.whole import MODELS, UnknownModel, whole_model
from models.whole.inputs import VOCABULARY
from models.whole.model import merged
from models.whole.rope import DYNAMIC, LONG, SHAPES, with_rope


def test_there_are_families_of_every_kind() -> None:
    """At least 25, text alone and each modality."""
    assert len(MODELS) >= 25
    assert {modality for each in MODELS.values() for modality in each.modalities} == {"image", "video", "audio"}
    assert any(not each.encoders for each in MODELS.values())
    assert all(name == each.name for name, each in MODELS.items())


@pytest.mark.parametrize("name", MODELS)
def test_parts_are_where_they_are_said_to_be(name: str) -> None:
    """The paths name modules, the language model's head is in none of them, and text of any length runs."""
    whole = whole_model(name)
    model = whole.build()
    head = cast(Any, model).get_output_embeddings()
    parts = [model.get_submodule(path) for path in (whole.decoder, *whole.encoders)]
    assert type(model).__name__ == whole.architecture
    assert all(each is not head for part in parts for each in part.modules())
    for tokens in (1, 5):
        with torch.no_grad():
            logits = cast(Any, model)(**whole.inputs(tokens)).logits
        assert torch.isfinite(logits).all()
        assert logits.shape[1] >= tokens
        assert logits.shape[2] == VOCABULARY


@pytest.mark.parametrize("name", MODELS)
def test_layers_can_be_fewer(name: str) -> None:
    """Of the decoder, whatever the family calls them."""
    whole = whole_model(name)
    one, two = (sum(each.numel() for each in whole.build(whole.with_layers(n)).parameters()) for n in (1, 2))
    assert one < two


def test_changes_are_merged_into_settings() -> None:
    """A nested change leaves the rest of the nested settings, and the data itself."""
    llava = whole_model("llava")
    config = cast(Any, llava.config(text_config={"num_hidden_layers": 1}))
    assert config.text_config.num_hidden_layers == 1
    assert config.text_config.hidden_size == llava.settings["text_config"]["hidden_size"]
    assert llava.settings["text_config"]["num_hidden_layers"] == 2
    assert merged({"a": {"b": 1}}, {"a": 2}) == {"a": 2}


def test_an_unknown_model_is_refused() -> None:
    """The text lists what there is."""
    with pytest.raises(UnknownModel, match="no whole model 'gpt5': choose one of llama"):
        whole_model("gpt5")


@pytest.mark.parametrize(("name", "shape"), [(name, shape) for name, taken in SHAPES.items() for shape in taken])
def test_every_shape_of_rope_can_be_run(name: str, shape: str) -> None:
    """By the plain model, also for a text that is longer than usual; only kinds that are asked for are there."""
    whole = whole_model(name)
    config = cast(Any, with_rope(whole.with_layers(1), shape))
    made = whole.build(config)
    with torch.no_grad():
        for tokens in (3, LONG):
            assert torch.isfinite(cast(Any, made)(**whole.inputs(tokens)).logits).all()
    text = getattr(config, "text_config", config)
    assert ("dynamic" in str(text.rope_parameters)) is (shape in DYNAMIC)


def test_a_family_without_rope_takes_no_shape() -> None:
    """The text names what there is."""
    with pytest.raises(ValueError, match="gpt2 takes no rope 'linear': choose one of none"):
        with_rope(whole_model("gpt2").config(), "linear")
    with pytest.raises(ValueError, match="choose one of without-kind, old-name, linear"):
        with_rope(whole_model("llama").config(), "no-such")
