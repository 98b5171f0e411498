"""Faults of the encoders of loaded models: found or not, compiled or not, and what is said and counted of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from transformers import PreTrainedModel

from reference.compilation.compiled_forward import CompileServices
from reference.compilation.config import CompilationConfig
from reference.transformers_backend.decorating import PartDecorator
from reference.transformers_backend.exceptions import Known
from reference.transformers_backend.finding import PartFinder
from reference.transformers_backend.loading import Loaded, Loader
from reference.transformers_backend.parts import Part, Parts
from suite.faults import injection
from suite.faults.fault import Fault


class _ImagesAlone(PartFinder):
    """Asks for the encoder of images, and for no other."""

    def encoded(self, model: PreTrainedModel, known: Known | None) -> tuple[str, ...]:
        return tuple(each for each in super().encoded(model, known) if each == "image")


class _FlagUnheard(Loader):
    """Warns of encoders, and leaves them eager."""

    def attach(
        self,
        model: PreTrainedModel,
        parts: Parts,
        chosen: Sequence[Part],
        wishes: CompilationConfig,
        services: CompileServices | None,
    ) -> Loaded:
        return super().attach(model, parts, [each for each in chosen if not each.is_encoder], wishes, services)


class _EncodersUnasked(Loader):
    """Compiles encoders whatever the flag says."""

    def chosen(self, parts: Parts, wishes: CompilationConfig) -> tuple[Part, ...]:
        return (parts.decoder, *parts.encoders)


class _AllLanguageModels(PartDecorator):
    """Marks no part as an encoder."""

    def is_encoder(self, part: Part) -> bool:
        return False


class _NamesTheWished(Loaded):
    """Calls a part compiled that was to compile."""

    @property
    def compiled(self) -> tuple[Part, ...]:
        return tuple(each.part for each in self.changes)


class _SaysTheWishes(Loader):
    """Reports what was wished for what was done."""

    def attach(
        self,
        model: PreTrainedModel,
        parts: Parts,
        chosen: Sequence[Part],
        wishes: CompilationConfig,
        services: CompileServices | None,
    ) -> Loaded:
        done = super().attach(model, parts, chosen, wishes, services)
        return _NamesTheWished(done.model, done.parts, done.changes)


class _Silent(Loader):
    """Warns of nothing."""

    def warn(self, parts: Parts, chosen: Sequence[Part]) -> None:
        """Nothing."""


class _AlwaysWarns(Loader):
    """Warns of the encoders that there are, whether they compile or not."""

    def warn(self, parts: Parts, chosen: Sequence[Part]) -> None:
        super().warn(parts, (parts.decoder, *parts.encoders))


_PARTS = "loading/exactly-the-parts"


def _fault(name: str, breaks: str, law: str, loader: Callable[[], Loader], *, family: str, source: str = "") -> Fault:
    """A fault of the loader, on one whole model."""
    return Fault(
        id=f"loaded_encoders/{name}",
        breaks=breaks,
        caught_by=(law,),
        parts=injection.decoration(loader=loader),
        family=family,
        source=source or None,
    )


FAULTS = (
    _fault(
        "images-alone",
        "no encoder but that of images is found",
        _PARTS,
        lambda: Loader(finder=_ImagesAlone()),
        family="qwen2_audio",
        source="BUG-H05",
    ),
    _fault("flag-is-not-heard", "encoders that were wished stay eager", _PARTS, _FlagUnheard, family="whisper"),
    _fault(
        "encoders-unasked",
        "encoders compile although the flag is off",
        "loading/encoder-not-by-default",
        _EncodersUnasked,
        family="llava",
        source="BUG-H01",
    ),
    _fault(
        "encoder-as-language-model",
        "seconds of encoders are the language model's",
        "loading/seconds-by-component",
        lambda: Loader(decorator=_AllLanguageModels()),
        family="llava",
        source="BUG-T03",
    ),
    _fault(
        "says-what-was-wished",
        "a part that gave up is called compiled",
        "loading/says-what-compiles",
        _SaysTheWishes,
        family="qwen2_vl",
    ),
    _fault("silent", "nothing warns of encoders", "loading/encoder-warning", _Silent, family="llava"),
    _fault("always-warns", "a load warns unasked", "loading/encoder-warning", _AlwaysWarns, family="llava"),
)
