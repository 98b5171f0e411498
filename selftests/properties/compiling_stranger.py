"""A compiler of programs that is not the reference: plain torch.compile, one piece a graph, ranges by hand.

It shares no code with the reference. What it does in one line, a test may do wrongly in one line.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, fx, nn
from torch._dynamo.decorators import mark_unbacked

from models import programs
from models.api import Family
from models.programs.program import frozen
from suite.contract.case import Setup
from suite.contract.compiling import CompileFacts, Origin, SeenPiece
from suite.contract.program import Start
from suite.contract.subject import Capabilities, Session
from suite.contract.timeline import Ledger, Timeline

COMPILES = Capabilities(compiles=True, compile_backends=("eager", "aot_eager"))
Run = Callable[..., Sequence[Tensor]]
Forward = Callable[..., object]


class Traces:
    """A started program: what was traced, made ready, told and counted."""

    def __init__(self, family: str, start: Start) -> None:
        torch.compiler.reset()
        self.start = start
        self.setup = start.setup
        self.program = programs.program(start.program.name, family=family)
        self.code: dict[tuple[str, int], Run] = {}
        self.seen: list[SeenPiece] = []
        self.lines: list[str] = []
        self.seconds = {"encoder": 0.0, "language_model": 0.0}
        self.units = 0
        self.modules = [self.built(number) for number in range(self.setup.instances)]
        for module in self.modules if self.setup.mode != "none" else ():
            module.forward = self.compiled(module)

    def built(self, instance: int) -> nn.Module:
        """One instance; its forward is replaced, and nothing else."""
        spec = self.start.program
        arguments = self.program.arguments(scale=spec.scale, depth=spec.depth, instance=instance)
        return frozen(self.program.module(**arguments))

    def compiled(self, module: nn.Module) -> Forward:
        """The forward under torch.compile."""
        if self.setup.mode == "stock":
            return torch.compile(module.forward, backend=self.setup.backend)
        plain = module.forward
        # A function of its own: torch keeps a few programs a function, and instances would use up each other's.
        return torch.compile(lambda **inputs: plain(**inputs), backend=self.backend, fullgraph=True)

    def backend(self, graph: fx.GraphModule, example_inputs: Sequence[object]) -> Run:
        """One piece, which is made ready for each range that a call reaches."""
        self.lines.append("Dynamo bytecode transform time: 0.00 s")
        ready: dict[int, Run] = {}

        def run(*args: object) -> Sequence[Tensor]:
            slot = self.slot()
            if slot not in ready:
                ready[slot] = self.made(graph, slot)
            return ready[slot](*args)

        return run

    def slot(self) -> int:
        """The number of the range that the call's size is in."""
        return sum(end < self.units for end in self.setup.ranges)

    def made(self, graph: fx.GraphModule, slot: int) -> Run:
        """The graph for one range, made once of equal graphs."""
        text = self.text(graph)
        self.lines.append(f"Compiling a graph for compile range {slot} takes 0.00 s")
        origin: Origin = "shared" if (text, slot) in self.code else "compiled"
        code = self.code.setdefault((text, slot), graph.forward)
        ends = (-1, *self.setup.ranges)
        end = ends[slot + 1] if slot + 1 < len(ends) else None
        self.seen.append(SeenPiece(0, ends[slot] + 1, end, origin, key=str(hash(text)), program=text))
        number = len(self.seen) - 1

        def run(*args: object) -> Sequence[Tensor]:
            piece = self.seen[number]
            self.seen[number] = replace(piece, served=(*piece.served, self.units))
            return self.ran(code, args)

        return run

    def text(self, graph: fx.GraphModule) -> str:
        """Everything about a graph that changes its code."""
        sizes = [str(node.meta.get("example_value")) for node in graph.graph.nodes if node.op == "placeholder"]
        return f"{sizes} {graph.code}"

    def ran(self, code: Run, args: Sequence[object]) -> Sequence[Tensor]:
        """One run of one piece."""
        return code(*args)

    def run(self, inputs: Mapping[str, Tensor], instance: int) -> object:
        """One call, with sizes marked before it is traced."""
        self.units = len(inputs[self.program.size]) // self.program.rows_per_unit
        self.mark(inputs)
        begun, graphs = time.perf_counter(), len(self.lines)
        outputs = self.modules[instance](**inputs)
        if len(self.lines) > graphs:
            self.count(time.perf_counter() - begun)
        return outputs

    def mark(self, inputs: Mapping[str, Tensor]) -> None:
        """Says which sizes vary."""
        for name, dim in self.program.dynamic.items() if self.setup.mode == "full" else ():
            if name in inputs:
                mark_unbacked(inputs[name], dim)

    def count(self, seconds: float) -> None:
        """Seconds of a call in which something was made."""
        self.seconds[self.setup.component] += seconds
        self.lines.append(f"torch.compile took {seconds:.2f} s in total")

    def facts(self) -> CompileFacts:
        """What was seen."""
        return CompileFacts(
            pieces=tuple(self.seen),
            program_key=None,
            traced=sum("Dynamo" in line for line in self.lines),
            loaded_whole=0,
            language_model_seconds=self.seconds["language_model"],
            encoder_seconds=self.seconds["encoder"],
            messages=tuple(self.lines),
            warnings=(),
            label=None,
        )


class _Started:
    """The contract's view of a started program."""

    def __init__(self, traces: Traces) -> None:
        self._traces = traces

    def module(self, instance: int) -> nn.Module:
        """The instance."""
        return self._traces.modules[instance]

    def run(self, inputs: Mapping[str, Tensor], *, instance: int = 0) -> object:
        """One call."""
        return self._traces.run(inputs, instance)

    def facts(self) -> CompileFacts:
        """What was seen."""
        return self._traces.facts()

    def close(self) -> None:
        """Torch forgets everything."""
        torch.compiler.reset()


class Stranger:
    """A subject that compiles and does nothing else."""

    name = "stranger"
    version = "1"
    capabilities = COMPILES

    def __init__(self, traces: Callable[[str, Start], Traces] = Traces) -> None:
        self._traces = traces

    def start_program(self, family: str, start: Start, workspace: Path) -> _Started:
        """A program, with nothing left of earlier ones."""
        return _Started(self._traces(family, start))

    def start(self, family: Family, setup: Setup) -> Session:
        """It encodes nothing."""
        raise NotImplementedError("a stranger that only compiles")

    def missing_method(self, family: Family, method: str) -> None:
        """It has no protocol."""

    def methods(self) -> tuple[str, ...]:
        """None."""
        return ()

    def inferred_ladder(self, family: Family, *, least: int, most: int) -> tuple[int, ...]:
        """It has no budgets."""
        return ()

    def keep_ledger(self, timeline: Timeline) -> Ledger:
        """It keeps no ledger."""
        raise NotImplementedError("a stranger that only compiles")
