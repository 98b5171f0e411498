"""Faults of loading whole models: what a load does to classes, other instances, state, hooks and undo.

What a fault writes to for everyone is put back when the loaded model is gone: other tests run in this process.
"""

from __future__ import annotations

import copy
import functools
import gc
import sys
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.models.auto import modeling_auto

from reference.compilation.compiled_forward import CompileServices
from reference.compilation.config import CompilationConfig
from reference.compilation.decorator import support_torch_compile
from reference.compilation.recipes import WISHES, compiled_forward
from reference.transformers_backend.building import ModelBuilder, configs
from reference.transformers_backend.decorating import PartDecorator
from reference.transformers_backend.loading import Change, Loaded, Loader
from reference.transformers_backend.parts import Part
from reference.transformers_backend.parts import Parts as Found
from suite.faults.fault import Fault
from suite.subjects.reference_decorating import SOUND
from suite.subjects.reference_parts import Parts

MakeParts = Callable[[], Parts]


def _loader(make: Callable[[], Loader]) -> MakeParts:
    """Another loader."""
    return lambda: Parts(decoration=replace(SOUND, loader=make))


def _undo(change: Callable[[Loaded], None]) -> MakeParts:
    """Another undo."""
    return lambda: Parts(decoration=replace(SOUND, undo=change))


class _MarksTheClass(Loader):
    """Writes a mark into the class of the decoder."""

    def change(self, model: PreTrainedModel, part: Part) -> Change:
        type.__setattr__(part.cls, "_compiles", True)
        weakref.finalize(model, type.__delattr__, part.cls, "_compiles")
        return super().change(model, part)


class _TakesTheName(Loader):
    """Puts the decorated class under the name of the original."""

    def change(self, model: PreTrainedModel, part: Part) -> Change:
        made = super().change(model, part)
        home = sys.modules[part.cls.__module__]
        weakref.finalize(model, setattr, home, part.cls.__name__, part.cls)
        setattr(home, part.cls.__name__, made.decorated)
        return made


class _RegistersItself(Loader):
    """Tells transformers that this is the class for the configuration, from now on."""

    def attach(
        self,
        model: PreTrainedModel,
        parts: Found,
        chosen: Sequence[Part],
        wishes: CompilationConfig,
        services: CompileServices | None,
    ) -> Loaded:
        weakref.finalize(model, modeling_auto.MODEL_MAPPING._extra_content.pop, type(model.config), None)
        modeling_auto.MODEL_MAPPING._extra_content[type(model.config)] = type(model)
        return super().attach(model, parts, chosen, wishes, services)


class _SwitchesEveryone(Loader):
    """Gives every living instance of the decoder's class the decorated one, and lets it compile."""

    def attach(
        self,
        model: PreTrainedModel,
        parts: Found,
        chosen: Sequence[Part],
        wishes: CompilationConfig,
        services: CompileServices | None,
    ) -> Loaded:
        made = super().attach(model, parts, chosen, wishes, services)
        others = [each for each in _living(parts.decoder.cls) if type(each) is parts.decoder.cls]
        for each in others:
            each.__class__ = type(parts.decoder.module(model))
            weakref.finalize(model, setattr, each, "__class__", parts.decoder.cls)
            self.configure(each, wishes, services)
        return made


def _living(cls: type[nn.Module]) -> list[nn.Module]:
    """Instances of exactly this class that somebody holds."""
    return [each for each in gc.get_referrers(cls) if type(each) is cls]


class _PastTheHooks(Loader):
    """Calls a decoder's compiled forward instead of the module. Towers would fail: they hear themselves by hooks."""

    def change(self, model: PreTrainedModel, part: Part) -> Change:
        made = super().change(model, part)
        if part.is_encoder:
            return made
        made.module.__class__ = type(
            part.cls.__name__,
            (made.decorated,),
            {"__call__": lambda self, *args, **kwargs: compiled_forward(self)(*args, **kwargs)},
        )
        return made


class _LeavesAHook(Loader):
    """Puts a hook of its own on each part, which undo does not know of."""

    def change(self, model: PreTrainedModel, part: Part) -> Change:
        made = super().change(model, part)
        made.module.register_forward_hook(_noted)
        return made


def _noted(module: nn.Module, args: object, output: object) -> None:
    """A hook of the loader's own."""
    vars(module)["_last"] = weakref.ref(module)


class _Wraps(Loader):
    """Puts a module around the decoder's first layer."""

    def change(self, model: PreTrainedModel, part: Part) -> Change:
        made = super().change(model, part)
        made.module.add_module("compiled", nn.Identity())
        made.module.register_buffer("seen_tokens", Tensor([0.0]))
        return made


