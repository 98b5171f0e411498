"""Loaded models: equal to eager, compiled where they should be and nowhere else (SPEC D1, D2, D5; BUG-H01 to H08)."""

from __future__ import annotations

import copy
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn
from transformers import LlamaModel, PreTrainedConfig, PreTrainedModel

from models.whole import MODELS
from reference.compilation.compiled_forward import CompileServices
from reference.compilation.config import CompilationMode
from reference.compilation.recipes import options_of
from reference.transformers_backend.building import ModelBuilder
from reference.transformers_backend.decorating import PartDecorator, RopeTraces, rope_kinds
from reference.transformers_backend.loading import Loaded, Loader, load
from reference.transformers_backend.parts import Part
from selftests.reference.loaded_models import config, hidden_states, logits, programs

SIZES = (5, 8)
RUN = ("llama", "gemma", "gpt2", "mixtral", "bert", "t5", "qwen2_vl", "llava", "gemma3", "internvl", "whisper")
"""Families whose programs are traced here: one of each build."""


def loaded(name: str, services: CompileServices | None = None, **wishes: object) -> Loaded:
    """A tiny model with fixed weights."""
    torch.manual_seed(0)
    return load(MODELS[name].config(), config(**wishes), services)


@pytest.mark.parametrize("name", RUN)
def test_values_equal_eager_and_only_parts_compile(name: str) -> None:
    """The decoder always, encoders too if asked, and neither the head nor anything else (BUG-H01)."""
    encodes = bool(MODELS[name].encoders)
    services = CompileServices()
    there = loaded(name, services, compile_mm_encoder=encodes)
    plain = loaded(name, mode=CompilationMode.NONE).model
    assert there.parts is not None
    wished = tuple(each.path for each in there.compiled)
    assert wished == tuple(each.path for each in (there.parts.decoder, *there.parts.encoders))
    for tokens in SIZES:
        found, expected = logits(there.model, name, tokens), logits(plain, name, tokens)
        torch.testing.assert_close(found, expected)
    assert programs(there.model) == set(wished)
    assert services.counter.num_models_seen == len(wished)
    assert programs(plain) == set()


@pytest.mark.parametrize("name", MODELS)
def test_the_encoder_is_left_alone_by_default(name: str) -> None:
    """One decorated module, the decoder; with the flag the encoders too."""
    for flag in (False, True):
        there = loaded(name, compile_mm_encoder=flag)
        assert there.parts is not None
        wanted = {there.parts.decoder.path, *(each.path for each in there.parts.encoders if flag)}
        assert {path for path, each in there.model.named_modules() if options_of(type(each))} == wanted
        assert {each.path for each in there.compiled} == wanted


