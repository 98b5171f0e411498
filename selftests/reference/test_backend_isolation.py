"""What loading leaves behind: nothing, also when it fails, is undone, or happens twice at once (SPEC D6)."""

from __future__ import annotations

import gc
import pickle
import random
import sys
import threading
import weakref
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn
from transformers import AutoConfig, PreTrainedConfig, PreTrainedModel

from models.whole import MODELS
from reference.compilation.compiled_forward import CompileServices
from reference.compilation.config import CompilationConfig, CompilationMode
from reference.compilation.dynamic_dims import DecorationError
from reference.compilation.recipes import COMPILED, WISHES, options_of
from reference.transformers_backend.building import ModelBuilder
from reference.transformers_backend.errors import BackendError
from reference.transformers_backend.finding import PartFinder
from reference.transformers_backend.loading import Loader, load
from reference.transformers_backend.parts import Part, Parts
from selftests.reference.loaded_models import config, logits

EAGER = ModelBuilder()


def classes(model: nn.Module) -> dict[str, type]:
    """The class of every module."""
    return {path: type(each) for path, each in model.named_modules()}


def state_of(model: nn.Module) -> dict[type, tuple[object, ...]]:
    """What can be seen of every class of a model, and of the file that it is in."""
    return {
        cls: (dict(vars(cls)), cls.__bases__, cls.__mro__, dict(vars(sys.modules[cls.__module__])))
        for cls in set(classes(model).values())
        if cls.__module__.startswith("transformers.")
    }


def test_classes_and_files_are_not_written_to() -> None:
    """Nor are instances made before or after (SPEC D6)."""
    before = EAGER.build(MODELS["llava"].config())
    known, seen = classes(before), state_of(before)
    expected = logits(before, "llava", 5)
    there = load(MODELS["llava"].config(), config(compile_mm_encoder=True))
    logits(there.model, "llava", 5)
    after = EAGER.build(MODELS["llava"].config())
    assert classes(before) == classes(after) == known
    assert state_of(before) == seen
    assert torch.equal(logits(before, "llava", 5), expected)
    assert isinstance(cast(Any, there.model).model.language_model, known["model.language_model"])


def test_undo_restores_the_model() -> None:
    """Classes, attributes and values; a second time nothing happens."""
    plain = EAGER.build(MODELS["llava"].config())
    there = load(MODELS["llava"].config(), config(compile_mm_encoder=True))
    # The tower is asked for hidden states, for which transformers leaves a mark in the plain model too.
    first, _ = logits(there.model, "llava", 5), logits(plain, "llava", 5)
    parameters = [id(each) for each in there.model.parameters()]
    there.undo()
    there.undo()
    assert classes(there.model) == classes(plain)
    assert {path: sorted(vars(each)) for path, each in there.model.named_modules()} == {
        path: sorted(vars(each)) for path, each in plain.named_modules()
    }
    assert [id(each) for each in there.model.parameters()] == parameters
    torch.testing.assert_close(logits(there.model, "llava", 5), first)
    assert there.compiled == ()


def test_undo_does_not_overrule_somebody_else() -> None:
    """A module that got another class since is left to whoever gave it."""
    there = load(MODELS["llama"].config(), config())
    decoder = cast(Any, there.model).model
    mine = type(decoder)
    decoder.__class__ = type("Stacked", (mine,), {})
    with pytest.raises(BackendError, match="model is a Stacked of somebody else by now"):
        there.undo()
    decoder.__class__ = mine
    there.undo()


def test_decorated_classes_die_with_their_models() -> None:
    """No registry keeps them."""
    there = load(MODELS["olmo2"].config(), config())
    seen = weakref.ref(type(cast(Any, there.model).model))
    del there
    gc.collect()
    assert seen() is None


def test_two_configurations_of_one_class_side_by_side() -> None:
    """Each with its own mode, services and counters."""
    services = [CompileServices(), CompileServices()]
    wishes = [config(), config(splitting_ops=("aten::silu",))]
    models = []
    for service, wish in zip(services, wishes, strict=True):
        torch.manual_seed(0)
        models.append(load(MODELS["qwen2"].config(), wish, service).model)
    first, second = (logits(each, "qwen2", 6) for each in models)
    torch.testing.assert_close(first, second)
    assert [each.counter.num_models_seen for each in services] == [1, 1]
    assert services[1].counter.num_pieces_seen > services[0].counter.num_pieces_seen == 1
    assert wishes[0].compilation_time > 0
    assert wishes[1].compilation_time > 0


def test_threads_load_at_once() -> None:
    """Torch's default dtype belongs to the process, and each model still gets its own (SPEC D6)."""
    dtypes = [torch.float32, torch.bfloat16] * 4
    found: dict[int, set[torch.dtype]] = {}
    default = torch.get_default_dtype()

    def work(number: int) -> None:
        wanted = MODELS["llama"].config()
        wanted.dtype = dtypes[number]
        found[number] = {each.dtype for each in load(wanted, config()).model.parameters()}

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(dtypes))]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert [found[number] for number in range(len(dtypes))] == [{each} for each in dtypes]
    assert torch.get_default_dtype() is default


