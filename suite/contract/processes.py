"""Work in processes of its own: forked from this one, held before a step of theirs, and ended in any case.

A forked process has the modules and the subject of this one, whatever that is, and starts in milliseconds. What it does
to memory is its own; what it does to files is everybody's.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Generic, TypeVar, cast
from unittest import mock

import torch

_T = TypeVar("_T")
STEPS = frozenset(
    {"open", "os.link", "os.listdir", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.scandir", "os.truncate"}
)
"""What Python's audit events tell of files, before it is done."""


class ProcessDied(Exception):
    """A process ended, or hung, before it had done its work: the text says how."""


@dataclass(frozen=True)
class Done(Generic[_T]):
    """What a process did."""

    answer: _T
    steps: int
    """How often it did something to a file or folder below the one that was watched."""


@dataclass(frozen=True)
class _Held:
    """A process waits before a step."""


@dataclass(frozen=True)
class _Trouble:
    """An exception of the work itself."""

    text: str


class Worker(Generic[_T]):
    """A process, from outside."""

    def __init__(self, process: int, channel: Connection) -> None:
        self._process = process
        self._channel = channel
        self._done: Done[_T] | None = None
        self._ended: int | None = None
        self.is_held = False

    def wait(self, seconds: float) -> bool:
        """Waits until it is held or done; false if neither came in time.

        Raises:
            ProcessDied: it ended without an answer.
            RuntimeError: the work raised, with its traceback.
        """
        if self._done is not None or self.is_held:
            return True
        if not self._channel.poll(max(0.0, seconds)):
            return False
        try:
            said = self._channel.recv()
        except EOFError:
            raise ProcessDied(self._end()) from None
        if isinstance(said, _Trouble):
            raise RuntimeError(said.text)
        self.is_held = isinstance(said, _Held)
        self._done = None if self.is_held else cast("Done[_T]", said)
        return True

    def go(self) -> None:
        """Lets it do the step before which it is held."""
        if self.is_held:
            self.is_held = False
            self._channel.send(None)

    def finish(self, seconds: float) -> Done[_T]:
        """Lets it go on to its end.

        Raises:
            ProcessDied: it ended without an answer, or did not end in time.
            RuntimeError: the work raised, with its traceback.
        """
        deadline = time.monotonic() + seconds
        while self._done is None:
            self.go()
            if not self.wait(deadline - time.monotonic()):
                raise ProcessDied(f"did not come back within {seconds:g} s")
        return self._done

    def close(self) -> None:
        """Ends it, whatever it does."""
        if self._ended is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process, signal.SIGKILL)
            self._end()
        self._channel.close()

    def _end(self) -> str:
        _, status = os.waitpid(self._process, 0)
        self._ended = os.waitstatus_to_exitcode(status)
        if self._ended < 0:
            return f"was ended by {signal.Signals(-self._ended).name}"
        return f"ended with exit status {self._ended}"


class _Gate:
    """Counts what the process does to files below a folder, and holds it before one step."""

    def __init__(self, channel: Connection, folder: Path, hold: int) -> None:
        self._channel = channel
        self._folder = str(folder)
        self._hold = hold
        self.steps = 0

    def passed(self, event: str, args: tuple[Any, ...]) -> None:
        """An audit event of Python."""
        if event not in STEPS or not isinstance(args[0], str | bytes | os.PathLike):
            return
        if os.fsdecode(args[0]).startswith(self._folder):
            self.steps += 1
            if self.steps == self._hold:
                self._channel.send(_Held())
                self._channel.recv()


@contextlib.contextmanager
def quiet_fork() -> Iterator[None]:
    """Python 3.12 warns of threads at a fork. Those of torch and of the test runner are not needed by the work."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


@contextlib.contextmanager
def working(work: Callable[[], _T], *, folder: Path, hold: int = 0) -> Iterator[Worker[_T]]:
    """A process that does the work, held before the given step below the folder; 0: it is never held.

    The answer must be one that can be pickled.
    """
    ours, theirs = multiprocessing.Pipe()
    with quiet_fork():
        process = os.fork()
    if not process:
        ours.close()
        _serve(work, theirs, folder, hold)
    theirs.close()
    worker: Worker[_T] = Worker(process, ours)
    try:
        yield worker
    finally:
        worker.close()


@contextlib.contextmanager
def as_forked() -> Iterator[None]:
    """Computing in a forked process: neither the threads nor the CUDA context of the one that forked it are here."""
    torch.set_num_threads(1)
    with mock.patch.object(torch.cuda, "is_available", return_value=False):
        yield


def _serve(work: Callable[[], object], channel: Connection, folder: Path, hold: int) -> None:
    """The process' side; it does not return, and nothing of the one that forked it is flushed or closed."""
    try:
        gate = _Gate(channel, folder, hold)
        sys.addaudithook(gate.passed)
        with as_forked():
            answer = work()
        channel.send(Done(answer, gate.steps))
    except BaseException:
        with contextlib.suppress(OSError):
            channel.send(_Trouble(traceback.format_exc()))
    finally:
        os._exit(0)
