"""Which modules of a model are its decoder and its encoders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import nn

MODALITIES = ("image", "video", "audio")
"""What an encoder may be for, by the names that transformers has for them."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One module: where it is in the model, and its class."""

    path: str
    """Dotted, from the model; empty for the model itself."""
    cls: type[nn.Module]
    modalities: tuple[str, ...] = ()
    """What it encodes; nothing for a decoder."""

    @property
    def is_encoder(self) -> bool:
        """Whether it is for images, videos or sound."""
        return bool(self.modalities)

    def module(self, model: nn.Module) -> nn.Module:
        """The part of a model that was built alike."""
        return model.get_submodule(self.path)

    def fits(self, model: nn.Module) -> bool:
        """Whether the model has such a module at this place."""
        try:
            return type(self.module(model)) is self.cls
        except AttributeError:
            return False


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What of a model can be compiled. A tower that serves two modalities is one part (BUG-H05)."""

    model_class: type[nn.Module]
    decoder: Part
    """The base decoder; its head is no part of it (SPEC D1)."""
    encoders: tuple[Part, ...] = ()
    unresolved: Mapping[str, str] = field(default_factory=dict)
    """For each modality that the model takes and whose encoder is not known, one sentence with the reason."""

    @property
    def encoder_classes(self) -> tuple[type[nn.Module], ...]:
        """Each class of an encoder once, in order."""
        return tuple(dict.fromkeys(each.cls for each in self.encoders))

    @property
    def by_modality(self) -> dict[str, type[nn.Module]]:
        """The class that encodes each modality."""
        return {modality: each.cls for each in self.encoders for modality in each.modalities}

    def fit(self, model: nn.Module) -> bool:
        """Whether a model has all of them where they are said to be."""
        return type(model) is self.model_class and all(each.fits(model) for each in (self.decoder, *self.encoders))
