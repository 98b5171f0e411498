"""One scripted start: what it finds in its cache is written down, it leaves a mark there, and it answers or fails.

Nothing heavy is imported, so that a process made for one start is there in a moment.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

TORCH_CACHES = ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR")
"""Variables that say where torch keeps what it compiles for all programs of a user (torch 2.13)."""
PROCESS = f"{os.getpid()}-{time.time_ns()}"
"""This process, even where numbers of processes are used again. A fork is the process that it was made from."""
_MARK = "start-"


class PlantedFailure(Exception):
    """The failure of a start that a law planted: its text says which."""


@dataclass(frozen=True)
class Script:
    """What all starts of one run share, ready for JSON."""

    answers: tuple[Mapping[str, int], ...]
    """What each start says of itself, in order."""
    log: str
    """The file in which starts write down what they find."""
    result: str
    """The file of results, of which every start takes a copy before it does anything."""
    failing: int | None = None
    how: Literal["raises", "interrupted", "dies"] = "raises"
    full: int | None = None

    def as_json(self) -> str:
        """For another process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Script:
        """The script again."""
        data = json.loads(text)
        return cls(**{**data, "answers": tuple(data["answers"])})


@dataclass(frozen=True)
class SeenStart:
    """What one start found."""

    cache: str
    """The folder that it was given."""
    found: tuple[int, ...]
    """Places of the starts whose marks were in it, from 0."""
    others: tuple[str, ...]
    """Names of anything else that was in it."""
    process: str
    """Where it ran."""
    outside: tuple[str, ...]
    """Variables that put one of torch's caches outside of the folder, or do not name it."""
    result: str | None
    """The file of results as it was then; None: there was none."""


def take_part(script: Script, cache: Path) -> Mapping[str, int]:
    """One start with that folder as its cache; what it says of itself, in microseconds.

    Raises:
        PlantedFailure: it is the one that fails, or there are more starts than the script has.
        KeyboardInterrupt: it is the one that is interrupted.
    """
    number = len(seen_starts(script))
    with Path(script.log).open("a", encoding="utf-8") as log:
        log.write(json.dumps(asdict(_look(script, cache))) + "\n")
    if number == script.full:
        _fill_the_disk()
    if number == script.failing:
        _fail(script, number)
    if number >= len(script.answers):
        raise PlantedFailure(f"start {number} was not asked for: there are {len(script.answers)}")
    (cache / f"{_MARK}{number}").touch()
    return script.answers[number]


def seen_starts(script: Script) -> tuple[SeenStart, ...]:
    """What every start so far found, in order."""
    log = Path(script.log)
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    return tuple(_seen(json.loads(line)) for line in lines)


def left_behind(cache: Path) -> bool:
    """Whether a cache is still there; the marks in it are taken away, and with them a folder that has nothing else."""
    if not cache.exists():
        return False
    for mark in cache.glob(f"{_MARK}*"):
        mark.unlink()
    if not any(cache.iterdir()):
        cache.rmdir()
    return True


def _seen(data: dict[str, Any]) -> SeenStart:
    return SeenStart(**{**data, **{name: tuple(data[name]) for name in ("found", "others", "outside")}})


def _look(script: Script, cache: Path) -> SeenStart:
    names = sorted(path.name for path in cache.iterdir())
    marks = sorted(int(name.removeprefix(_MARK)) for name in names if name.startswith(_MARK))
    others = tuple(name for name in names if not name.startswith(_MARK))
    outside = tuple(name for name in TORCH_CACHES if not os.environ.get(name, "").startswith(f"{cache}{os.sep}"))
    result = Path(script.result)
    text = result.read_text(encoding="utf-8") if result.exists() else None
    return SeenStart(str(cache), tuple(marks), others, PROCESS, outside, text)


def _fail(script: Script, number: int) -> None:
    if script.how == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    if script.how == "interrupted":
        raise KeyboardInterrupt
    raise PlantedFailure(f"planted in start {number}")


def _fill_the_disk() -> None:
    """No file of this process grows beyond a few bytes any more; Python ignores the signal that comes with it."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, hard))
