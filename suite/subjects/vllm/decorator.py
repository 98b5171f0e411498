"""vLLM's decorator as it is installed: found when it is asked for, its form told from its signature."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

from torch import nn

from suite.contract.decorating import Options
from suite.contract.subject import AdapterBroken

DECORATORS = "vllm.compilation.decorators"
CONFIG = "vllm.config"
NEEDED = ("dynamic_arg_dims", "enable_if", "is_encoder")
"""Arguments of the decorator without which options cannot be said."""
Decorator = Callable[..., Callable[[type[nn.Module]], type[nn.Module]]]


class UnknownDecorator(Exception):
    """The decorator takes other arguments than any that is known: the text says which."""


@dataclass(frozen=True)
class DecoratorForm:
    """One form of `support_torch_compile`, by where it differs from the others."""

    marks_unbacked: bool = False
    """Dims whose sizes must not be baked, 0 and 1 among them, are named apart: `mark_unbacked_dims`."""
    checks_shapes: bool = False
    """Takes a function of what holds between sizes: `shape_invariants`."""
    chooses_ahead: bool = False
    """Takes whether programs are compiled ahead of time: `use_aot_compile`."""


def recognise_decorator(decorator: Callable[..., object]) -> DecoratorForm:
    """The form of a decorator, told from its signature.

    Raises:
        UnknownDecorator: it lacks an argument that every known form has.
    """
    taken = inspect.signature(decorator).parameters
    lacking = [name for name in NEEDED if name not in taken]
    if lacking:
        raise UnknownDecorator(
            f"{getattr(decorator, '__name__', 'the decorator')} takes {', '.join(taken)}, and no {', '.join(lacking)}: "
            f"looked for {', '.join(NEEDED)}"
        )
    return DecoratorForm(
        marks_unbacked="mark_unbacked_dims" in taken,
        checks_shapes="shape_invariants" in taken,
        chooses_ahead="use_aot_compile" in taken,
    )


def said(options: Options, dims: Mapping[str, int] | None) -> dict[str, Any]:
    """Options in the decorator's words; what the user does not say is not said."""
    words: dict[str, Any] = {"is_encoder": options.component == "encoder"}
    if dims is not None:
        words["dynamic_arg_dims"] = dict(dims)
    if options.enabled is not None:
        words["enable_if"] = _ANSWERS[options.enabled]
    return words


def _yes(_: object) -> bool:
    return True


def _no(_: object) -> bool:
    return False


# One function for each answer, as a user has one.
_ANSWERS = {True: _yes, False: _no}


@dataclass(frozen=True)
class CompileEngine:
    """What the adapter uses of vLLM's compilation."""

    decorate: Decorator
    """The unmodified `support_torch_compile`."""
    form: DecoratorForm
    config: ModuleType
    """`vllm.config`: the engine's own dataclasses, and `set_current_vllm_config`."""


@cache
def compile_engine() -> CompileEngine:
    """The compilation of the vLLM of this environment.

    Raises:
        AdapterBroken: it cannot be imported, or its decorator has no form that is known.
    """
    try:
        decorate = importlib.import_module(DECORATORS).support_torch_compile
        config = importlib.import_module(CONFIG)
        return CompileEngine(decorate, recognise_decorator(decorate), config)
    except (ImportError, UnknownDecorator) as error:
        raise AdapterBroken(f"vllm's decorator cannot be reached: {error}") from error
