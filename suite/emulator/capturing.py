"""One capture from begin to end, and everything that must be as before when it is over."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import torch
from torch import Tensor

from suite.emulator import open_capture
from suite.emulator.errors import CaptureSpoiled
from suite.emulator.host_functions import HostFunctions
from suite.emulator.ledger import Ledger
from suite.emulator.memory import Pool
from suite.emulator.open_capture import ErrorMode, OpenCapture
from suite.emulator.recorder import Notes, Recorder
from suite.emulator.sites import current_site
from suite.emulator.state import DeviceState
from suite.emulator.tape import Tape


@dataclass(eq=False)
class Capturing:
    """A capture between begin and end. Exactly one of `finish` and `abandon` must follow `begin`."""

    state: DeviceState
    slot: OpenCapture
    pool: Pool
    recorder: Recorder
    modes: ExitStack
    random: list[tuple[torch.Generator, Tensor]]
    number: int
    """Which capture of the device, counted from 1."""

    @staticmethod
    def begin(
        state: DeviceState, *, key: Hashable, mode: ErrorMode, generators: Sequence[torch.Generator]
    ) -> Capturing:
        """Open the capture and start recording.

        Raises:
            NestedCapture: one is open already.
        """
        notes = Notes()

        def spoil(text: str) -> None:
            notes.spoiled.append(text)
            notes.refused.append(text)

        slot = OpenCapture(threading.get_ident(), current_site(), mode, spoil)
        open_capture.enter(slot)
        state.counters.captures_started += 1
        number = state.counters.captures_started
        pool = state.pool(key)
        pool.graphs += 1
        pool.capturing = True
        recorder = Recorder(
            Ledger(pool, births=state.births, capture=number),
            placement=state.placement,
            notes=notes,
            strict_host_numbers=state.strict_host_numbers,
            generators=generators,
            fault=state.take_capture_fault(),
        )
        random = [(each, each.get_state()) for each in (torch.default_generator, *generators)]
        modes = ExitStack()
        modes.enter_context(HostFunctions(recorder))
        modes.enter_context(recorder)
        return Capturing(state, slot, pool, recorder, modes, random, number)

    def finish(self) -> Tape:
        """Close the capture and bake the tape.

        Raises:
            CaptureSpoiled: something refused was swallowed on the way.
            Exception: an armed fault that had not struck yet.
        """
        try:
            self.recorder.strike(closing=True)
        except Exception:
            self.abandon()
            raise
        if self.recorder.notes.spoiled:
            self.abandon()
            raise CaptureSpoiled(
                f"the capture at {self.slot.site} cannot be used: {self.recorder.notes.spoiled[0]}. "
                "The error was swallowed, but the capture is lost all the same; remove the operation."
            )
        self._close()
        tape = Tape.bake(self.recorder.entries, ledger=self.recorder.ledger)
        tape.poison_born()
        self.pool.bake(tape.born)
        self.state.counters.captures_completed += 1
        self.state.counters.graphs_alive += 1
        return tape

    def abandon(self) -> None:
        """Close the capture and forget it: modes, pool, random numbers and outside memory are as before."""
        self._close()
        self.pool.retire()
        self.state.collect()

    def _close(self) -> None:
        self.modes.close()
        self.recorder.ledger.roll_back()
        for generator, before in self.random:
            generator.set_state(before)
        self.pool.capturing = False
        self.state.notes.refused += self.recorder.notes.refused
        self.state.notes.baked += self.recorder.notes.baked
        open_capture.leave(self.slot)
