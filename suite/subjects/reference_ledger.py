"""The reference's accounting of compile time under a virtual clock, through its own callers (SPEC T2, T3).

What is scripted is the tracer alone: what a load, a compile ahead of time and a first call take, and how they end.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from torch import nn

from reference.compilation.compiled_forward import AotImpossible, CompileServices, Program, Target, Tracer
from reference.compilation.config import CompilationConfig, CompilationMode
from reference.compilation.dynamic_dims import DynamicDims, ForwardSignature
from reference.compilation.monitor import JIT_MESSAGE, MESSAGE
from reference.compilation.variants import Variant
from suite.contract.timeline import Compile, Counters, Ledger, Timeline
from suite.subjects.reference_compilation import CompilationParts
from suite.subjects.virtual_time import DamagedArtifact, VirtualClock, Work, conduct

_MODULE = nn.Identity()


class _Lines(logging.Handler):
    """Every line, formatted."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps one line."""
        self.lines.append(record.getMessage())


@contextmanager
def _logged() -> Iterator[list[str]]:
    """What the reference logs meanwhile, which nobody else sees."""
    logger = logging.getLogger("reference")
    handler = _Lines()
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield handler.lines
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        logger.propagate = before[1]


def _misfit() -> object:
    """A program that loads, and whose guards refuse what it is called with."""
    raise AssertionError("a program that does not fit must not run")


class _Script(Tracer):
    """A tracer that does the work of one compile where torch would."""

    def __init__(self, each: Compile, work: Work) -> None:
        self._each = each
        self._work = work

    def key(self, variant: Variant) -> str:
        """Any name."""
        return "scripted"

    def load(self, key: str) -> Program | None:
        """The program on path `load`; before the others a damaged one, or none."""
        if self._each.path == "load":
            self._work.compile()
            return self._work.first_run
        if self._each.failed_load is None:
            return None
        try:
            self._work.failed_load()
        except DamagedArtifact:
            if not self._each.misfit:
                raise
        return _misfit

    def fits(self, program: Program, args: tuple[object, ...], kwargs: Mapping[str, object]) -> bool:
        """All programs but the one that is scripted not to."""
        return program is not _misfit

    def aot(self, forward: Program, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Program:
        """The program on path `aot`; before `jit` it cannot be made."""
        if self._each.path != "aot":
            raise AotImpossible("this compile is scripted to be just in time")
        self._work.compile()
        return forward

    def save(self, key: str, program: Program) -> None:
        """Nothing is kept."""

    def jit(self, forward: Program) -> Program:
        """Compiles in its first call; a path that should not have been taken has nothing to compile."""

        def program() -> object:
            if self._each.path == "jit":
                self._work.compile()
            return forward()

        return program

    def stock(self, forward: Program) -> Program:
        """Not asked for: other modes than full are monitored directly."""
        return forward


def _takes_nothing(module: nn.Module) -> None:
    """The forward's signature."""


_SIGNATURE = ForwardSignature(_takes_nothing, class_name="Scripted")


class _Worker:
    """One configuration, and compiles under it."""

    def __init__(self, mode: str, parts: CompilationParts, clock: VirtualClock) -> None:
        self.config: CompilationConfig = parts.config(mode=CompilationMode(mode), aot_compile=True)
        self._parts = parts
        self._clock = clock
        self._before = self.config.compute_hash(), repr(self.config)

    def perform(self, each: Compile, work: Work) -> None:
        """One compile. In modes `none` and `stock` no caller of the reference opens a monitor: it is asked itself."""
        if self.config.mode is CompilationMode.FULL:
            self._compiled(each, work)()
        else:
            self._monitored(each, work)

    def _compiled(self, each: Compile, work: Work) -> Callable[[], object]:
        target = Target(
            module=_MODULE,
            forward=work.first_run,
            class_name="Scripted",
            signature=_SIGNATURE,
            dims=DynamicDims(()),
            is_encoder=each.component == "encoder",
            config=self.config,
            services=CompileServices(monitor=self._parts.monitor, clock=self._clock, paths=self._parts.paths()),
        )
        return self._parts.forward(target, tracer=_Script(each, work))

    def _monitored(self, each: Compile, work: Work) -> None:
        is_encoder = each.component == "encoder"
        message = JIT_MESSAGE if each.path == "jit" else MESSAGE
        if each.failed_load is not None:
            try:
                with self._parts.monitor(self.config, message, is_encoder, clock=self._clock):
                    work.failed_load()
            except DamagedArtifact:
                pass
        with self._parts.monitor(self.config, message, is_encoder, clock=self._clock):
            work.compile()
            if each.path == "jit":
                work.first_run()
        if each.path != "jit":
            work.first_run()

    def counters(self) -> Counters:
        """As the configuration says them."""
        return Counters(self.config.compilation_time, self.config.encoder_compilation_time)

    def keeps_its_hash(self) -> bool:
        """Whether it hashes as before."""
        return self.config.compute_hash() == self._before[0]

    def keeps_its_repr(self) -> bool:
        """Whether it prints as before."""
        return repr(self.config) == self._before[1]


def keep_ledger(timeline: Timeline, parts: CompilationParts) -> Ledger:
    """Runs the timeline through the reference; each worker has a configuration of its own."""
    clock = VirtualClock()
    workers = [_Worker(mode, parts, clock) for mode in timeline.modes]
    with _logged() as lines:
        escaped = conduct(timeline, lambda each, work: workers[each.worker].perform(each, work), clock=clock)
    return Ledger(
        counters=tuple(worker.counters() for worker in workers),
        messages=tuple(lines),
        escaped=escaped,
        hashes_equal=all(worker.keeps_its_hash() for worker in workers),
        reprs_equal=all(worker.keeps_its_repr() for worker in workers),
    )
