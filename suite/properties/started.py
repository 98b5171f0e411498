"""One started program beside its eager twin, and what a law needs when their answers differ."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from suite.contract.guard import GuardedSubject
from suite.contract.guarded_program import GuardedProgram
from suite.contract.program import Call, ProgramCase, Start
from suite.contract.verdict import Difference, Evidence, Verdict, unknown, violated
from suite.oracles.dynamo import Traced, counted, untimed_guards
from suite.oracles.programs import Answer, Twin, difference, forms, surroundings
from suite.oracles.tolerance import tolerance
from suite.oracles.torch_trace import unrecorded
from suite.properties.surroundings import Place, under

COMPILED = "compiled"
EAGER_AGAIN = "eager again"
MEMORY = Path("/dev/shm")
"""Where files are in memory, on systems that have such a place."""
ROOM = 1 << 28
"""Bytes that must be free there."""
WITHOUT_GRADIENTS = under(torch.no_grad)


@dataclass(frozen=True)
class Both:
    """One call as the subject and as eager answered it."""

    number: int
    call: Call
    got: Answer
    want: Answer


class Started:
    """A started program and its twin: calls go through both."""

    def __init__(self, case: ProgramCase, start: Start, program: GuardedProgram) -> None:
        self.case = case
        self.start = start
        self.program = program
        self.twin = Twin(case.family, start.program)
        self.margin = 0.0

    def run(self, call: Call, *, inside: Place = WITHOUT_GRADIENTS) -> Answer:
        """The subject's answer alone."""
        given = self.twin.inputs(call)
        return inside(lambda: Answer(self.program.run(given, instance=call.instance), given))

    def both(self, number: int, call: Call, *, inside: Place = WITHOUT_GRADIENTS) -> Both:
        """One call through both."""
        return Both(number, call, self.run(call, inside=inside), self.twin.answer(call))

    def watched(self, number: int, call: Call) -> tuple[Both, Traced]:
        """One call through both, and what torch traced for the subject's."""
        with counted() as traced:
            got = self.run(call)
        return Both(number, call, got, self.twin.answer(call)), traced

    def calls(self) -> Iterator[Both]:
        """All calls of the start, in order."""
        for number, call in enumerate(self.start.calls):
            yield self.both(number, call)

    def first_wrong(self) -> Verdict | None:
        """Runs all calls; a violation at the first answer that is not eager's, None if there is none."""
        return next((verdict for both in self.calls() if (verdict := self.wrong(both))), None)

    def wrong(self, both: Both, *, where: str = "") -> Verdict | None:
        """A violation if number, dtype, shape or values of the outputs are not eager's; None if they are."""
        got, want = forms(both.got.outputs), forms(both.want.outputs)
        if got != want:
            return self.unequal(both, what="outputs", got=got, want=want, because=FORM)
        pairs = zip(both.got.outputs, both.want.outputs, strict=True)
        for output, (one, other) in enumerate(pairs):
            found = difference(COMPILED, one, other, output=output, call=both.number)
            self.margin = max(self.margin, found.used)
            if found.mismatched:
                return self._violation(both, found, where=where)
        return None

    def unequal(self, both: Both, *, what: str, got: object, want: object, because: str) -> Verdict:
        """The violation of a call whose answer differs from eager in something other than values."""
        return violated(
            expected=f"{what} of call {both.number} ({both.call}) as in eager: {_shown(want)}",
            actual=_shown(got),
            because=because,
        )

    def traced_again(self, both: Both, traced: Traced) -> Verdict | None:
        """A violation if a call made torch trace, although an earlier one has warmed the program up."""
        if not traced.graphs and not traced.frames:
            return None
        return violated(
            expected=f"call {both.number} ({both.call}) is served by what was traced for {self.start.calls[0]}",
            actual=f"torch traced anew: {traced}",
            because="a size was baked: a dimension is not marked, or sizes 0 and 1 were taken for special",
        )

    def not_compiled(self) -> Verdict | None:
        """A violation if nothing was traced or loaded although the mode is full: eager answered in its place."""
        facts = self.program.facts()
        if self.start.setup.mode != "full" or facts.traced or facts.loaded_whole:
            return None
        return violated(
            expected=f"{self.start.program} is compiled: torch traces it as one graph",
            actual=f"nothing was traced; the log warns of {list(facts.warnings) or 'nothing'}",
            because="the compiler gave up, and eager gives the right values in its place",
        )

    def noise(self) -> Difference | None:
        """Eager against eager, for the first call's first floating output."""
        return self._noise(0, self.start.calls[0]) if self.start.calls else None

    def _noise(self, number: int, call: Call) -> Difference | None:
        pairs = zip(self.twin.answer(call).outputs, self.twin.answer(call).outputs, strict=True)
        found = (
            difference(EAGER_AGAIN, one, other, output=output, call=number)
            for output, (one, other) in enumerate(pairs)
            if other.dtype.is_floating_point
        )
        return max(found, key=lambda each: each.mismatched, default=None)

    def _violation(self, both: Both, found: Difference, *, where: str) -> Verdict:
        again = self._noise(both.number, both.call)
        if again is not None and again.mismatched:
            return unknown(
                f"eager does not repeat itself: greatest abs {again.max_abs:.3g}; no comparison can be finer"
            )
        arms = (found,) if again is None else (again, found)
        dtype = both.want.outputs[found.item].dtype
        allowed = tolerance(dtype).as_data() if dtype.is_floating_point else None
        return violated(
            expected=f"output {found.item} of call {both.number} ({both.call}){where} equal to eager",
            actual=f"{found.mismatched} / {found.total} elements differ, greatest abs {found.max_abs:.3g} at "
            f"row {found.index[0]}, channel {found.index[1]}",
            because=VALUES,
            evidence=Evidence(arms=arms, first_arm=found.arm, tolerance=allowed),
        )


FORM = "the compiler changed what the program returns: a dtype was raised, a dimension was baked, an output was lost"
VALUES = (
    "eager agrees with itself: suspect a size or a number that was baked, pieces taken for equal, a piece run for "
    "another range's sizes or in another order, an operation lost where the graph was split"
)


def _shown(value: object) -> str:
    if isinstance(value, frozenset):
        return "; ".join(map(str, sorted(value))) or "nothing"
    return "; ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _has_room(folder: Path) -> bool:
    return os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > ROOM


@contextlib.contextmanager
def workspace() -> Iterator[Path]:
    """An empty folder for the cache directory of one case; in memory where there is room, for writers flush to disk."""
    with tempfile.TemporaryDirectory(prefix="lockstep-", dir=MEMORY if _has_room(MEMORY) else None) as name:
        yield Path(name)


@contextlib.contextmanager
def started(case: ProgramCase, start: Start, subject: GuardedSubject, folder: Path) -> Iterator[Started]:
    """One start over a folder that may hold what earlier starts left."""
    quiet = contextlib.nullcontext() if start.setup.trace else unrecorded()
    with quiet, untimed_guards(), surroundings(start), subject.program(case.family, start, folder) as program:
        yield Started(case, start, program)


Body = Callable[[Started], Verdict]


def in_start(case: ProgramCase, subject: GuardedSubject, body: Body) -> Verdict:
    """Runs the body of a law in the case's first start, over an empty folder."""
    with workspace() as folder, started(case, case.starts[0], subject, folder) as run:
        return body(run)
