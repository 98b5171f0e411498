"""What stands around vLLM's Transformers backend: copies of classes, lengths of texts. No vLLM is needed."""

from __future__ import annotations

import inspect
import sys
from types import SimpleNamespace

import pytest
import torch
import transformers
from torch import nn

from models.whole import MODELS, whole_model
from suite.oracles.running import running
from suite.subjects.vllm.class_copies import ClassCopies, made
from suite.subjects.vllm.loading import NO_LIMIT, longest_text


@pytest.mark.parametrize("name", ["llama", "llava", "bert", "whisper"])
def test_copies_are_other_classes_with_the_same_code(name: str) -> None:
    """Their answers are the plain model's, Python is seen to run them, and nothing that is written to them spreads."""
    whole = whole_model(name)
    config = whole.config()
    config.use_cache = False
    plain = whole.build(config)
    before = sys.modules[type(plain).__module__]
    with ClassCopies() as copies:
        cls = copies.whole(config)
        cls.written = True
        copied = cls.__module__
        assert sys.modules[copied] is not before
        model = made(cls, config).eval()
    assert copied not in sys.modules
    assert sys.modules[type(plain).__module__] is before
    assert cls.__name__ == whole.architecture
    assert type(plain) is not cls
    assert not hasattr(type(plain), "written")
    model.load_state_dict(plain.state_dict())
    inputs = whole.inputs(3)
    with torch.no_grad(), running(model, plain) as ran:
        answer = model(**inputs).logits
    with torch.no_grad():
        assert torch.equal(answer, plain(**inputs).logits)
    assert ran[whole.decoder] == 1


def test_parts_are_copies_too() -> None:
    """A tower and a decoder that a model finds by their configurations."""
    config = whole_model("llava").config()
    with ClassCopies() as copies:
        model: nn.Module = made(copies.whole(config), config)
        decoder = copies.from_config(config.text_config, trust_remote_code=False)
        assert type(decoder) is copies.of(transformers.LlamaModel)
    assert any(type(each) is type(decoder) for each in model.modules())
    assert not any(type(each) is transformers.LlamaModel for each in model.modules())


def test_every_whole_model_has_a_copy() -> None:
    """The class that generates, or fills gaps, is the one that the suite's own data name."""
    for name in MODELS:
        whole = whole_model(name)
        with ClassCopies() as copies:
            assert copies.whole(whole.config()).__name__ == whole.architecture


def test_a_strange_configuration_is_refused() -> None:
    """With the tables that were looked at."""
    with (
        ClassCopies() as copies,
        pytest.raises(ValueError, match=r"SimpleNamespace is in no table .*CausalLM"),
    ):
        copies.whole(SimpleNamespace())


def test_texts_are_as_long_as_rotary_positions_reach() -> None:
    """Positions times the largest factor, of one kind or of several."""
    assert longest_text(SimpleNamespace(max_position_embeddings=64)) == 64
    assert longest_text(SimpleNamespace(max_position_embeddings=64, rope_parameters={"factor": 2.0})) == 128
    kinds = {"full": {"factor": 4.0}, "sliding": {"rope_type": "default"}}
    assert longest_text(SimpleNamespace(max_position_embeddings=64, rope_parameters=kinds)) == 256
    assert longest_text(SimpleNamespace()) == NO_LIMIT


def test_wrapped_methods_share_the_code_below() -> None:
    """What is wrapped around a forward stays the copy's own."""
    with ClassCopies() as copies:
        copied = copies.of(transformers.LlamaModel)
    ours, theirs = (inspect.unwrap(cls.forward) for cls in (copied, transformers.LlamaModel))
    assert ours is not theirs
    assert ours.__code__ is theirs.__code__
