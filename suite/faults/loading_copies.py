"""Faults of copies of loaded models: programs that are shared, and configurations that are lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from torch import nn
from transformers import PreTrainedModel

from reference.compilation.compiled_forward import CompileServices
from reference.compilation.config import CompilationConfig
from reference.compilation.recipes import COMPILED, WISHES, compiled_forward
from reference.transformers_backend.loading import Change, Loader
from reference.transformers_backend.parts import Part
from suite.faults.fault import Fault
from suite.subjects.reference_decorating import SOUND
from suite.subjects.reference_parts import Parts


def _loader(make: Callable[[], Loader]) -> Callable[[], Parts]:
    """Another loader."""
    return lambda: Parts(decoration=replace(SOUND, loader=make))


class _SharesPrograms(Loader):
    """Keeps what it compiled where copies of the module take it along."""

    def configure(self, module: nn.Module, wishes: CompilationConfig, services: CompileServices | None) -> None:
        super().configure(module, wishes, services)
        vars(module)["forward"] = _First(module)


class _First:
    """Calls the compiled forward of the module that it was made for, in copies of it too."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def __call__(self, *args: object, **kwargs: object) -> object:
        return compiled_forward(self.module)(*args, **kwargs)

    def __deepcopy__(self, memo: object) -> _First:
        return self

    def __reduce__(self) -> str | tuple[Any, ...]:
        return _First, (self.module,)


class _LosesWishes(Loader):
    """Decorates with a class whose copies are not configured."""

    def change(self, model: PreTrainedModel, part: Part) -> Change:
        made = super().change(model, part)

        def state(self: nn.Module) -> object:
            return {name: each for name, each in vars(self).items() if name not in (WISHES, COMPILED)}

        # A class of its own: equal decorations share the decorated one, in loads after this too.
        names = {name: getattr(part.cls, name) for name in ("__module__", "__qualname__")}
        own = type(part.cls.__name__, (made.decorated,), {**names, "__getstate__": state})
        made.module.__class__ = own
        return replace(made, decorated=own)


_COPIES = "loading_effects/copies-work"

FAULTS = (
    Fault(
        id="loading_copies/share-programs",
        breaks="a copy calls the program of the module that it was copied from",
        caught_by=(_COPIES,),
        parts=_loader(_SharesPrograms),
        family="llama",
    ),
    Fault(
        id="loading_copies/do-not-compile",
        breaks="copies lose the configuration that they compile with",
        caught_by=(_COPIES,),
        parts=_loader(_LosesWishes),
        family="llama",
    ),
)
