"""For every law on decorated classes a stranger that breaks it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from selftests.properties.decorating_stranger import BENCH, PROGRAM, InPlace, Loose, Module, Recipe
from suite.contract.decorating import Options
from suite.contract.subject import Refused


class _AddsAHalf(InPlace):
    """Compiles something else."""

    def run(self, module: Loose, cls: Loose, args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        made: Any = super().run(module, cls, args, kwargs)
        return made + 0.5


class _NeverCompiles(InPlace):
    """Hands the plain forward back."""

    def compiled(self, plain: Loose) -> Loose:
        return plain


class _OtherComponent(InPlace):
    """Counts for the other one."""

    def count(self, options: Options, seconds: float) -> None:
        other = "encoder" if options.component == "language_model" else "language_model"
        self.seconds[other] += seconds


class _RefusesTheSame(InPlace):
    """One decoration is enough, and a second one is an error."""

    def again(self, cls: Module, known: Recipe, options: Options) -> Module:
        raise Refused(f"{cls.__name__} is decorated already")


class _IgnoresOthers(InPlace):
    """Takes any second decoration for the first."""

    def again(self, cls: Module, known: Recipe, options: Options) -> Module:
        return cls


class _MakesTwo(InPlace):
    """Makes an instance to look at, and one to hand over."""

    def build(self, cls: Module, arguments: tuple[object, ...], keywords: Mapping[str, object]) -> nn.Module:
        cls(*arguments, **keywords)
        return super().build(cls, arguments, keywords)


class _ExactClassOnly(InPlace):
    """Compiles no derived class."""

    def run(self, module: Loose, cls: Loose, args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        if type(module) is not cls:
            plain: object = cls.forward.__wrapped__(module, *args, **kwargs)
            return plain
        return super().run(module, cls, args, kwargs)


class _OwnErrors(InPlace):
    """Every failure becomes one of its own."""

    def run(self, module: Loose, cls: Loose, args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        try:
            return super().run(module, cls, args, kwargs)
        except Exception as error:
            raise RuntimeError("the compiled forward failed") from error


class _OneThread(InPlace):
    """Loses its configuration in other threads."""

    def run(self, module: Loose, cls: Loose, args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("no configuration is set in this thread")
        return super().run(module, cls, args, kwargs)


class _DropsNames(InPlace):
    """Arguments by name do not arrive."""

    def run(self, module: Loose, cls: Loose, args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        kept = {name: value for name, value in kwargs.items() if name == "rows"}
        return super().run(module, cls, args, kept)


class _ChecksNothing(InPlace):
    """Takes whatever comes."""

    def check(self, cls: Module, arguments: Mapping[str, object]) -> None:
        """No check."""


class _MarksNothing(InPlace):
    """Lets torch find out by itself which sizes vary."""

    def mark(self, arguments: Mapping[str, object], names: tuple[str, ...]) -> None:
        """No mark."""


class _NeedsItsBench(InPlace):
    """The new forward works for new instances alone."""

    def wrapper(self, cls: Module, plain: Loose) -> Loose:
        return lambda module, *args, **kwargs: vars(module)[BENCH].run(module, cls, args, kwargs)


class _PastHooks(InPlace):
    """A call is a call of the forward."""

    def install(self, cls: Loose, options: Options, names: tuple[str, ...]) -> None:
        super().install(cls, options, names)
        cls.__call__ = cls.forward


class _TakesRowsAlone(InPlace):
    """The wrapper knows one argument."""

    def wrapper(self, cls: Module, plain: Loose) -> Loose:
        return lambda module, rows: plain(module, rows)


class _AddsABuffer(InPlace):
    """Counts calls in a buffer of the module's."""

    def build(self, cls: Module, arguments: tuple[object, ...], keywords: Mapping[str, object]) -> nn.Module:
        made = super().build(cls, arguments, keywords)
        made.register_buffer("compiled_calls", torch.zeros(1))
        return made


class _CannotSayWhat(InPlace):
    """Refuses copies without a name."""

    def build(self, cls: Module, arguments: tuple[object, ...], keywords: Mapping[str, object]) -> nn.Module:
        made = super().build(cls, arguments, keywords)
        vars(made)[PROGRAM] = threading.Lock()
        return made

    def run(self, module: Loose, cls: Loose, args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        plain: object = cls.forward.__wrapped__(module, *args, **kwargs)
        return plain

    def install(self, cls: Loose, options: Options, names: tuple[str, ...]) -> None:
        super().install(cls, options, names)
        del cls.__reduce_ex__


class _UndoesHalf(InPlace):
    """Leaves something behind."""

    def undo(self, cls: Module) -> Module:
        super().undo(cls)
        setattr(cls, PROGRAM, None)
        return cls


class _SaysNo(InPlace):
    """Refuses in one word."""

    def refusal(self, cls: Module, dims: Mapping[str, int] | None) -> str | None:
        return super().refusal(cls, dims) and "no"


class _KeepsAll(InPlace):
    """Holds every instance."""

    held: list[nn.Module] = []  # noqa: RUF012 - shared by all, which is the point

    def build(self, cls: Module, arguments: tuple[object, ...], keywords: Mapping[str, object]) -> nn.Module:
        made = super().build(cls, arguments, keywords)
        self.held.append(made)
        return made


BROKEN_DECORATORS: dict[str, type[InPlace]] = {
    "decoration/values-equal-eager": _AddsAHalf,
    "decoration/exactly-the-decorated": _NeverCompiles,
    "decoration/seconds-of-the-named-component": _OtherComponent,
    "decoration/same-again-is-nothing": _RefusesTheSame,
    "decoration/other-options-are-not-ignored": _IgnoresOthers,
    "decoration/constructed-once": _MakesTwo,
    "decoration/derived-classes": _ExactClassOnly,
    "decoration/failures-pass": _OwnErrors,
    "decoration/two-threads": _OneThread,
    "decoration_arguments/forms-of-a-call": _DropsNames,
    "decoration_arguments/wrong-types-are-named": _ChecksNothing,
    "decoration_arguments/sizes-are-inferred": _MarksNothing,
    "decoration_effects/originals-are-untouched": InPlace,
    "decoration_effects/older-instances-stay": _NeedsItsBench,
    "decoration_effects/hooks-fire": _PastHooks,
    "decoration_effects/signature-stays": _TakesRowsAlone,
    "decoration_effects/state-stays": _AddsABuffer,
    "decoration_copies/copies-answer-alike": _CannotSayWhat,
    "decoration_copies/undo-restores": _UndoesHalf,
    "decoration_copies/refusals-change-nothing": _SaysNo,
    "decoration_copies/nothing-lives-on": _KeepsAll,
}
"""By law. The honest stranger itself breaks the one law that forbids what it does, if it declares to keep it."""