def test_weights_are_those_of_transformers() -> None:
    """The model on the meta device draws no random numbers."""
    there, plain = loaded("qwen2"), loaded("qwen2", mode=CompilationMode.NONE)
    for mine, theirs in zip(there.model.parameters(), plain.model.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    assert there.model.state_dict().keys() == plain.model.state_dict().keys()


class _Counted(ModelBuilder):
    """Counts the models on the meta device."""

    built = 0

    def build_on_meta(self, config: PreTrainedConfig) -> PreTrainedModel:
        """One more."""
        self.built += 1
        return super().build_on_meta(config)


def test_the_meta_model_is_built_once_per_shape_of_configuration() -> None:
    """Sizes do not matter; another tower in the same class of configuration does."""
    builder = _Counted()
    loader = Loader(builder=builder)
    other = MODELS["llava"].config()
    other.text_config.num_hidden_layers = 1
    for each in (MODELS["llava"].config(), MODELS["llava"].config(), other):
        loader.load(each, config())
    assert builder.built == 1
    other.text_config = MODELS["qwen2"].config()
    parts = loader.load(other, config()).parts
    assert builder.built == 2
    assert parts is not None
    assert parts.decoder.cls.__name__ == "Qwen2Model"


def test_encoders_that_compile_are_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    """SPEC D5 names the limits."""
    loaded("qwen2_vl")
    assert caplog.messages == []
    loaded("qwen2_vl", compile_mm_encoder=True)
    assert len(caplog.messages) == 1
    for part in ("Qwen2VisionTransformerPretrainedModel", "one graph", "platforms with a compiler", "stay eager"):
        assert part in caplog.messages[0]


def test_an_encoder_that_does_not_trace_stays_eager(caplog: pytest.LogCaptureFixture) -> None:
    """With a warning, without encoder seconds, and with equal values."""
    wishes = config(compile_mm_encoder=True)
    torch.manual_seed(0)
    there = load(MODELS["qwen2_5_vl"].config(), wishes)
    plain = loaded("qwen2_5_vl", mode=CompilationMode.NONE).model
    for tokens in SIZES:
        torch.testing.assert_close(logits(there.model, "qwen2_5_vl", tokens), logits(plain, "qwen2_5_vl", tokens))
    assert sum("stays eager" in each for each in caplog.messages) == 1
    assert wishes.encoder_compilation_time == 0
    assert wishes.compilation_time > 0


@pytest.mark.parametrize("wishes", [{"mode": CompilationMode.STOCK}, {"aot_compile": True}], ids=["stock", "aot"])
def test_other_ways_to_a_program(wishes: dict[str, Any]) -> None:
    """Stock torch.compile, and traced ahead of time."""
    there, plain = loaded("llava", compile_mm_encoder=True, **wishes), loaded("llava", mode=CompilationMode.NONE)
    for tokens in SIZES:
        torch.testing.assert_close(logits(there.model, "llava", tokens), logits(plain.model, "llava", tokens))
    assert programs(there.model) == {"model.language_model", "model.vision_tower"}


class _Renamed(nn.Module):
    """A decoder whose arguments have names of their own."""

    def forward(self, tokens: Tensor, where: torch.LongTensor | None = None, times: int = 1) -> Tensor:
        """`tokens`, so many times."""
        return tokens * times


class _Written(nn.Module):
    """A tower that does not say what it takes, with a text for an annotation where it does."""

    def forward(self, pixel_values, scale: "Tensor | None" = None) -> Tensor:  # type: ignore[no-untyped-def]  # noqa: ANN001, UP037  # as in transformers
        """`pixel_values`."""
        return cast(Tensor, pixel_values)


class _Silent(nn.Module):
    """A tower that does not say at all what it takes."""

    def forward(self, pixel_values, times=1) -> Tensor:  # type: ignore[no-untyped-def]  # noqa: ANN001  # as in transformers
        """`pixel_values`."""
        return cast(Tensor, pixel_values)


def test_dims_are_those_of_arguments_that_exist() -> None:
    """Names that a forward does not have are not asked for (BUG-H04); annotations and texts are read (SPEC D4)."""
    decorator = PartDecorator()

    def dims(cls: type[nn.Module], *modalities: str) -> tuple[tuple[str, tuple[int, ...]], ...]:
        options = options_of(decorator.decorated(Part(path="part", cls=cls, modalities=modalities), None))
        assert options is not None
        assert options.is_encoder == bool(modalities)
        return options.dims.named

    assert dims(_Renamed) == (("tokens", (0,)), ("where", (0,)))
    assert dims(_Written, "image") == (("pixel_values", (0,)), ("scale", (0,)))
    assert dims(_Silent, "image") == (("pixel_values", (0,)),)
    assert dict(dims(LlamaModel)) == {
        "input_ids": (1,),
        "attention_mask": (-1,),
        "position_ids": (-1,),
        "inputs_embeds": (1,),
    }


def test_positional_arguments_and_wrong_ones() -> None:
    """SPEC D4: a call by position is the same call, and one in the wrong order names class and type."""
    there = loaded("llama")
    decoder = cast(Any, there.model).model
    ids = torch.tensor([[5, 6, 7]])
    with torch.no_grad():
        named = decoder(input_ids=ids, attention_mask=None).last_hidden_state
        assert torch.equal(decoder(ids, None).last_hidden_state, named)
        with pytest.raises(TypeError, match=r"LlamaModel.forward: argument 'attention_mask' takes a Tensor or None, n"):
            decoder(ids, "causal")


def test_hidden_states_are_returned_from_a_trace() -> None:
    """Transformers installs hooks for them at the first call that asks; here that is before the trace (BUG-H07)."""
    there, plain = loaded("llama"), loaded("llama", mode=CompilationMode.NONE)
    logits(there.model, "llama", 4)
    found, expected = (hidden_states(each.model, "llama", 4) for each in (there, plain))
    assert len(found) == len(expected)
    for mine, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, theirs)


