"""The adapter of vLLM's decorator before decorators of our own: their form is told from their signatures."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, cast

import pytest
from torch import Tensor, nn

from suite.contract.decorating import Options, Wishes
from suite.contract.subject import AdapterBroken, Refused
from suite.subjects.vllm.decorating import VllmWorkbench, forget_hooks
from suite.subjects.vllm.decorator import CompileEngine, DecoratorForm, UnknownDecorator, recognise_decorator, said

Classes = Callable[[type[nn.Module]], type[nn.Module]]


def _first(*, dynamic_arg_dims: object, enable_if: object, is_encoder: bool, shape_invariants: object) -> None:
    """An older form."""


def _second(
    *, dynamic_arg_dims: object, mark_unbacked_dims: object, enable_if: object, is_encoder: bool, use_aot_compile: bool
) -> None:
    """A later form."""


def _strange(*, dims: object, enable_if: object) -> None:
    """No form."""


def test_forms_are_recognised() -> None:
    """By the arguments that a decorator takes."""
    assert recognise_decorator(_first) == DecoratorForm(checks_shapes=True)
    assert recognise_decorator(_second) == DecoratorForm(marks_unbacked=True, chooses_ahead=True)


def test_a_strange_decorator_is_described() -> None:
    """What it takes, and what was looked for."""
    with pytest.raises(UnknownDecorator, match="_strange takes dims, enable_if, and no dynamic_arg_dims, is_encoder"):
        recognise_decorator(_strange)


def test_what_a_user_does_not_say_is_not_said() -> None:
    """Dims and a condition are given only where options have them."""
    assert said(Options(), None) == {"is_encoder": True}
    words = said(Options("language_model", enabled=False), {"rows": 0})
    assert words.pop("enable_if")(None) is False
    assert words == {"is_encoder": False, "dynamic_arg_dims": {"rows": 0}}


@dataclass
class _CompilationConfig:
    mode: int
    backend: str
    compile_sizes: list[int]
    compile_mm_encoder: bool = False
    compilation_time: float = 0.25
    encoder_compilation_time: float = 0.5

    def __post_init__(self) -> None:
        if self.backend == "strange":
            raise ValueError("no backend strange")


@dataclass
class _DeviceConfig:
    device: str


@dataclass
class _VllmConfig:
    compilation_config: _CompilationConfig
    device_config: _DeviceConfig
    optimization_level: int


@dataclass
class _Decorators:
    """An engine of our own: it remembers under which configuration instances were made."""

    current: list[_VllmConfig] = field(default_factory=list)
    seen: list[tuple[str, bool]] = field(default_factory=list)

    def decorate(self, *, is_encoder: bool, dynamic_arg_dims: object = None, enable_if: object = None) -> Classes:
        def decorated(cls: type[nn.Module]) -> type[nn.Module]:
            if dynamic_arg_dims == {"absent": 0}:
                raise ValueError(f"no absent in {cls.__name__}")
            self.seen.append((cls.__name__, is_encoder))
            return cls

        return decorated

    @contextmanager
    def set_current(self, config: _VllmConfig) -> Iterator[None]:
        self.current.append(config)
        yield
        self.current.pop()

    def engine(self) -> CompileEngine:
        config = ModuleType("config")
        vars(config).update(
            VllmConfig=_VllmConfig,
            CompilationConfig=_CompilationConfig,
            DeviceConfig=_DeviceConfig,
            set_current_vllm_config=self.set_current,
        )
        return CompileEngine(self.decorate, DecoratorForm(), config)


class _Rows(nn.Module):
    made: Any = None

    def __init__(self, decorators: _Decorators) -> None:
        super().__init__()
        self.made = decorators.current[-1]

    def forward(self, rows: Tensor) -> Tensor:
        return rows


def test_instances_are_made_under_the_configuration() -> None:
    """In the mode that was wished for, on a CPU; what it counted is read."""
    ours = _Decorators()
    bench = VllmWorkbench(Wishes("full", encoder=True), ours.engine())
    assert bench.decorate(_Rows, Options("language_model"), None) is _Rows
    made = cast(_VllmConfig, bench.build(_Rows, (ours,), {}).made)
    assert ours.seen == [("_Rows", False)]
    assert not ours.current
    assert (made.compilation_config.mode, made.compilation_config.compile_mm_encoder) == (3, True)
    assert made.device_config == _DeviceConfig("cpu")
    assert (bench.facts().language_model_seconds, bench.facts().encoder_seconds) == (0.25, 0.5)
    bench.close()


def test_refusals_are_the_engines() -> None:
    """A class, and a value of the configuration; a mode that is not declared is the adapter's own mistake."""
    ours = _Decorators()
    bench = VllmWorkbench(Wishes(), ours.engine())
    with pytest.raises(Refused, match="no absent in _Rows"):
        bench.decorate(_Rows, Options(), {"absent": 0})
    with pytest.raises(AdapterBroken, match="undoes_decoration"):
        bench.undo(_Rows)
    bench.close()
    with pytest.raises(Refused, match="no backend strange"):
        VllmWorkbench(Wishes(backend="strange"), ours.engine())
    with pytest.raises(AdapterBroken, match="'stock' is not declared: choose one of none, full"):
        VllmWorkbench(Wishes("stock"), ours.engine())


def test_the_surroundings_are_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Environment variables are the user's again."""
    monkeypatch.setenv("VLLM_CACHE_ROOT", "kept")
    monkeypatch.delenv("VLLM_DISABLE_COMPILE_CACHE", raising=False)
    bench = VllmWorkbench(Wishes(), _Decorators().engine())
    assert os.environ["VLLM_CACHE_ROOT"] != "kept"
    bench.close()
    assert (os.environ["VLLM_CACHE_ROOT"], os.environ.get("VLLM_DISABLE_COMPILE_CACHE")) == ("kept", None)


def test_hooks_of_others_stay() -> None:
    """Only what the engine's instances left is dropped."""

    def theirs() -> None:
        """Registered by vLLM."""

    theirs.__module__ = "vllm.compilation.wrapper"
    table: dict[int, Callable[..., object]] = {1: theirs, 2: _first}
    forget_hooks(table)
    assert [*table] == [2]
