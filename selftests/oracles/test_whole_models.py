"""The plain twin of a loaded model: its configuration, its weights, and what torch makes of its towers."""

from __future__ import annotations

from typing import Any, cast

import pytest
import torch

from suite.contract.loading import ModelSpec
from suite.oracles.whole_models import PlainTwin, config_of, plain_model


def test_a_specification_is_heard() -> None:
    """Layers and the shape of the rotary parameters."""
    config = cast(Any, config_of(ModelSpec("llama", 1, "linear")))
    assert config.num_hidden_layers == 1
    assert config.rope_parameters["rope_type"] == "linear"


def test_weights_are_followed() -> None:
    """Another state of the same form is taken over; one of another form is told."""
    twin = PlainTwin(ModelSpec("opt", 1))
    torch.manual_seed(5)
    other = plain_model(ModelSpec("opt", 1))
    with torch.no_grad():
        next(other.parameters()).add_(1.0)
        assert twin.follow(other) is None
        torch.testing.assert_close(twin.logits(3), cast(Any, other)(**twin.inputs(3)).logits)
    assert "state_dict differs" in (twin.follow(plain_model(ModelSpec("opt", 2))) or "")


def test_what_remembers_is_made_anew() -> None:
    """A text that was long leaves nothing behind for the next twin."""
    spec = ModelSpec("llama", 1, "dynamic")
    assert PlainTwin(spec).remembers
    assert PlainTwin(spec).model is not PlainTwin(spec).model
    assert not PlainTwin(ModelSpec("llama")).remembers
    assert PlainTwin(ModelSpec("llama")).model is PlainTwin(ModelSpec("llama")).model


@pytest.mark.parametrize(
    ("name", "path", "one"), [("whisper", "model.encoder", True), ("qwen2_vl", "model.visual", False)]
)
def test_towers_that_are_one_graph(name: str, path: str, one: bool) -> None:
    """A tower that reads its grid into numbers is none."""
    torch.compiler.reset()
    assert PlainTwin(ModelSpec(name, 1)).traces(path, 2) is one
    torch.compiler.reset()


def test_what_stock_compile_gives_up() -> None:
    """Qwen3-VL's decoder is one graph, and stock torch.compile leaves it to Python."""
    torch.compiler.reset()
    twin = PlainTwin(ModelSpec("qwen3_vl", 1))
    assert twin.traces("model.language_model", 4)
    assert not twin.traces("model.language_model", 4, whole=False)
    torch.compiler.reset()
