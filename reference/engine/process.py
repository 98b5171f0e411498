"""The process of one worker, from outside: a thread talks to it, so that nobody else can be kept waiting by it."""

from __future__ import annotations

import os
import pickle
import queue
import signal
import threading
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.context import SpawnContext
from typing import Literal

from reference.engine.child import serve
from reference.engine.place import Place, WorkerFactory


@dataclass(frozen=True)
class Event:
    """Something that a worker said, or that became of it."""

    rank: int
    kind: Literal["stage", "done", "failed", "gone"]
    value: object = None
    """The stage, the answer, the summary of an exception, or how the process ended."""
    text: str = ""
    """A traceback."""


class WorkerProcess:
    """Starts one process and hands what happens to it to a queue."""

    def __init__(
        self, place: Place, factory: WorkerFactory, *, context: SpawnContext, events: queue.SimpleQueue[Event]
    ) -> None:
        self.place = place
        self._events = events
        self._requests: queue.SimpleQueue[tuple[str, tuple[object, ...]] | None] = queue.SimpleQueue()
        self._connection, self._theirs = context.Pipe()
        arguments = (self._theirs, place.rank, place.world_size, place.rendezvous, factory.as_json())
        name = f"lockstep-rank-{place.rank}"
        self._process = context.Process(target=serve, args=arguments, name=name, daemon=True)
        self._pending = 0
        """Requests without an answer, the greeting included."""
        self._is_gone = False
        self._talker = threading.Thread(target=self._talk, name=f"{name}-talker", daemon=True)

    @property
    def pid(self) -> int | None:
        """None before the start."""
        return self._process.pid

    @property
    def is_idle(self) -> bool:
        """Whether it is there and has nothing to do."""
        return self._talker.ident is not None and not self._is_gone and not self._pending

    @property
    def is_busy(self) -> bool:
        """Whether it is there and owes an answer."""
        return not self._is_gone and self._pending > 0

    def start(self) -> None:
        """Starts the process; it says "done" when it is there."""
        self._process.start()
        self._pending = 1
        self._theirs.close()
        self._talker.start()

    def ask(self, method: str, *arguments: object) -> None:
        """Puts a request in line; events tell of the answer."""
        self._pending += 1
        self._requests.put((method, arguments))

    def end(self, *, seconds: float) -> bool:
        """Ends the process and all that it started, at once; whether it is gone within so many seconds."""
        if self._process.pid is not None:
            self._kill()
            self._process.join(seconds)
        self._requests.put(None)
        if self._talker.ident is not None:
            self._talker.join(seconds)
        self._theirs.close()
        self._connection.close()
        is_gone = self._process.pid is None or self._process.exitcode is not None
        if is_gone:
            self._process.close()
        return is_gone

    def _kill(self) -> None:
        try:
            os.killpg(self._process.pid or 0, signal.SIGKILL)
        except ProcessLookupError:
            # It is gone, or does not lead its group yet and so has started nothing.
            self._process.kill()

    def _talk(self) -> None:
        try:
            self._listen()
            while (request := self._requests.get()) is not None:
                self._connection.send_bytes(pickle.dumps(request))
                self._listen()
        except (EOFError, OSError):
            self._process.join(1.0)
            self._lose(how_it_ended(self._process.exitcode))
        except Exception as error:
            # What it says cannot be read, or what it is asked cannot be written.
            self._lose(f"cannot be talked to: {error!r}")

    def _lose(self, how: str) -> None:
        self._is_gone = True
        self._tell("gone", how)

    def _listen(self) -> None:
        """Passes messages on up to the one that answers."""
        while True:
            kind, value, text = pickle.loads(self._message())
            if kind != "stage":
                self._pending -= 1
            self._tell(kind, value, text)
            if kind != "stage":
                return

    def _message(self) -> bytes:
        """The next message; what a process wrote before it died is still read."""
        ready = wait([self._connection, self._process.sentinel])
        if self._connection not in ready and not self._connection.poll():
            raise EOFError
        return self._connection.recv_bytes()

    def _tell(self, kind: Literal["stage", "done", "failed", "gone"], value: object, text: str = "") -> None:
        self._events.put(Event(self.place.rank, kind, value, text))


def how_it_ended(exitcode: int | None) -> str:
    """The end of a process in words."""
    if exitcode is None:
        return "closed its line and lives on"
    if exitcode < 0:
        return f"was ended by {signal.Signals(-exitcode).name}"
    return f"ended with exit status {exitcode}"