def test_hooks_that_come_after_the_trace_fire() -> None:
    """Inside of the compiled part too, and they are gone when they are removed (BUG-H07)."""
    there, plain = loaded("llama"), loaded("llama", mode=CompilationMode.NONE)

    def double(_: object, __: object, output: Tensor) -> Tensor:
        return output * 2

    def both() -> tuple[Tensor, Tensor]:
        return logits(there.model, "llama", 4), logits(plain.model, "llama", 4)

    before = both()[0]
    handles = [cast(Any, each.model).model.layers[0].register_forward_hook(double) for each in (there, plain)]
    torch.testing.assert_close(*both())
    assert not torch.equal(both()[0], before)
    for handle in handles:
        handle.remove()
    torch.testing.assert_close(both()[0], before)


class _Config:
    """Any shape of a configuration."""

    def __init__(self, **names: object) -> None:
        vars(self).update(names)


ROPES: list[tuple[object, tuple[str, ...], bool]] = [
    (None, (), True),
    (_Config(), (), True),
    (_Config(rope_scaling=None), (), True),
    (_Config(rope_scaling={}, rope_parameters=None), (), True),
    (_Config(rope_parameters={"rope_theta": 1e4}), (), True),
    (_Config(rope_parameters={"rope_type": None}), (), True),
    (_Config(rope_scaling={"type": "dynamic", "factor": 2}), ("dynamic",), False),
    (_Config(rope_parameters={"rope_type": "default"}), ("default",), True),
    (_Config(rope_parameters={"a": {"rope_type": "default"}, "b": None}), ("default",), True),
    (
        _Config(rope_parameters={"a": {"rope_type": "default"}, "b": {"rope_type": "dynamic"}}),
        ("default", "dynamic"),
        False,
    ),
]


@pytest.mark.parametrize("case", ROPES, ids=lambda case: str(getattr(case[0], "__dict__", None)))
def test_rope_in_every_shape_gives_a_flag(case: tuple[object, tuple[str, ...], bool]) -> None:
    """BUG-H02: missing, None, empty, nested, without a kind."""
    shape, kinds, traces = case
    assert rope_kinds(shape) == kinds
    assert RopeTraces(kinds)(config()) is traces


def test_dynamic_rope_stays_eager() -> None:
    """It reads positions to decide on its frequencies (BUG-H02)."""
    wanted = MODELS["llama"].config()
    wanted.rope_parameters = {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10000.0}
    there = load(wanted, config())
    assert there.compiled == ()
    logits(there.model, "llama", 5)
    assert programs(there.model) == set()


def test_copies_compile_their_own() -> None:
    """A deep copy of a loaded model has the same values and programs of its own."""
    there = loaded("qwen2")
    first = logits(there.model, "qwen2", 5)
    twin = copy.deepcopy(there.model)
    with torch.no_grad():
        next(there.model.parameters()).zero_()
    torch.testing.assert_close(logits(twin, "qwen2", 5), first)
    assert programs(twin) == {"model"}


@pytest.mark.filterwarnings("ignore:Dynamo detected a call to a `functools.lru_cache`:UserWarning")
@pytest.mark.parametrize("name", ["llama", "gpt2", "whisper", "mamba"])
@pytest.mark.parametrize("first", [1, 2])
def test_the_first_text_may_be_of_any_length(name: str, first: int) -> None:
    """Some forwards do another thing for one token, or loop over tokens; no length is refused as a first one."""
    there, plain = loaded(name), loaded(name, mode=CompilationMode.NONE)
    for tokens in (first, 5):
        torch.testing.assert_close(logits(there.model, name, tokens), logits(plain.model, name, tokens))
    assert programs(there.model) == {MODELS[name].decoder}


def test_a_part_that_gave_up_is_not_called_compiled() -> None:
    """Before the first call it is one of those that compile (SPEC D5)."""
    there = loaded("qwen2_vl", compile_mm_encoder=True)
    assert [each.path for each in there.compiled] == ["model.language_model", "model.visual"]
    logits(there.model, "qwen2_vl", 5)
    assert [each.path for each in there.compiled] == ["model.language_model"]
