"""What a user may say about compilation, checked where it is said (SPEC C1, T1)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

BACKENDS = ("inductor", "eager", "aot_eager")
_OPERATION = re.compile(r"[A-Za-z_]\w*::\w+(\.\w+)?")
_PREFIX = re.compile(r"[A-Za-z]\w*")
_Class = TypeVar("_Class", bound=type)


class ConfigError(ValueError):
    """A configuration value that cannot work: the text names the value, the valid ones and the remedy."""


class CompilationMode(Enum):
    """How a decorated forward runs (SPEC C1)."""

    NONE = "none"
    """Plain eager."""
    STOCK = "stock"
    """torch.compile with the named back end as torch ships it."""
    FULL = "full"
    """torch.compile with the piecewise back end, ranges, artifacts and counters."""


class DynamicShapes(Enum):
    """How the dynamic dims of tensors are marked before the first trace (SPEC C3)."""

    UNBACKED = "unbacked"
    BACKED_SIZE_OBLIVIOUS = "backed_size_oblivious"
    BACKED = "backed"


IN_HASH: Mapping[str, bool] = MappingProxyType({"in_hash": True})
"""Statement of a field that changes the traced or the compiled program."""
NOT_IN_HASH: Mapping[str, bool] = MappingProxyType({"in_hash": False})
"""Statement of a field that changes where things are written, or what is observed, and no program."""


def hashed_fields(cls: type) -> tuple[Field[Any], ...]:
    """The fields that count for `compute_hash`.

    Raises:
        TypeError: a field says neither `IN_HASH` nor `NOT_IN_HASH` (BUG-C01 and BUG-C14 are forgotten factors).
    """
    for each in fields(cls):
        if "in_hash" not in each.metadata:
            raise TypeError(
                f"{cls.__name__}.{each.name} does not say whether it changes the compiled program: "
                "give it field(metadata=IN_HASH) or field(metadata=NOT_IN_HASH)."
            )
    return tuple(each for each in fields(cls) if each.metadata["in_hash"])


def every_field_stated(cls: _Class) -> _Class:
    """Class decorator over a dataclass: a field without a statement is an error where the class is made."""
    hashed_fields(cls)
    return cls


@every_field_stated
@dataclass(kw_only=True)
class CompilationConfig:
    """The user's wishes for compilation, and the two counters of compile seconds (SPEC T1).

    Raises:
        ConfigError: for a value of the wrong type or range.
    """

    mode: CompilationMode = field(default=CompilationMode.FULL, metadata=IN_HASH)
    backend: str = field(default="inductor", metadata=IN_HASH)
    """What compiles one piece: one of `BACKENDS`."""
    splitting_ops: Sequence[str] = field(default=(), metadata=IN_HASH)
    """Qualified names such as `aten::softmax`; each such call is a piece that stays eager."""
    compile_ranges_endpoints: Sequence[int] = field(default=(), metadata=IN_HASH)
    """Ascending last sizes of ranges: (8, 64) makes 0 to 8, 9 to 64, and for an encoder 65 and up."""
    cudagraph_capture_sizes: Sequence[int] = field(default=(), metadata=IN_HASH)
    """Ascending sizes at which graphs will be captured; a back end may compile a size of its own for one."""
    dynamic_shapes: DynamicShapes = field(default=DynamicShapes.UNBACKED, metadata=IN_HASH)
    aot_compile: bool = field(default=False, metadata=IN_HASH)
    """Trace ahead of the first run, and keep the whole program in the cache. Such a trace has other guards."""
    compile_mm_encoder: bool = field(default=False, metadata=IN_HASH)
    """Whether a vision encoder is a program of its own (SPEC D2)."""
    cache_dir: Path | None = field(default=None, metadata=NOT_IN_HASH)
    debug_dump_path: Path | None = field(default=None, metadata=NOT_IN_HASH)
    trace_prefix: str = field(default="lockstep", metadata=NOT_IN_HASH)
    """First part of every label and artifact name in torch's structured trace (SPEC L1)."""
    compilation_time: float = field(default=0.0, init=False, repr=False, compare=False, metadata=NOT_IN_HASH)
    """Seconds of compiling language models. Only the monitor adds to it."""
    encoder_compilation_time: float = field(default=0.0, init=False, repr=False, compare=False, metadata=NOT_IN_HASH)
    """Seconds of compiling encoders. Only the monitor adds to it."""

    def __post_init__(self) -> None:
        _require_member("mode", self.mode, CompilationMode)
        _require_member("dynamic_shapes", self.dynamic_shapes, DynamicShapes)
        if self.backend not in BACKENDS:
            raise ConfigError(f"backend={self.backend!r} is not a piece compiler: give one of {', '.join(BACKENDS)}.")
        self.splitting_ops = _clean_operations(self.splitting_ops)
        self.compile_ranges_endpoints = _clean_sizes("compile_ranges_endpoints", self.compile_ranges_endpoints, 0)
        self.cudagraph_capture_sizes = _clean_sizes("cudagraph_capture_sizes", self.cudagraph_capture_sizes, 1)
        _require_flag("aot_compile", self.aot_compile)
        _require_flag("compile_mm_encoder", self.compile_mm_encoder)
        _require_path("cache_dir", self.cache_dir)
        _require_path("debug_dump_path", self.debug_dump_path)
        if not isinstance(self.trace_prefix, str) or not _PREFIX.fullmatch(self.trace_prefix):
            raise ConfigError(
                f"trace_prefix={self.trace_prefix!r} is not a label: give letters, digits and underscores, "
                "a letter first, for example 'lockstep'."
            )

    def compute_hash(self) -> str:
        """Hexadecimal digest of every field that changes the traced or compiled program, equal in every process."""
        facts = {each.name: _plain(getattr(self, each.name)) for each in hashed_fields(type(self))}
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _plain(value: object) -> object:
    return value.name if isinstance(value, Enum) else value