class _BreaksLate(Loader):
    """Fails at the last part, after the others have been given their classes."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[nn.Module] = []

    def configure(self, module: nn.Module, wishes: CompilationConfig, services: CompileServices | None) -> None:
        """The first succeeds."""
        super().configure(module, wishes, services)
        self.made.append(module)
        if len(self.made) == 2:
            raise KeyboardInterrupt


def test_a_failure_half_way_leaves_nothing() -> None:
    """Whatever is raised: the modules that were changed are as they were."""
    loader = _BreaksLate()
    with pytest.raises(KeyboardInterrupt):
        loader.load(MODELS["llava"].config(), config(compile_mm_encoder=True))
    assert len(loader.made) == 2
    for module in loader.made:
        assert options_of(type(module)) is None
        assert not {COMPILED, WISHES} & vars(module).keys()


def test_loading_draws_no_random_numbers_of_its_own() -> None:
    """Torch's and Python's generators are where the plain model leaves them."""
    ends = []
    for make in (
        lambda: EAGER.build(MODELS["t5"].config()),
        lambda: Loader().load(MODELS["t5"].config(), config()),
    ):
        torch.manual_seed(1)
        random.seed(1)
        make()
        ends.append((torch.rand(1).item(), random.random()))
    assert ends[0] == ends[1]


def test_a_pickle_of_the_model_compiles_again() -> None:
    """With the same values, and without its programs; masks of two kinds of layers too."""
    there = load(MODELS["gemma3"].config(), config())
    twin = pickle.loads(pickle.dumps(there.model))
    assert type(twin.model.language_model) is type(cast(Any, there.model).model.language_model)
    torch.testing.assert_close(logits(twin, "gemma3", 5), logits(there.model, "gemma3", 5))
    assert COMPILED in vars(twin.model.language_model)


class _Final(type):
    """Makes classes from which no class derives."""

    def __new__(cls, name: str, bases: tuple[type, ...], members: dict[str, Any]) -> _Final:
        """The first class of its kind."""
        if any(isinstance(base, _Final) for base in bases):
            raise RuntimeError("this class is final.")
        return super().__new__(cls, name, bases, members)


class _Closed(nn.Module, metaclass=_Final):
    """A model that does not let itself be subclassed."""

    def forward(self, input_ids: Tensor) -> Tensor:
        """Itself."""
        return input_ids


class _Bare(nn.Module):
    """It takes no tensor."""

    def forward(self, times: int) -> int:
        """Itself."""
        return times


class _Finds(PartFinder):
    """Says that the decoder has another class."""

    def __init__(self, cls: type[nn.Module]) -> None:
        super().__init__()
        self.cls = cls

    def find(self, model: PreTrainedModel) -> Parts:
        """The decoder with another class, in a model that is made to have it."""
        parts = super().find(model)
        model.get_submodule(parts.decoder.path).__class__ = self.cls
        return Parts(model_class=type(model), decoder=Part(path=parts.decoder.path, cls=self.cls))


@pytest.mark.parametrize(("cls", "why"), [(_Closed, "this class is final"), (_Bare, "no argument annotated as a")])
def test_classes_that_cannot_be_decorated(cls: type[nn.Module], why: str) -> None:
    """One sentence with the class and the remedy, and no change."""
    with pytest.raises(BackendError, match=rf"{cls.__name__} \(model\) cannot be decorated: .*{why}.*mode=Compilation"):
        Loader(finder=_Finds(cls)).load(MODELS["llama"].config(), config())
    assert classes(EAGER.build(MODELS["llama"].config()))["model"].__module__.startswith("transformers.")


def _made(name: str, **members: object) -> PreTrainedConfig:
    """A configuration that transformers does not know."""
    made: PreTrainedConfig = type(name, (PreTrainedConfig,), members)()
    return made


def _named(name: str) -> PreTrainedConfig:
    wanted = MODELS["llama"].config()
    wanted.architectures = [name]
    return wanted


def _impossible() -> PreTrainedConfig:
    wanted = MODELS["llama"].config()
    wanted.hidden_act = "no such function"
    return wanted


STRANGER = _made("StrangerConfig", model_type="stranger", auto_map={"AutoModel": "a.B"})
NEXT = _made("NextConfig", model_type="llama_of_next_year")
BAD: dict[str, tuple[object, str]] = {
    "remote code": (STRANGER, "StrangerConfig is a remote-code class, .* AutoModel.register"),
    "a later release": (NEXT, r"NextConfig \(model_type 'llama_of_next_year'\) has no model .* install the release"),
    "an unknown class": (_named("Llama9ForCausalLM"), r"names Llama9ForCausalLM, .* set it to \['LlamaForCausalLM'\]"),
    "an impossible size": (_impossible(), "LlamaForCausalLM cannot be made from this LlamaConfig: KeyError"),
    "no configuration": ({"model_type": "llama"}, "is not a configuration of transformers"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_configurations_are_refused(name: str) -> None:
    """One sentence with the class and the remedy."""
    wanted, sentence = BAD[name]
    with pytest.raises(BackendError, match=sentence):
        load(cast(PreTrainedConfig, wanted), config())


def test_unresolved_encoders_are_refused_only_if_they_are_to_compile() -> None:
    """The decoder needs none of them."""

    class Nothing(PartFinder):
        def encoder(self, *_: object) -> object:
            return None

    loader = Loader(finder=Nothing())
    assert loader.load(MODELS["llava"].config(), config()).compiled
    with pytest.raises(BackendError, match=r"get_encoder\(modality='image'\) answers with nothing: .* compile_mm_en"):
        loader.load(MODELS["llava"].config(), config(compile_mm_encoder=True))


def test_a_wrong_compilation_configuration_is_refused_first() -> None:
    """Before a model is made. Mode NONE asks for no parts, so it loads everything."""
    with pytest.raises(TypeError, match="compilation_config='full' is not a CompilationConfig"):
        load(MODELS["llama"].config(), cast(CompilationConfig, "full"))
    vit = AutoConfig.for_model("vit", hidden_size=32, num_hidden_layers=1, num_attention_heads=4, image_size=8)
    assert load(vit, config(mode=CompilationMode.NONE)).parts is None
    with pytest.raises(BackendError, match="ViTModel has no decoder"):
        load(vit, config())
    assert issubclass(DecorationError, ValueError)
