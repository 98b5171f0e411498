"""Faults of the callers: a path to a compiled program that the monitor does not rightly surround (SPEC T3)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import ClassVar

from reference.compilation.compiled_forward import (
    AotImpossible,
    CompiledForward,
    NothingStored,
    Outcome,
    Path,
)
from reference.compilation.monitor import JIT_MESSAGE, MESSAGE
from reference.compilation.variants import Variant
from suite.faults.fault import Fault
from suite.subjects.reference_compilation import SOUND
from suite.subjects.reference_parts import Parts

_Arguments = tuple[object, ...]
_Named = Mapping[str, object]
logger = logging.getLogger("reference.compilation.compiled_forward")


def _called_by(kind: type[CompiledForward]) -> Callable[[], Parts]:
    """The reference with another form of its callers."""
    return lambda: Parts(compilation=replace(SOUND, forward=kind))


class _KnowsPath(CompiledForward):
    """Remembers which path it is on."""

    path: Path = "load"

    def _load(self, variant: Variant, args: _Arguments, kwargs: _Named) -> Outcome | None:
        self.path = "load"
        return super()._load(variant, args, kwargs)

    def _aot(self, variant: Variant, args: _Arguments, kwargs: _Named) -> Outcome | None:
        self.path = "aot"
        return super()._aot(variant, args, kwargs)

    def _jit(self, variant: Variant, args: _Arguments, kwargs: _Named) -> Outcome | None:
        self.path = "jit"
        return super()._jit(variant, args, kwargs)


class _LosesFlagOnLoad(_KnowsPath):
    """Does not say that it loads an encoder."""

    lost: ClassVar[Path] = "load"

    def monitored(self, message: str = MESSAGE) -> AbstractContextManager[object]:
        services, is_encoder = self.target.services, self.target.is_encoder and self.path != self.lost
        return services.monitor(self.target.config, message, is_encoder, clock=services.clock)


class _LosesFlagOnAot(_LosesFlagOnLoad):
    """Does not say that it compiles an encoder ahead of time."""

    lost = "aot"


class _LosesFlagOnJit(_LosesFlagOnLoad):
    """Does not say that it compiles an encoder just in time."""

    lost = "jit"


class _LoadUntimed(_KnowsPath):
    """Loads outside of any monitor."""

    untimed: ClassVar[Path] = "load"

    def monitored(self, message: str = MESSAGE) -> AbstractContextManager[object]:
        return nullcontext() if self.path == self.untimed else super().monitored(message)


class _AotUntimed(_LoadUntimed):
    """Compiles ahead of time outside of any monitor."""

    untimed = "aot"


class _FailedLoadCounts(CompiledForward):
    """Finds out that an artifact is damaged while it is monitored, and leaves the monitor as if all were well."""

    def _load(self, variant: Variant, args: _Arguments, kwargs: _Named) -> Outcome | None:
        key = self.tracer.key(variant)
        try:
            with self.monitored():
                try:
                    program = self.tracer.load(key)
                except Exception:
                    logger.warning("a stored program is damaged")
                    return None
                if program is None:
                    raise NothingStored(key)
        except NothingStored:
            return None
        return Outcome(program)


class _MisfitCounts(CompiledForward):
    """Asks only after the monitor whether what was loaded fits."""

    def _load(self, variant: Variant, args: _Arguments, kwargs: _Named) -> Outcome | None:
        key = self.tracer.key(variant)
        try:
            with self.monitored():
                program = self.tracer.load(key)
                if program is None:
                    raise NothingStored(key)
        except Exception:
            return None
        return Outcome(program) if self.tracer.fits(program, args, kwargs) else None


class _FailedLoadInTheNext(CompiledForward):
    """Loads and compiles in one monitor."""

    def _jit(self, variant: Variant, args: _Arguments, kwargs: _Named) -> Outcome | None:
        with self.monitored(JIT_MESSAGE):
            try:
                self.tracer.load(self.tracer.key(variant))
            except Exception:
                logger.warning("a stored program is damaged")
            program = self.tracer.jit(self.target.forward)
            return Outcome(program, ran=True, value=program(*args, **kwargs))


class _LookUpIsACompile(CompiledForward):
    """Leaves the monitor as after a load if nothing is stored."""

    def _load(self, variant: Variant, args: _Arguments, kwargs: _Named) -> Outcome | None:
        try:
            with self.monitored():
                program = self.tracer.load(self.tracer.key(variant))
        except Exception as error:
            self.tracer.reject("", str(error))
            return None
        return None if program is None else Outcome(program)


class _AotCountsFirstRun(CompiledForward):
    """Stops the clock after the first call, ahead of time too."""

    def _aot(self, variant: Variant, args: _Arguments, kwargs: _Named) -> Outcome | None:
        try:
            with self.monitored():
                program = self.tracer.aot(self.target.forward, args, kwargs)
                return Outcome(program, ran=True, value=program(*args, **kwargs))
        except AotImpossible:
            return None


class _LoadCountsFirstRun(CompiledForward):
    """Stops the clock after the first call, of a loaded program too."""

    def _load(self, variant: Variant, args: _Arguments, kwargs: _Named) -> Outcome | None:
        try:
            with self.monitored():
                program = self.tracer.load(self.tracer.key(variant))
                if program is None:
                    raise NothingStored
                return Outcome(program, ran=True, value=program(*args, **kwargs))
        except Exception:
            return None


class _FallsBack(CompiledForward):
    """Logs a failed compile and runs the plain forward."""

    def __call__(self, *args: object, **kwargs: object) -> object:
        try:
            return super().__call__(*args, **kwargs)
        except Exception:
            logger.warning("compiling failed: the forward stays eager")
            return self.target.forward(*args, **kwargs)


class _InterruptionIsDamage(CompiledForward):
    """Takes whatever ends a load for a damaged artifact."""

    def _load(self, variant: Variant, args: _Arguments, kwargs: _Named) -> Outcome | None:
        try:
            return super()._load(variant, args, kwargs)
        except BaseException as error:
            self.tracer.reject(self.tracer.key(variant), repr(error))
            return None


FAULTS = (
    Fault(
        id="callers/flag-lost-on-load",
        breaks="a loaded encoder counts as language model",
        caught_by=("ledger/flag-is-kept",),
        parts=_called_by(_LosesFlagOnLoad),
        sampled=True,
        source="BUG-T03",
    ),
    Fault(
        id="callers/flag-lost-on-aot",
        breaks="an encoder compiled ahead of time counts as language model",
        caught_by=("ledger/flag-is-kept",),
        parts=_called_by(_LosesFlagOnAot),
        source="BUG-T03",
    ),
    Fault(
        id="callers/flag-lost-on-jit",
        breaks="an encoder compiled just in time counts as language model",
        caught_by=("ledger/flag-is-kept",),
        parts=_called_by(_LosesFlagOnJit),
        source="BUG-T03",
    ),
    Fault(
        id="callers/load-untimed",
        breaks="a load that succeeds is not counted",
        caught_by=(
            "ledger/every-second-once",
            "ledger/flag-is-kept",
        ),
        parts=_called_by(_LoadUntimed),
        source="BUG-T07",
    ),
    Fault(
        id="callers/aot-untimed",
        breaks="only what the back end compiles is counted",
        caught_by=("ledger/flag-is-kept",),
        parts=_called_by(_AotUntimed),
        source="BUG-T07",
    ),
    Fault(
        id="callers/failed-load-counts",
        breaks="a load that fails is counted before another path is taken",
        caught_by=("ledger/failed-load-counts-nothing",),
        parts=_called_by(_FailedLoadCounts),
    ),
    Fault(
        id="callers/misfit-counts",
        breaks="a stored program that is then found not to fit the inputs is counted",
        caught_by=("ledger/failed-load-counts-nothing",),
        parts=_called_by(_MisfitCounts),
    ),
    Fault(
        id="callers/failed-load-in-the-next",
        breaks="the seconds of a failed load count with the path that follows",
        caught_by=("ledger/failed-load-counts-nothing",),
        parts=_called_by(_FailedLoadInTheNext),
    ),
    Fault(
        id="callers/lookup-is-a-compile",
        breaks="a look-up that finds nothing logs a line of its own",
        caught_by=("ledger/one-line-per-compile",),
        parts=_called_by(_LookUpIsACompile),
    ),
    Fault(
        id="callers/aot-counts-first-run",
        breaks="the first run after a compile ahead of time is counted",
        caught_by=("ledger/first-run-is-not-compiling",),
        parts=_called_by(_AotCountsFirstRun),
        source="BUG-T05",
    ),
    Fault(
        id="callers/load-counts-first-run",
        breaks="the first run of a loaded program is counted",
        caught_by=("ledger/first-run-is-not-compiling",),
        parts=_called_by(_LoadCountsFirstRun),
        source="BUG-T05",
    ),
    Fault(
        id="callers/failure-falls-back",
        breaks="a failed compile is answered by eager",
        caught_by=("ledger/failures-pass-unchanged",),
        parts=_called_by(_FallsBack),
    ),
    Fault(
        id="callers/interruption-is-damage",
        breaks="a load that is interrupted is taken for a damaged one",
        caught_by=("ledger/failures-pass-unchanged",),
        parts=_called_by(_InterruptionIsDamage),
    ),
)
