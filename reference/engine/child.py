"""The process of one worker, from inside: it does what it is asked, says how it went, and outlives nobody."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from multiprocessing.connection import Connection, wait
from typing import Literal

from reference.engine.errors import summary_of
from reference.engine.place import BUILD, Place, Worker, WorkerFactory

Kind = Literal["stage", "done", "failed"]
SHUTDOWN = "shutdown"
LONGEST_TEXT = 50_000
"""Characters of a traceback that are passed on: its end, where the cause stands."""


class Service:
    """Answers requests over one connection, one after the other."""

    def __init__(self, connection: Connection, place: Place, factory: WorkerFactory) -> None:
        self.connection = connection
        self.place = place
        self.factory = factory
        self.worker: Worker | None = None

    def say(self, kind: Kind, value: object, text: str = "") -> None:
        """One message to the executor. Plain bytes: torch's own pickling would share file descriptors."""
        self.connection.send_bytes(pickle.dumps((kind, value, text)))

    def run(self) -> None:
        """Until it is asked to shut down, or nobody is there to ask."""
        self.say("done", os.getpid())
        with contextlib.suppress(EOFError, OSError):
            while self.answer(*pickle.loads(self.connection.recv_bytes())):
                continue

    def answer(self, method: str, arguments: tuple[object, ...]) -> bool:
        """Does one thing and says how it went; whether there will be a next."""
        try:
            value = self.do(method, arguments)
            message = pickle.dumps(("done", value, ""))
        except Exception as error:
            self.say("failed", summary_of(error), traceback.format_exc()[-LONGEST_TEXT:])
        else:
            self.connection.send_bytes(message)
        return method != SHUTDOWN

    def do(self, method: str, arguments: tuple[object, ...]) -> object:
        """Builds the worker, or calls one of its methods."""
        if method == BUILD:
            self.worker = self.factory.make(self.place)
            return None
        if self.worker is None:
            if method == SHUTDOWN:
                return None
            raise RuntimeError(f"{method} was asked of a worker that is not built: start the executor first.")
        return getattr(self.worker, method)(*arguments)


def serve(connection: Connection, rank: int, world_size: int, rendezvous: str | None, factory: str) -> None:
    """What a worker process runs."""
    # A group of its own: whatever it starts ends with it, and a Ctrl-C on the terminal is the executor's to handle.
    os.setsid()
    _end_with_parent()
    place = Place(rank, world_size, rendezvous, enter=lambda stage: service.say("stage", stage))
    service = Service(connection, place, WorkerFactory.from_json(factory))
    service.run()


def _end_with_parent() -> None:
    """Ends this process when the one that started it is gone, however busy it is."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_wait_and_end, args=(parent.sentinel,), daemon=True).start()


def _wait_and_end(sentinel: int) -> None:
    wait([sentinel])
    with contextlib.suppress(OSError):
        os.killpg(0, signal.SIGKILL)
