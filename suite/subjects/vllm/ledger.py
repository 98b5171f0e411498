"""vLLM's accounting of compile time under a virtual clock, through its own callers (SPEC T2, T3)."""

from __future__ import annotations

import contextlib
import copy
from typing import Any

from suite.contract.timeline import Compile, Counters, Ledger, Timeline
from suite.subjects.heard import Lines, heard
from suite.subjects.virtual_time import DamagedArtifact, VirtualClock, Work, conduct
from suite.subjects.vllm.callers import FULL, Accounting, Callers, Playing, ScriptedCompiler, callers
from suite.subjects.vllm.replaced import counted_by

MODES = {"none": 0, "stock": 1, "full": FULL}
"""Values of the engine's `CompilationMode`."""


class Worker:
    """One configuration, and compiles under it."""

    def __init__(self, mode: str, engine: Accounting, made: Callers, playing: Playing) -> None:
        self._engine = engine
        self._made = made
        self._playing = playing
        self._full = mode == "full"
        self._config = copy.copy(made.whole)
        self._config.compilation_config = self.counting = made.counting(MODES[mode])
        self._before = self.hash_and_repr()

    def hash_and_repr(self) -> tuple[str, str]:
        """What identifies the configuration, but for the folder of artifacts that callers write into it."""
        self.counting.local_cache_dir = ""
        return self.counting.compute_hash(), repr(self.counting)

    def perform(self, each: Compile, work: Work) -> None:
        """One compile. In modes `none` and `stock` no caller opens a monitor: it is asked itself."""
        if not self._full:
            self._monitored(each, work)
            return
        part = ScriptedCompiler(each, work)
        with self._playing.playing(part):
            self._made.module(each, part, self._config)()

    def _monitored(self, each: Compile, work: Work) -> None:
        monitor: Any = self._engine.monitor.monitor_torch_compile
        is_encoder = each.component == "encoder"
        if each.failed_load is not None:
            with contextlib.suppress(DamagedArtifact), monitor(self._config, is_encoder=is_encoder):
                work.failed_load()
        with monitor(self._config, is_encoder=is_encoder):
            work.compile()
            if each.path == "jit":
                work.first_run()
        if each.path != "jit":
            work.first_run()

    def counters(self) -> Counters:
        """As the configuration says them."""
        return Counters(self.counting.compilation_time, self.counting.encoder_compilation_time)

    def unchanged(self) -> tuple[bool, bool]:
        """Whether it hashes, and prints, as before."""
        now = self.hash_and_repr()
        return now[0] == self._before[0], now[1] == self._before[1]


def keep_ledger(timeline: Timeline, engine: Accounting) -> Ledger:
    """Runs the timeline through the engine; each worker has a configuration of its own."""
    clock, lines, playing = VirtualClock(), Lines(), Playing()
    made = callers(engine)
    with made.surroundings(), counted_by(clock, playing.load, engine), heard(lines, "vllm.compilation"):
        workers = [Worker(mode, engine, made, playing) for mode in timeline.modes]
        escaped = conduct(timeline, lambda each, work: workers[each.worker].perform(each, work), clock=clock)
    same = [worker.unchanged() for worker in workers]
    return Ledger(
        counters=tuple(worker.counters() for worker in workers),
        messages=tuple(lines.messages),
        escaped=escaped,
        hashes_equal=all(hashes for hashes, _ in same),
        reprs_equal=all(reprs for _, reprs in same),
    )
