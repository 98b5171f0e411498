"""Which operation let unwritten memory reach the outputs (rule R8).

The tape is run twice, once over poison and once over zeros. Whatever differs depends on memory that no
operation wrote, in any dtype; rows that are selected away do not. Walking back from the outputs that differ
leads to the first operation that read such memory and mattered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor

from suite.emulator.memory import Place
from suite.emulator.poison import clear, poison
from suite.emulator.tape import Entry, Step, Tape, replaying

Fill = Callable[[Tensor, torch.dtype | None], None]


@dataclass
class _Trace:
    """What one run left: per step the bytes that it read and wrote, and the bytes of the outputs."""

    read: list[list[Tensor]] = field(default_factory=list)
    wrote: list[list[Tensor]] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)
    failed: str | None = None


def first_reader_of_poison(tape: Tape, *, outputs: Sequence[Place]) -> str | None:
    """A sentence that names the operation and its line; None when the outputs depend on written memory only."""
    poisoned = _run(tape, outputs, fill=poison)
    if poisoned.failed is not None:
        return poisoned.failed
    return _Comparison(tape, poisoned, _run(tape, outputs, fill=clear)).blame(outputs)


def _run(tape: Tape, outputs: Sequence[Place], *, fill: Fill) -> _Trace:
    trace = _Trace()
    with replaying(), _untouched(tape):
        for span in tape.spans():
            fill(span.flat(torch.int16), None)
        for step in tape.steps:
            trace.read.append([_bits(tape, place) for place in step.entry.reads])
            try:
                _run_step(step, fill)
            except Exception as error:
                trace.failed = f"{step.entry} failed on what it read: {error}"
                return trace
            trace.wrote.append([_bits(tape, place) for place in _targets(step.entry)])
        trace.outputs = [_bits(tape, place) for place in outputs]
    return trace


def _run_step(step: Step, fill: Fill) -> None:
    block = step.entry.unwritten
    if block is None:
        step.run()
    else:
        fill(block.span.flat(torch.int16), step.entry.results[0][1].dtype)


def _targets(entry: Entry) -> list[Place]:
    return [*(place for _, place in entry.results), *entry.writes]


def _bits(tape: Tape, place: Place) -> Tensor:
    raw = tape.raw.at(place)
    return raw.clone(memory_format=torch.contiguous_format).reshape(-1).view(torch.uint8)


@dataclass(frozen=True)
class _Comparison:
    """Two runs of one tape over different fillings."""

    tape: Tape
    poisoned: _Trace
    cleared: _Trace

    def blame(self, outputs: Sequence[Place]) -> str | None:
        """The sentence about the first operation at fault, if the outputs differ."""
        dirty = _different(outputs, self.poisoned.outputs, self.cleared.outputs)
        if not dirty:
            return None
        culprit = self._first_reader(dirty)
        if culprit is None:
            born = self._birth(dirty[0], len(self.tape.steps))
            return f"the output {dirty[0]}, {born}, was not wholly written"
        read = self._dirty_reads(culprit)[0]
        entry = self.tape.steps[culprit].entry
        return f"{entry} read unwritten memory: {read}, {self._birth(read, culprit)}"

    def _first_reader(self, dirty: Sequence[Place]) -> int | None:
        """Walk back along what differs; the earliest step that read it is the one."""
        wanted = {place.span.address for place in dirty}
        first: int | None = None
        for index in reversed(range(len(self.tape.steps))):
            entry = self.tape.steps[index].entry
            targets = _targets(entry)
            changed = _different(targets, self.poisoned.wrote[index], self.cleared.wrote[index])
            if not any(place.span.address in wanted for place in changed):
                continue
            wanted -= {place.span.address for _, place in entry.results}
            reads = self._dirty_reads(index)
            wanted |= {place.span.address for place in reads}
            first = index if reads else first
        return first

    def _dirty_reads(self, index: int) -> list[Place]:
        reads = self.tape.steps[index].entry.reads
        return _different(reads, self.poisoned.read[index], self.cleared.read[index])

    def _birth(self, place: Place, before: int) -> str:
        """Which operation had made the memory at a place when step `before` ran."""
        for step in reversed(self.tape.steps[:before]):
            if any(result.span.address == place.span.address for _, result in step.entry.results):
                return f"born of {step.entry}"
        return "from outside the capture"


def _different(places: Sequence[Place], one: Sequence[Tensor], other: Sequence[Tensor]) -> list[Place]:
    rows = zip(places, one, other, strict=True)
    return [place for place, left, right in rows if not torch.equal(left, right)]


@contextmanager
def _untouched(tape: Tape) -> Iterator[None]:
    """Memory and random numbers are afterwards as before: asking must not change the answer."""
    written = {place.span for step in tape.steps for place in step.entry.writes}
    spans = {*tape.spans(), *written}
    before = [(span, span.flat(torch.uint8).clone()) for span in spans]
    random = torch.default_generator.get_state()
    try:
        yield
    finally:
        torch.default_generator.set_state(random)
        for span, content in before:
            span.flat(torch.uint8).copy_(content)
