"""Small modules to compile, and scripted services under a virtual clock."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from reference.compilation.compiled_forward import (
    CompiledForward,
    CompileServices,
    Program,
    Target,
    Tracer,
)
from reference.compilation.config import CompilationConfig
from reference.compilation.dynamic_dims import ForwardSignature
from reference.compilation.variants import Variant


class VirtualClock:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Seconds now."""
        return self.now

    def work(self, seconds: float) -> None:
        """Lets time pass."""
        self.now += seconds


class Plus(nn.Module):
    """A linear layer, and an optional tensor on top."""

    def __init__(self, scale: float = 2.0) -> None:
        super().__init__()
        self.scale = scale
        self.linear = nn.Linear(4, 4)

    def forward(self, x: Tensor, bias: Tensor | None = None, times: int = 1) -> Tensor:
        """`[rows, 4]` to `[rows, 4]`."""
        y: Tensor = self.linear(x) * self.scale * times
        return y if bias is None else y + bias


class ReadsEnvironment(nn.Module):
    """Its program depends on a variable of the environment."""

    def forward(self, x: Tensor) -> Tensor:
        """`x`, or twice that."""
        return x * 2 if os.environ.get("LOCKSTEP_SELFTEST") == "1" else x.clone()


class Breaks(nn.Module):
    """It does not trace as one graph."""

    def forward(self, x: Tensor) -> Tensor:
        """`x + 1` after a graph break."""
        torch._dynamo.graph_break()  # noqa: SLF001  (torch has no other name for it)
        return x + 1


@dataclass
class Script(Tracer):
    """A tracer without torch.compile: what each path does is a function."""

    on_load: Callable[[], Program | None] = lambda: None
    on_aot: Callable[[], None] = lambda: None
    on_jit: Callable[[], None] = lambda: None
    saved: list[str] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)

    def key(self, variant: Variant) -> str:
        """One name for all."""
        return "key"

    def load(self, key: str) -> Program | None:
        """What the script says."""
        return self.on_load()

    def aot(self, forward: Program, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Program:
        """The plain forward, after the script's work."""
        self.on_aot()
        return forward

    def save(self, key: str, program: Program) -> None:
        """Noted."""
        self.saved.append(key)

    def reject(self, key: str, why: str) -> None:
        """Noted, and told."""
        self.rejected.append(why)
        super().reject(key, why)

    def jit(self, forward: Program) -> Program:
        """The plain forward, which does the script's work in its first call."""
        pending = [self.on_jit]

        def program(*args: object, **kwargs: object) -> object:
            if pending:
                pending[-1]()
                pending.clear()
            return forward(*args, **kwargs)

        return program

    def stock(self, forward: Program) -> Program:
        """The plain forward."""
        return forward


def scripted(
    config: CompilationConfig, script: Script, clock: VirtualClock, *, run: float = 0.0, is_encoder: bool = False
) -> CompiledForward:
    """A compiled forward over a module whose run takes some virtual seconds."""
    module = Plus()

    def forward(*args: object, **kwargs: object) -> object:
        clock.work(run)
        return Plus.forward(module, *args, **kwargs)  # type: ignore[arg-type]  # whatever the test passes

    signature = ForwardSignature(Plus.forward, class_name="Plus")
    target = Target(
        module=module,
        forward=forward,
        class_name="Plus",
        signature=signature,
        dims=signature.infer(),
        is_encoder=is_encoder,
        config=config,
        services=CompileServices(clock=clock),
    )
    return CompiledForward(target, tracer=script)
