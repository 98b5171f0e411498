"""Makes the compiled class of one part: which dims vary, and when it stays eager (SPEC D4, BUG-H02, BUG-H04)."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from torch import nn

from reference.compilation.config import CompilationConfig
from reference.compilation.decorator import support_torch_compile
from reference.compilation.dynamic_dims import DecorationError, ForwardSignature
from reference.compilation.recipes import EnableIf
from reference.transformers_backend.errors import BackendError
from reference.transformers_backend.parts import Part

DECODER_DIMS: Mapping[str, int] = MappingProxyType(
    {
        "input_ids": 1,
        "inputs_embeds": 1,
        "position_ids": -1,
        "attention_mask": -1,
        "token_type_ids": 1,
        "encoder_hidden_states": 1,
        "encoder_attention_mask": -1,
        "visual_pos_masks": -1,
        "deepstack_visual_embeds": 0,
        "per_layer_inputs": 1,
        "cache_position": 0,
    }
)
"""Dims that follow the number of tokens, by the names that decoders of transformers use. The batch is one sequence."""

ENCODER_DIMS: Mapping[str, int] = MappingProxyType(
    {"pixel_values": 0, "flattened_patches": 0, "input_features": 0, "input_values": 0, "hidden_states": 0}
)
"""Dims that follow the number of images or clips, for encoders without annotations."""

NOT_COMPILABLE = ("dynamic",)
"""Kinds of rotary embedding that read a value from a tensor to decide what to compute."""


class Decorator(Protocol):
    """Makes a decorated class, as `support_torch_compile` does."""

    def __call__(
        self,
        cls: type[nn.Module],
        *,
        dynamic_arg_dims: Mapping[str, int] | None,
        is_encoder: bool,
        enable_if: EnableIf | None,
    ) -> type[nn.Module]:
        """The decorated class; the class itself is not written to."""
        ...


@dataclass(frozen=True)
class RopeTraces:
    """Asks whether the rotary embedding of a decoder can be traced; equal ones make the same decorated class."""

    kinds: tuple[str, ...] = ()

    def __call__(self, config: CompilationConfig) -> bool:
        """Whether it can, whatever the compilation configuration says."""
        return not any(name in kind for kind in self.kinds for name in NOT_COMPILABLE)


class PartDecorator:
    """Decides how a part is decorated, and does it."""

    def __init__(
        self, *, decorator: Decorator = support_torch_compile, decoder_dims: Mapping[str, int] = DECODER_DIMS
    ) -> None:
        self.decorator = decorator
        self.decoder_dims = decoder_dims

    def decorated(self, part: Part, config: object) -> type[nn.Module]:
        """A subclass of the part's class, for a part with this configuration of transformers.

        Raises:
            BackendError: its forward takes no tensor, or the class does not let itself be subclassed.
        """
        try:
            return self.decorator(
                part.cls,
                dynamic_arg_dims=self.dims(part),
                is_encoder=self.is_encoder(part),
                enable_if=self.enable_if(part, config),
            )
        except Exception as error:
            raise BackendError(
                f"{part.cls.__qualname__} ({part.path or 'the model itself'}) cannot be decorated: "
                f"{(str(error).strip() or type(error).__name__).rstrip('.')}. Load it with mode=CompilationMode.NONE."
            ) from error

    def is_encoder(self, part: Part) -> bool:
        """Whether its compile seconds are an encoder's."""
        return part.is_encoder

    def dims(self, part: Part) -> Mapping[str, int] | None:
        """Dims by argument. None: they are inferred from the annotations of the forward."""
        if not part.is_encoder:
            return self.known_dims(part.cls, self.decoder_dims) or None
        inferred, known = self.inferred_dims(part.cls), self.known_dims(part.cls, ENCODER_DIMS)
        return {**known, **inferred} if known.keys() - inferred.keys() else None

    def inferred_dims(self, cls: type[nn.Module]) -> dict[str, int]:
        """Dim 0 of what the forward annotates as a tensor."""
        try:
            named = ForwardSignature(cls.forward, class_name=cls.__qualname__).infer().named
        except DecorationError:
            return {}
        return {name: 0 for name, _ in named}

    def known_dims(self, cls: type[nn.Module], names: Mapping[str, int]) -> dict[str, int]:
        """The dims of the arguments that the forward really has (BUG-H04)."""
        taken = inspect.signature(cls.forward).parameters
        return {name: dim for name, dim in names.items() if name in taken}

    def enable_if(self, part: Part, config: object) -> EnableIf | None:
        """When the part stays eager although its class is decorated."""
        return None if part.is_encoder else RopeTraces(rope_kinds(config))


def rope_kinds(config: object) -> tuple[str, ...]:
    """Every kind of rotary embedding that a configuration names, in any of the shapes that it may have (BUG-H02).

    None, an empty mapping, a mapping without a kind, and one mapping per kind of layer are all possible.
    """
    found: list[str] = []
    for name in ("rope_parameters", "rope_scaling"):
        found += _kinds(getattr(config, name, None))
    return tuple(dict.fromkeys(found))


def _kinds(value: object) -> list[str]:
    if not isinstance(value, Mapping):
        return []
    own = [str(value[name]) for name in ("rope_type", "type") if value.get(name) is not None]
    return own + [kind for each in value.values() for kind in _kinds(each)]
