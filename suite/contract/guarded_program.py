"""A started program behind the guard."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from suite.contract.calls import Guard, SubjectFailed
from suite.contract.compiling import CompiledProgram, CompileFacts


class GuardedProgram:
    """A started program whose calls are guarded."""

    def __init__(self, program: CompiledProgram, *, guard: Guard) -> None:
        self._program = program
        self._guard = guard

    def module(self, instance: int = 0) -> nn.Module:
        """As `CompiledProgram.module`."""
        with self._guard.call("module"):
            return self._program.module(instance)

    def run(self, inputs: Mapping[str, Tensor], *, instance: int = 0) -> tuple[Tensor, ...]:
        """As `CompiledProgram.run`; one tensor is a tuple of one."""
        with self._guard.call("run"):
            outputs = self._program.run(inputs, instance=instance)
        return _tensors(outputs)

    def facts(self) -> CompileFacts:
        """As `CompiledProgram.facts`."""
        with self._guard.call("facts"):
            return self._program.facts()

    def close(self) -> None:
        """As `CompiledProgram.close`."""
        with self._guard.call("close"):
            self._program.close()


def _tensors(outputs: object) -> tuple[Tensor, ...]:
    """The outputs of a program as a tuple.

    Raises:
        SubjectFailed: they are neither a tensor nor a sequence of tensors.
    """
    several = outputs if isinstance(outputs, (tuple, list)) else (outputs,)
    for output in several:
        if not isinstance(output, Tensor):
            raise SubjectFailed(f"the program returned {type(output).__name__} where eager returns tensors")
    return tuple(several)