class _Unties(ModelBuilder):
    """Makes the head's weight its own."""

    def build(self, config: PreTrainedConfig) -> PreTrainedModel:
        model = super().build(config)
        head: Any = model.get_output_embeddings()
        if head is not None:
            head.weight = nn.Parameter(head.weight.detach().clone(), requires_grad=head.weight.requires_grad)
        return model


class _WritesToTheConfiguration(ModelBuilder):
    """Switches the cache off in the caller's own object."""

    def prepared(self, config: PreTrainedConfig) -> PreTrainedConfig:
        for each in configs(config):
            if hasattr(each, "use_cache"):
                each.use_cache = False
        return copy.deepcopy(config)


def _forgets_one(loaded: Loaded) -> None:
    """Leaves the last part as it is."""
    for change in loaded.changes[:-1] if len(loaded.changes) > 1 else ():
        change.undo()


def _leaves_programs(loaded: Loaded) -> None:
    """Gives classes back, and leaves what was compiled."""
    for change in loaded.changes:
        change.module.__class__ = change.original


def _undoes_the_class(loaded: Loaded) -> None:
    """Takes the wishes of all living instances of the decorated classes too."""
    for change in loaded.changes:
        for each in _living(change.decorated):
            vars(each).pop(WISHES, None)
    loaded.undo()


def _in_place(cls: type[nn.Module], **options: Any) -> type[nn.Module]:  # noqa: ANN401 - as the decorator's
    """Gives the class itself the decorated forward's docstring."""
    made = support_torch_compile(cls, **options)
    forward: Any = cls.forward
    weakref.finalize(made, setattr, forward, "__doc__", forward.__doc__)
    forward.__doc__ = "compiled"
    return made


_EARLIER, _CLASSES = "loading_effects/earlier-instances", "loading_effects/classes-untouched"
_STATE, _HOOKS = "loading_effects/state-is-the-plain-one", "loading_effects/hooks-fire"
_UNDO = "loading_effects/undo-restores"

_on_llama = functools.partial(Fault, family="llama")
FAULTS = (
    _on_llama(
        id="loading_effects/class-is-marked",
        breaks="the class of the decoder gets a new attribute",
        caught_by=(_CLASSES,),
        parts=_loader(_MarksTheClass),
    ),
    _on_llama(
        id="loading_effects/forward-is-written-to",
        breaks="the original forward is changed while its class is decorated",
        caught_by=(_CLASSES,),
        parts=_loader(lambda: Loader(decorator=PartDecorator(decorator=_in_place))),
    ),
    _on_llama(
        id="loading_effects/name-is-taken",
        breaks="the decorated class stands under the original's name in its module",
        caught_by=(_CLASSES,),
        parts=_loader(_TakesTheName),
    ),
    _on_llama(
        id="loading_effects/registry-is-written-to",
        breaks="a registry of transformers is told of the loaded model",
        caught_by=(_CLASSES,),
        parts=_loader(_RegistersItself),
    ),
    _on_llama(
        id="loading_effects/everyone-is-switched",
        breaks="living plain instances of the class compile too",
        caught_by=(_EARLIER,),
        parts=_loader(_SwitchesEveryone),
    ),
    _on_llama(
        id="loading_effects/buffer-of-its-own",
        breaks="the decorated module has a module and a buffer more",
        caught_by=(_STATE,),
        parts=_loader(_Wraps),
    ),
    Fault(
        id="loading_effects/ties-are-cut",
        breaks="the head has a copy of the weights that it should share",
        caught_by=(_STATE,),
        parts=_loader(lambda: Loader(builder=_Unties())),
        family="gpt2",
    ),
    _on_llama(
        id="loading_effects/configuration-is-written-to",
        breaks="the caller's configuration is changed for the engine",
        caught_by=("loading_effects/configuration-is-the-users",),
        parts=_loader(lambda: Loader(builder=_WritesToTheConfiguration())),
    ),
    _on_llama(
        id="loading_effects/past-the-hooks",
        breaks="the compiled forward is called instead of the module",
        caught_by=(_HOOKS,),
        parts=_loader(_PastTheHooks),
        source="BUG-H07",
    ),
    _on_llama(
        id="loading_effects/hook-is-left",
        breaks="undo leaves a hook of the loader's on the module",
        caught_by=(_UNDO,),
        parts=_loader(_LeavesAHook),
    ),
    _on_llama(
        id="loading_effects/undo-forgets-a-module",
        breaks="undo leaves the last of the modules as it is",
        caught_by=(_UNDO,),
        parts=_undo(_forgets_one),
    ),
    _on_llama(
        id="loading_effects/undo-leaves-programs",
        breaks="undo gives classes back and leaves programs in the modules",
        caught_by=(_UNDO,),
        parts=_undo(_leaves_programs),
    ),
    _on_llama(
        id="loading_effects/undo-is-of-the-class",
        breaks="undo of one model stops all models of the class from compiling",
        caught_by=(_UNDO,),
        parts=_undo(_undoes_the_class),
    ),
)
