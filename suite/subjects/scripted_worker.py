"""The worker of a case's rank in a process of its own. It imports no torch, so the process is there in a blink."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reference.engine.place import BUILD, CAPTURE, COMPILE, Place
from reference.engine.times import CompilationTimes

FACTORY = f"{__name__}:worker"
"""Name of `worker` for a factory."""
EXIT_STATUS = 3
REPORTS: Mapping[str, object] = {
    "nan": CompilationTimes(float("nan"), 0.0),
    "infinite": CompilationTimes(0.0, float("inf")),
    "negative": CompilationTimes(1.0, -0.25),
    "one number": 1.5,
    "none": None,
}
"""What a worker reports that reports rubbish."""


def planted_trouble(text: str) -> None:
    """The frame that a traceback of the failure must show.

    Raises:
        ValueError: always.
    """
    raise ValueError(text)


def _hang(_: str) -> None:
    threading.Event().wait()


TROUBLES: Mapping[str, Callable[[str], object]] = {
    "raises": planted_trouble,
    "exits": lambda _: os._exit(EXIT_STATUS),
    "dies": lambda _: os.kill(os.getpid(), signal.SIGKILL),
    "hangs": _hang,
    "stops": lambda _: os.kill(os.getpid(), signal.SIGSTOP),
}


class ScriptedWorker:
    """Reports the sums of its script, and gets into the trouble that is planted for its rank."""

    def __init__(self, place: Place, script: Mapping[str, Any], text: str) -> None:
        self.place = place
        self.script = script
        self.text = text
        if script["has_child"]:
            subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(300)"])
        self.enter(BUILD)

    def enter(self, stage: str) -> None:
        """The trouble of that stage, if it is this rank's."""
        trouble = self.script["trouble"]
        if trouble is not None and trouble["stage"] == stage and trouble["what"] in TROUBLES:
            TROUBLES[trouble["what"]](self.text)

    def compile_or_warm_up_model(self) -> object:
        """Both stages, then the seconds of both components, or rubbish."""
        self.enter(COMPILE)
        self.place.enter(CAPTURE)
        self.enter(CAPTURE)
        trouble = self.script["trouble"]
        if trouble is not None and trouble["what"] in REPORTS:
            return REPORTS[trouble["what"]]
        return CompilationTimes(self.seconds("language_model"), self.seconds("encoder"))

    def seconds(self, component: str) -> float:
        """Of the script's compiles, if its mode counts any."""
        if self.script["mode"] != "full":
            return 0.0
        mine = [int(each["microseconds"]) for each in self.script["compiles"] if each["component"] == component]
        return sum(mine) / 1_000_000

    def shutdown(self) -> None:
        """Nothing to give back; a process that it started goes on."""


def worker(place: Place, *, ranks: Sequence[Mapping[str, Any]], text: str) -> ScriptedWorker:
    """The worker of one rank, of the scripts of all; `text` is what a planted exception says."""
    return ScriptedWorker(place, ranks[place.rank], text)
