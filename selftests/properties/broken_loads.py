"""For every law on loading a stranger that breaks it."""

from __future__ import annotations

import copy
from typing import Any, cast

import torch
from torch import nn

from selftests.properties.whole_model_stranger import Forward, Loads, MakeLoads, Part
from suite.contract.program import Component


class _WrongValues(Loads):
    """Adds to the head's answers."""

    def built(self) -> nn.Module:
        model = super().built()
        head = cast(Any, model).get_output_embeddings()
        head.register_forward_hook(lambda _, __, output: output + 0.5)
        return model


class _HeadToo(Loads):
    """Compiles the head."""

    def chosen(self) -> list[Part]:
        head = cast(Any, self.module).get_output_embeddings()
        path = next(path for path, each in self.module.named_modules() if each is head)
        return [*super().chosen(), Part(path, "language_model")]


class _EncodersUnasked(Loads):
    """Compiles encoders, whatever the flag."""

    def chosen(self) -> list[Part]:
        return [Part(self.whole.decoder, "language_model"), *(Part(each, "encoder") for each in self.whole.encoders)]


class _OneCounter(Loads):
    """Counts everything as the language model's."""

    def seconds(self, component: Component) -> float:
        return sum(each.seconds for each in self.parts) if component == "language_model" else 0.0


class _SaysTheWishes(Loads):
    """Names the parts that were to compile."""

    def said(self) -> tuple[str, ...]:
        return tuple(each.path for each in self.parts)


class _WarnsVaguely(Loads):
    """Names no limits."""

    def warn(self) -> None:
        if self.encoders():
            self.warnings.append("encoders compile")


class _CompilesDynamicRope(Loads):
    """Compiles every decoder."""

    def dynamic(self) -> bool:
        return False


class _BakesLengths(Loads):
    """Lets each length be a program of its own."""

    def compiled(self, part: Part, module: nn.Module) -> Forward:
        forward = super().compiled(part, module)
        plain = type(module).forward.__get__(module)
        part_of = torch.compile(plain, backend=self.wishes.backend, dynamic=False)
        return part_of if part.component == "language_model" else forward


class _RunsACopy(Loads):
    """Compiles copies of its parts."""

    def compiled(self, part: Part, module: nn.Module) -> Forward:
        return super().compiled(part, copy.deepcopy(module))


class _SharesCounters(Loads):
    """All loads have one list of parts."""

    shared: list[Part] = []  # noqa: RUF012 - what is wrong with it

    def seconds(self, component: Component) -> float:
        self.shared.extend(each for each in self.parts if not any(each is other for other in self.shared))
        return sum(each.seconds for each in self.shared if each.component == component)


class _OncePerClass(Loads):
    """Compiles one model of a class."""

    done: set[str] = set()  # noqa: RUF012 - what is wrong with it

    def chosen(self) -> list[Part]:
        if self.whole.name in self.done:
            return []
        self.done.add(self.whole.name)
        return super().chosen()


class _LastModel(Loads):
    """Calls of one load are answered by the model that another thread loaded last."""

    latest: list[nn.Module] = []  # noqa: RUF012 - what is wrong with it

    def built(self) -> nn.Module:
        model = super().built()
        self.latest.append(model)
        return model

    def chosen(self) -> list[Part]:
        self.latest[:] = self.latest[-2:]
        return [] if len(self.latest) > 1 else super().chosen()


BROKEN_LOADS: dict[str, MakeLoads] = {
    "loading/values": _WrongValues,
    "loading/exactly-the-parts": _HeadToo,
    "loading/encoder-not-by-default": _EncodersUnasked,
    "loading/seconds-by-component": _OneCounter,
    "loading/says-what-compiles": _SaysTheWishes,
    "loading/encoder-warning": _WarnsVaguely,
    "loading/rope": _CompilesDynamicRope,
    "loading/no-trace-after-warm-up": _BakesLengths,
    "loading/new-weights": _RunsACopy,
    "several_loads/side-by-side": _SharesCounters,
    "several_loads/again": _OncePerClass,
    "several_loads/in-threads": _LastModel,
}
"""By law, the stranger that it must catch."""
