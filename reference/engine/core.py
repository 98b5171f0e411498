"""Starts the engine, and says in one line how long it took (SPEC T7)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from reference.engine.executor import Executor
from reference.engine.times import CompilationTimes, RankTimes

logger = logging.getLogger(__name__)

Clock = Callable[[], float]
"""Seconds from any fixed moment."""


class Form(Enum):
    """What the line on the start has besides the seconds of the whole (SPEC T7)."""

    SPLIT = (
        "init engine (profile, create kv cache, warmup model) took %.2f s "
        "(compilation: %.2f s — language_model: %.2f s, encoder: %.2f s)"
    )
    TOTAL = "init engine (profile, create kv cache, warmup model) took %.2f s (compilation: %.2f s)"
    PLAIN = "init engine (profile, create kv cache, warmup model) took %.2f s"


SLOWEST = "rank %d compiled longest: %.2f s (language_model: %.2f s, encoder: %.2f s)"
"""Said besides, when the two maxima are of two ranks and their sum is nobody's time."""


@dataclass(frozen=True)
class Said:
    """One line of the log, as data."""

    text: str
    values: tuple[float, ...]

    @property
    def line(self) -> str:
        """The line itself."""
        return self.text % self.values


@dataclass(frozen=True)
class Started:
    """How a start went."""

    seconds: float
    """From the call until the engine is ready."""
    init_seconds: float
    """Of that, what came after the models were built: warm-up, compiling, capture."""
    times: RankTimes
    form: Form
    said: tuple[Said, ...]

    @property
    def line(self) -> str:
        """The line of SPEC T7."""
        return self.said[0].line


def form_of(times: CompilationTimes) -> Form:
    """Which of the three forms: split as soon as an encoder compiled, plain if nothing did."""
    if times.encoder > 0:
        return Form.SPLIT
    return Form.TOTAL if times.language_model > 0 else Form.PLAIN


def init_line(seconds: float, times: CompilationTimes) -> Said:
    """The line of SPEC T7 for these counters; its total is their sum."""
    form = form_of(times)
    values = {
        Form.SPLIT: (seconds, times.total, times.language_model, times.encoder),
        Form.TOTAL: (seconds, times.total),
        Form.PLAIN: (seconds,),
    }
    return Said(form.value, values[form])


class EngineCore:
    """Starts an executor, and tells how long that took."""

    def __init__(self, executor: Executor, *, clock: Clock = time.perf_counter, log: logging.Logger = logger) -> None:
        self.executor = executor
        self.clock = clock
        self.log = log
        self.started: Started | None = None
        """None before a start that succeeded."""

    def start(self) -> Started:
        """Builds, compiles, warms up, captures, and logs it once.

        Raises:
            StartFailed: no worker is left, and nothing was logged.
        """
        began = self.clock()
        self.executor.start()
        built = self.clock()
        times = self.executor.compile_or_warm_up_model()
        ready = self.clock()
        self.started = self.report(ready - began, ready - built, times)
        for each in self.started.said:
            self.log.info(each.text, *each.values)
        return self.started

    def report(self, seconds: float, init_seconds: float, times: RankTimes) -> Started:
        """What is to be said of a start. The counters are those of the driver's configuration (SPEC T6)."""
        counters = self.counters()
        said = [init_line(init_seconds, counters)]
        if not times.maxima_are_of_one_rank and times.slowest_rank is not None:
            slowest = times.slowest
            said.append(Said(SLOWEST, (times.slowest_rank, slowest.total, *slowest)))
        return Started(seconds, init_seconds, times, form_of(counters), tuple(said))

    def counters(self) -> CompilationTimes:
        """What the driver's configuration says."""
        config = self.executor.config
        return CompilationTimes(config.compilation_time, config.encoder_compilation_time)

    def shutdown(self) -> None:
        """Ends the workers; a second time nothing happens."""
        self.executor.shutdown()
