"""The compile facet of the reference as a subject: started programs, and the ledger of compile seconds."""

from __future__ import annotations

from pathlib import Path

from suite.contract.program import Start
from suite.contract.subject import Capabilities
from suite.contract.timeline import Ledger, Timeline
from suite.subjects.reference_compilation import CompilationParts
from suite.subjects.reference_ledger import keep_ledger
from suite.subjects.reference_program import COMPILE_BACKENDS, PREFIX, StartedProgram

COMPILING = Capabilities(
    compiles=True,
    compile_backends=COMPILE_BACKENDS,
    compile_cache=True,
    ahead_of_time=True,
    trace_prefix=PREFIX,
    ledger=True,
)
"""What the reference declares of compiling."""


class CompilesPrograms:
    """A subject's methods about compiling, over the reference's parts."""

    def __init__(self, parts: CompilationParts) -> None:
        self._compilation = parts

    def start_program(self, family: str, start: Start, workspace: Path) -> StartedProgram:
        """The reference's compilation of one class, as a new process would start it."""
        return StartedProgram(family, start, workspace, self._compilation)

    def keep_ledger(self, timeline: Timeline) -> Ledger:
        """The reference's accounting of compile time under a virtual clock."""
        return keep_ledger(timeline, self._compilation)
