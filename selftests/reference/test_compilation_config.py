"""The compile configuration: refusals, the hash, and the two counters (SPEC T1)."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import pytest

from reference.compilation.config import (
    IN_HASH,
    CompilationConfig,
    CompilationMode,
    ConfigError,
    DynamicShapes,
    every_field_stated,
)

OTHER: dict[str, Any] = {
    "mode": CompilationMode.STOCK,
    "backend": "eager",
    "splitting_ops": ("aten::softmax",),
    "compile_ranges_endpoints": (8, 64),
    "cudagraph_capture_sizes": (4,),
    "dynamic_shapes": DynamicShapes.BACKED,
    "aot_compile": True,
    "compile_mm_encoder": True,
    "cache_dir": Path("cache"),
    "debug_dump_path": Path("dump"),
    "trace_prefix": "other",
}
WHERE = {"cache_dir", "debug_dump_path", "trace_prefix"}


def test_each_field_has_another_value_here() -> None:
    """So that a new field cannot be left out of the next test."""
    assert OTHER.keys() == {each.name for each in fields(CompilationConfig) if each.init}


@pytest.mark.parametrize("name", OTHER)
def test_the_hash_follows_what_changes_the_program(name: str) -> None:
    """And not where things are written."""
    plain = CompilationConfig()
    changed = replace(plain, **{name: OTHER[name]})
    assert (plain.compute_hash() == changed.compute_hash()) == (name in WHERE)


def test_seconds_are_no_argument_and_show_nowhere() -> None:
    """SPEC T1."""
    config = CompilationConfig()
    before = repr(config), config.compute_hash()
    config.compilation_time, config.encoder_compilation_time = 1.0, 2.0
    assert (repr(config), config.compute_hash()) == before
    assert config == CompilationConfig()
    with pytest.raises(TypeError):
        CompilationConfig(compilation_time=1.0)  # type: ignore[call-arg]  # the point of the test


def test_a_field_without_a_statement_is_an_error() -> None:
    """BUG-C01: a factor that nobody thought of."""
    with pytest.raises(TypeError, match=r"Wider\.more does not say"):

        @every_field_stated
        @dataclass(kw_only=True)
        class Wider(CompilationConfig):
            more: int = 0


def test_a_subclass_with_a_stated_field_hashes_it() -> None:
    """The statement is all that a new field needs."""

    @every_field_stated
    @dataclass(kw_only=True)
    class Wider(CompilationConfig):
        more: int = field(default=0, metadata=IN_HASH)

    assert Wider(more=1).compute_hash() != Wider().compute_hash()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mode", "full"),
        ("backend", "tvm"),
        ("splitting_ops", "aten::softmax"),
        ("splitting_ops", ("softmax",)),
        ("splitting_ops", ("aten::softmax", "aten::softmax")),
        ("compile_ranges_endpoints", (8, 8)),
        ("compile_ranges_endpoints", (64, 8)),
        ("compile_ranges_endpoints", (-1,)),
        ("compile_ranges_endpoints", 8),
        ("cudagraph_capture_sizes", (0,)),
        ("cudagraph_capture_sizes", (True,)),
        ("dynamic_shapes", None),
        ("aot_compile", 1),
        ("compile_mm_encoder", "yes"),
        ("cache_dir", "cache"),
        ("debug_dump_path", 3),
        ("trace_prefix", ""),
    ],
)
def test_bad_values_are_refused_by_name(name: str, value: object) -> None:
    """With the value and a remedy."""
    with pytest.raises(ConfigError, match=f"{name}.*: give|{name}.*: each") as refusal:
        CompilationConfig(**{name: value})  # type: ignore[arg-type]  # the point of the test
    assert "=" in str(refusal.value) or "holds" in str(refusal.value)