def _require_member(name: str, value: object, choices: type[Enum]) -> None:
    if not isinstance(value, choices):
        valid = ", ".join(f"{choices.__name__}.{each.name}" for each in choices)
        raise ConfigError(f"{name}={value!r} is not a {choices.__name__}: give one of {valid}.")


def _require_flag(name: str, value: object) -> None:
    if not isinstance(value, bool):
        raise ConfigError(f"{name}={value!r} is not a flag: give True or False.")


def _require_path(name: str, value: object) -> None:
    if value is not None and not isinstance(value, Path):
        raise ConfigError(f"{name}={value!r} is not a folder: give a pathlib.Path, or None for no such folder.")


def _clean_operations(value: object) -> tuple[str, ...]:
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise ConfigError(f"splitting_ops={value!r} is not a list of names: give for example ('aten::softmax',).")
    for each in value:
        if not isinstance(each, str) or not _OPERATION.fullmatch(each):
            raise ConfigError(
                f"splitting_ops holds {each!r}: give qualified names 'namespace::operation', "
                "for example 'aten::softmax'."
            )
    if len(set(value)) != len(value):
        raise ConfigError(f"splitting_ops={tuple(value)!r} names an operation twice: give each name once.")
    return tuple(value)


def _clean_sizes(name: str, value: object, least: int) -> tuple[int, ...]:
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise ConfigError(f"{name}={value!r} is not a list of sizes: give for example (8, 64), or () for none.")
    for each in value:
        if isinstance(each, bool) or not isinstance(each, int) or each < least:
            raise ConfigError(f"{name} holds {each!r}: each size is a whole number of at least {least}.")
    if list(value) != sorted(set(value)):
        raise ConfigError(f"{name}={tuple(value)!r} does not ascend: give {tuple(sorted(set(value)))!r}.")
    return tuple(value)
