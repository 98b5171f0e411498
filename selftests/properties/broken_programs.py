"""For every law on compiled programs a stranger that breaks it."""

from __future__ import annotations

import functools
import threading
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, fx, nn

from selftests.properties.compiling_stranger import Forward, Run, Traces
from suite.contract.program import Start


class _WrongValues(Traces):
    """Adds a half to what is no view of an input and no whole number."""

    def ran(self, code: Run, args: Sequence[object]) -> Sequence[Tensor]:
        return [each + 0.5 if each.is_floating_point() else each for each in super().ran(code, args)]


class _FirstSizeOnly(Traces):
    """Knows the size for which it first ran."""

    first: int | None = None

    def ran(self, code: Run, args: Sequence[object]) -> Sequence[Tensor]:
        self.first = self.units if self.first is None else self.first
        if self.units != self.first:
            raise RuntimeError(f"expected {self.first} rows, got {self.units}")
        return super().ran(code, args)


class _BordersBelongToBoth(Traces):
    """Looks sizes up one too low."""

    def slot(self) -> int:
        return sum(end < self.units - 1 for end in self.setup.ranges)


class _BlocksLookAlike(Traces):
    """The second of several outputs is the first once more."""

    def ran(self, code: Run, args: Sequence[object]) -> Sequence[Tensor]:
        outputs = super().ran(code, args)
        return [outputs[0]] * len(outputs)


class _FirstInstance(Traces):
    """Runs the first instance whichever is called."""

    def run(self, inputs: Mapping[str, Tensor], instance: int) -> object:
        return super().run(inputs, 0)


class _OneThread(Traces):
    """Works in the thread that started it alone."""

    def __init__(self, family: str, start: Start) -> None:
        super().__init__(family, start)
        self.thread = threading.get_ident()

    def run(self, inputs: Mapping[str, Tensor], instance: int) -> object:
        if threading.get_ident() != self.thread:
            raise RuntimeError("the context is not set")
        return super().run(inputs, instance)


class _AddsCalls(Traces):
    """Adds the number of calls so far."""

    calls = 0

    def ran(self, code: Run, args: Sequence[object]) -> Sequence[Tensor]:
        self.calls += 1
        return [each + self.calls if each.is_floating_point() else each for each in super().ran(code, args)]


class _AlwaysTells(Traces):
    """Logs whatever the mode."""

    def run(self, inputs: Mapping[str, Tensor], instance: int) -> object:
        self.lines.append("called")
        return super().run(inputs, instance)


class _Contiguous(Traces):
    """Lays outputs out anew."""

    def ran(self, code: Run, args: Sequence[object]) -> Sequence[Tensor]:
        return [each.contiguous() for each in super().ran(code, args)]


class _Copies(Traces):
    """Copies every output."""

    def ran(self, code: Run, args: Sequence[object]) -> Sequence[Tensor]:
        return [each.clone() for each in super().ran(code, args)]


class _ProtectsInputs(Traces):
    """Hands copies of the inputs to the program."""

    def ran(self, code: Run, args: Sequence[object]) -> Sequence[Tensor]:
        return super().ran(code, [each.clone() if isinstance(each, Tensor) else each for each in args])


class _PastHooks(Traces):
    """Calls the forward itself."""

    def run(self, inputs: Mapping[str, Tensor], instance: int) -> object:
        self.units = len(inputs[self.program.size])
        return self.modules[instance].forward(**inputs)


class _NewParameters(Traces):
    """Replaces the parameters at the first call."""

    def run(self, inputs: Mapping[str, Tensor], instance: int) -> object:
        for module in self.modules[instance].modules():
            for name, weight in list(module.named_parameters(recurse=False)):
                setattr(module, name, nn.Parameter(weight.clone(), requires_grad=False))
        return super().run(inputs, instance)


class _Breaks(Traces):
    """Traces the forward as two graphs."""

    def compiled(self, module: nn.Module) -> Forward:
        plain = module.forward

        def broken(**inputs: Tensor) -> object:
            torch.compiler.disable(lambda: None)()
            return plain(**inputs)

        return torch.compile(broken, backend=self.backend)


class _MarksNothing(Traces):
    """Lets torch find out by itself which sizes vary."""

    def mark(self, inputs: Mapping[str, Tensor]) -> None:
        """No mark."""


class _SharesNothing(Traces):
    """Compiles for each instance, under a back end of its own."""

    def compiled(self, module: nn.Module) -> Forward:
        plain = module.forward
        own = functools.partial(self.backend)
        return torch.compile(lambda **inputs: plain(**inputs), backend=own, fullgraph=True)

    def made(self, graph: fx.GraphModule, slot: int) -> Run:
        self.code.clear()
        return super().made(graph, slot)


class _MadeTwice(Traces):
    """Makes each range ready twice."""

    def made(self, graph: fx.GraphModule, slot: int) -> Run:
        super().made(graph, slot)
        return super().made(graph, slot)


class _Silent(Traces):
    """Logs nothing of the back end."""

    def backend(self, graph: fx.GraphModule, example_inputs: Sequence[object]) -> Run:
        run = super().backend(graph, example_inputs)
        self.lines.pop()
        return run


class _OtherCounter(Traces):
    """Counts everything as the language model's."""

    def count(self, seconds: float) -> None:
        super().count(seconds)
        self.seconds = {"encoder": 0.0, "language_model": sum(self.seconds.values())}


BROKEN_PROGRAMS: dict[str, type[Traces]] = {
    "compiled/values-equal-eager": _WrongValues,
    "compiled/towers-compile-once": _MarksNothing,
    "compiled/borders-of-ranges": _FirstSizeOnly,
    "compiled/range-that-runs-holds-the-size": _BordersBelongToBoth,
    "compiled/equal-blocks": _BlocksLookAlike,
    "compiled/instances-keep-their-weights": _FirstInstance,
    "compiled/surroundings-do-not-matter": _OneThread,
    "compiled/order-of-calls-does-not-matter": _AddsCalls,
    "compiled/off-is-off": _AlwaysTells,
    "compiled/generated-code": _WrongValues,
    "compiled_effects/strides-equal-eager": _Contiguous,
    "compiled_effects/sharing-equals-eager": _Copies,
    "compiled_effects/writes-equal-eager": _ProtectsInputs,
    "compiled_effects/hooks-fire": _PastHooks,
    "compiled_effects/module-is-the-users": _NewParameters,
    "compile_counts/one-graph": _Breaks,
    "compile_counts/no-trace-after-warm-up": _MarksNothing,
    "compile_counts/one-compile-per-program": _SharesNothing,
    "compile_counts/every-range-compiled-on-need": _MadeTwice,
    "compile_counts/back-end-tells-its-times": _Silent,
    "compile_counts/seconds-are-counted-once": _OtherCounter,
}
"""By law, the stranger that it must catch."""
