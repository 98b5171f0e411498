"""One captured graph: begin, end, replay, reset, with `torch.cuda.CUDAGraph`'s own method names."""

from __future__ import annotations

import weakref
from collections.abc import Hashable
from pathlib import Path

import torch

from suite.emulator import open_capture
from suite.emulator.blame import first_reader_of_poison
from suite.emulator.capturing import Capturing
from suite.emulator.errors import EmulatorError, GraphDestroyed
from suite.emulator.memory import Place, Pool, place_of
from suite.emulator.open_capture import ErrorMode
from suite.emulator.outputs import output_tensors
from suite.emulator.sites import current_site
from suite.emulator.state import DeviceState
from suite.emulator.tape import Tape


class EmulatedGraph:
    """A tape with the memory it bakes. Made by `EmulatedDevice.capture`, or by the shim."""

    def __init__(self, state: DeviceState) -> None:
        self._state = state
        self._generators: list[torch.Generator] = []
        self._capturing: Capturing | None = None
        self._tape: Tape | None = None
        self._outputs: tuple[Place, ...] = ()
        self._key: Hashable | None = None
        self._number = 0
        self._release: weakref.finalize[[Pool], EmulatedGraph] | None = None

    @property
    def operations(self) -> tuple[str, ...]:
        """Names of the taped operations in order; views are not taped."""
        return tuple(str(step.entry.operation) for step in self._tape.steps) if self._tape else ()

    def register_generator_state(self, generator: torch.Generator) -> None:
        """Let replays draw from this generator (rule R9). To be called before the capture."""
        self._generators.append(generator)

    def pool(self) -> Hashable:
        """The handle of the pool that the graph was captured into.

        Raises:
            GraphDestroyed: nothing was captured yet.
        """
        if self._key is None:
            raise GraphDestroyed(f"pool() at {current_site()}: nothing was captured, so there is no pool")
        return self._key

    def capture_begin(self, pool: Hashable | None = None, capture_error_mode: ErrorMode = "global") -> None:
        """Start recording this thread's operations.

        Raises:
            NestedCapture: a capture is open in this process (rule R10).
            EmulatorError: this graph is captured already.
        """
        if self._tape is not None:
            raise EmulatorError(f"capture at {current_site()}: this graph is captured already; make another one")
        key = self._state.new_key() if pool is None else pool
        self._capturing = Capturing.begin(self._state, key=key, mode=capture_error_mode, generators=self._generators)
        self._key = key

    def capture_end(self) -> None:
        """Stop recording and bake the tape; everything born in the capture is poison until the first replay.

        Raises:
            CaptureSpoiled: something refused was swallowed on the way.
            EmulatorError: no capture was begun.
        """
        capturing = self._take_capturing()
        self._number = capturing.number
        self._tape = capturing.finish()
        self._release = weakref.finalize(self, self._state.retire, capturing.pool)
        living = [born.span for born in self._tape.born if born.owner() is not None]
        self._outputs = tuple(Place(span, torch.uint8, (span.nbytes,), (1,), 0) for span in living)

    def abandon(self) -> None:
        """Give the capture up after an exception in the captured code."""
        self._take_capturing().abandon()

    def declare_outputs(self, value: object) -> None:
        """Say what the captured function returned: other memory that lives on has escaped."""
        if self._tape is None:
            return
        self._state.captures_with_outputs.add(self._number)
        blocks = {id(storage): born for born in self._tape.born if (storage := born.owner()) is not None}
        places: list[Place] = []
        for tensor in output_tensors(value):
            inner = self._state.placement.inner(tensor)
            born = blocks.get(id(inner.untyped_storage()))
            if born is not None:
                born.returned = True
                places.append(place_of(inner, span=born.span))
        self._outputs = tuple(places)

    def replay(self) -> None:
        """Run the tape into the addresses it bakes.

        Raises:
            GraphDestroyed: the graph was reset, or never captured.
            NestedCapture: this thread is capturing.
            DeadMemoryRead: memory that the graph uses died or moved (rule R5).
            ReplayFailed: an operation raised.
        """
        open_capture.refuse_nested("replay")
        tape = self._living_tape("replay")
        self._state.strike_replay()
        tape.check()
        tape.run()
        self._state.counters.replays += 1

    def reset(self) -> None:
        """Destroy the graph: its memory is free for others (rule R11). Tensors that live keep their block."""
        if self._release is not None:
            self._release()
        self._tape, self._release, self._outputs = None, None, ()

    def reads_poison(self) -> str | None:
        """Which operation, at which line, let unwritten memory reach the outputs; None when none did.

        Runs the tape twice on the present inputs, and leaves all memory as it was.

        Raises:
            GraphDestroyed: the graph was reset, or never captured.
            DeadMemoryRead: memory that the graph uses died or moved.
        """
        tape = self._living_tape("reads_poison")
        tape.check()
        return first_reader_of_poison(tape, outputs=self._outputs)

    def enable_debug_mode(self) -> None:
        """Accepted for `torch.cuda.CUDAGraph`'s sake; `operations` is always there."""

    def debug_dump(self, debug_path: str) -> None:
        """Write the taped operations with their lines of code as text.

        Raises:
            GraphDestroyed: the graph was reset, or never captured.
        """
        tape = self._living_tape("debug_dump")
        text = "".join(f"{step.entry}\n" for step in tape.steps)
        Path(debug_path).write_text(text, encoding="utf-8")

    def _living_tape(self, call: str) -> Tape:
        if self._tape is None:
            site = current_site()
            raise GraphDestroyed(f"{call} at {site}: the graph was reset or never captured; capture it")
        return self._tape

    def _take_capturing(self) -> Capturing:
        capturing, self._capturing = self._capturing, None
        if capturing is None:
            raise EmulatorError(f"capture_end at {current_site()}: no capture was begun on this graph")
        return capturing
