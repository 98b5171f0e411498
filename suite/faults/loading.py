"""Faults of loading one model: what is not found, not compiled, compiled unasked, or compiled wrongly."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import torch
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel

from reference.compilation.aot import TorchTracer
from reference.compilation.compiled_forward import CompileServices, Program
from reference.compilation.config import CompilationConfig, CompilationMode
from reference.compilation.recipes import EnableIf
from reference.transformers_backend.building import ModelBuilder
from reference.transformers_backend.decorating import PartDecorator
from reference.transformers_backend.finding import PartFinder
from reference.transformers_backend.loading import Loaded, Loader
from reference.transformers_backend.parts import Part, Parts
from suite.faults import injection
from suite.faults.fault import Fault


def _decorating(kind: Callable[[], PartDecorator]) -> Callable[[], Loader]:
    """A loader with another decorator of parts."""
    return lambda: Loader(decorator=kind())


def _finding(kind: Callable[[], PartFinder]) -> Callable[[], Loader]:
    """A loader with another finder of parts."""
    return lambda: Loader(finder=kind())


class _TrainsOn(ModelBuilder):
    """Leaves the model in training mode, with its dropout."""

    def build(self, config: PreTrainedConfig) -> PreTrainedModel:
        return cast(PreTrainedModel, super().build(config).train())


class _HardCodedNames(PartDecorator):
    """Takes it for granted that a decoder has the usual arguments."""

    def known_dims(self, cls: type[nn.Module], names: Mapping[str, int]) -> dict[str, int]:
        taken = inspect.signature(cls.forward).parameters
        return {taken[name].name: names[name] for name in ("input_ids", "position_ids", "inputs_embeds")}


class _TopClass(PartFinder):
    """Takes the whole model for its decoder."""

    def parts(
        self,
        model: PreTrainedModel,
        decoder: nn.Module,
        encoders: Mapping[str, nn.Module],
        unresolved: Mapping[str, str],
    ) -> Parts:
        return super().parts(model, model, {}, unresolved)


class _BaseModel(PartFinder):
    """Takes what is below the head for the decoder, with all that is in it."""

    def parts(
        self,
        model: PreTrainedModel,
        decoder: nn.Module,
        encoders: Mapping[str, nn.Module],
        unresolved: Mapping[str, str],
    ) -> Parts:
        return super().parts(model, model.base_model, encoders, unresolved)


class _HeadToo(Loader):
    """Compiles the head with the decoder."""

    def attach(
        self,
        model: PreTrainedModel,
        parts: Parts,
        chosen: Sequence[Part],
        wishes: CompilationConfig,
        services: CompileServices | None,
    ) -> Loaded:
        head = cast(Any, model).get_output_embeddings()
        path = next(path for path, module in model.named_modules() if module is head)
        return super().attach(model, parts, (*chosen, Part(path=path, cls=type(head))), wishes, services)


class _DecoderStays(PartDecorator):
    """Finds a reason for every decoder not to compile."""

    def enable_if(self, part: Part, config: object) -> EnableIf | None:
        return None if part.is_encoder else _never


def _never(_: CompilationConfig) -> bool:
    """No."""
    return False


class _NoneIsFull(Loader):
    """Takes mode none for full."""

    def load(
        self, config: PreTrainedConfig, compilation_config: CompilationConfig, services: CompileServices | None = None
    ) -> Loaded:
        return super().load(config, replace(compilation_config, mode=CompilationMode.FULL), services)


class _AsksTheOptional(PartDecorator):
    """Reads the kind of rope from a mapping that may not be there."""

    def enable_if(self, part: Part, config: object) -> EnableIf | None:
        kind = cast(Any, getattr(config, "rope_scaling", None)).get("rope_type")
        return _never if kind == "dynamic" else None


class _ExpectsAFlatRope(PartDecorator):
    """Reads the kind of rope as if there were one for all layers."""

    def enable_if(self, part: Part, config: object) -> EnableIf | None:
        kind = (getattr(config, "rope_parameters", None) or {"rope_type": "default"})["rope_type"]
        return _never if kind == "dynamic" else None


class _CompilesDynamicRope(PartDecorator):
    """Compiles every decoder."""

    def enable_if(self, part: Part, config: object) -> EnableIf | None:
        return None


class _EachLength(TorchTracer):
    """Lets every size be a constant."""

    def compiled(self) -> Program:
        made: Program = torch.compile(self._function, fullgraph=True, backend=self.backend(), dynamic=False)
        return made


class _RunsACopy(Loader):
    """Compiles a copy of each part, with the weights of that moment."""

    def configure(self, module: nn.Module, wishes: CompilationConfig, services: CompileServices | None) -> None:
        twin = copy.deepcopy(module)
        super().configure(twin, wishes, services)
        super().configure(module, wishes, services)
        cast(Any, module).forward = lambda *args, **kwargs: cast(Any, twin).forward(*args, **kwargs)


_PARTS = "loading/exactly-the-parts"


def _fault(name: str, breaks: str, law: str, loader: Callable[[], Loader], *, family: str, source: str = "") -> Fault:
    """A fault of the loader, on one whole model."""
    return Fault(
        id=f"loading/{name}",
        breaks=breaks,
        caught_by=(law,),
        parts=injection.decoration(loader=loader),
        family=family,
        source=source or None,
    )


FAULTS = (
    _fault(
        "training-mode",
        "a loaded model drops out",
        "loading/values",
        lambda: Loader(builder=_TrainsOn()),
        family="gpt2",
    ),
    _fault(
        "hard-coded-names",
        "dims are given for arguments that the decoder does not have",
        "loading/values",
        _decorating(_HardCodedNames),
        family="bloom",
        source="BUG-H04",
    ),
    _fault("top-class", "the whole model is decorated", _PARTS, _finding(_TopClass), family="gpt2", source="BUG-H01"),
    _fault("base-model", "the decoder is taken with what is around it", _PARTS, _finding(_BaseModel), family="opt"),
    _fault("head-too", "the head is compiled", _PARTS, _HeadToo, family="bloom"),
    _fault("decoder-stays-eager", "nothing is compiled", _PARTS, _decorating(_DecoderStays), family="bloom"),
    _fault("mode-is-not-heard", "mode none compiles", _PARTS, _NoneIsFull, family="opt"),
    _fault(
        "asks-an-optional-rope",
        "a model without rotary embeddings does not load",
        "loading/rope",
        _decorating(_AsksTheOptional),
        family="gpt2",
        source="BUG-H02",
    ),
    _fault(
        "expects-a-flat-rope",
        "a model with one rotary embedding per kind of layer does not load",
        "loading/rope",
        _decorating(_ExpectsAFlatRope),
        family="gemma3",
        source="BUG-H02",
    ),
    _fault(
        "compiles-dynamic-rope",
        "a decoder is compiled whose embedding asks how long the text is",
        "loading/rope",
        _decorating(_CompilesDynamicRope),
        family="llama",
        source="BUG-H02",
    ),
    Fault(
        id="loading/lengths-baked",
        breaks="each number of tokens is a program of its own",
        caught_by=("loading/no-trace-after-warm-up",),
        parts=injection.decoration(services=lambda: CompileServices(tracer=_EachLength)),
        family="llama",
    ),
    _fault("runs-a-copy", "weights of later are not seen", "loading/new-weights", _RunsACopy, family="llama"),
)
