"""What compiling costs under a virtual clock, to the microsecond: a simulation of a timeline (SPEC T2, T3, T9).

It follows the case alone, with one generator per thread and a clock of whole numbers.

- Time is wall time, and all threads share one clock. While a thread holds a monitor open and another thread has the
  turn, that turn's work passes inside the monitor too, and counts: nobody can tell it from waiting.
- What a monitor is not credited with is the wall time of monitors nested in it *in its own thread*, other threads'
  turns in them included, whatever became of them and whatever their worker's mode. Monitors of other threads take
  nothing off.
- A failed load is a monitor that raised. So are a compile that fails and one that a failure passes through.
- The first run is inside the monitor on path `jit`, and after it on the others; there it is plain work of whatever
  encloses the compile. A compile that fails has none.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

from suite.contract.program import Component
from suite.contract.timeline import Compile, Timeline, planted_failure

_Steps = Generator[int, None, "_End"]
"""The work of a compile, a step at a time; in the end, how it ended."""


@dataclass(frozen=True)
class Span:
    """One monitor, from its entry to its exit. Times are microseconds since the timeline began."""

    compile: Compile
    thread: int
    opened: int
    """How many monitors were entered before it, in any thread."""
    inside: str
    """The compile around it in words, or nothing."""
    start: int
    end: int
    own: int
    """Wall time less that of the monitors nested in it, if it counts; otherwise zero."""
    counts: bool
    """Whether it exits normally, in mode full: only then is its own time added, and a line logged."""
    is_failed_load: bool = False


@dataclass
class Account:
    """What a timeline comes to."""

    spans: list[Span] = field(default_factory=list)
    """All monitors, in the order in which they end, whatever the thread."""
    raised: list[str] = field(default_factory=list)
    """The failure that each compile that fails raises to the code around it, in order."""
    wall: int = 0
    """Microseconds from the first turn to the last."""

    @property
    def exits(self) -> list[Span]:
        """The monitors that count."""
        return [span for span in self.spans if span.counts]

    def counter(self, worker: int, component: Component) -> int:
        """Microseconds in one counter of one worker."""
        return sum(s.own for s in self.exits if (s.compile.worker, s.compile.component) == (worker, component))


@dataclass(frozen=True)
class _End:
    """How a compile ended: wall time of its monitors, and the failure that came out of it."""

    monitored: int
    failure: str | None


@dataclass(frozen=True)
class _Spot:
    """Where a compile stands."""

    thread: int
    place: tuple[int, ...]
    inside: str = ""


class _Simulation:
    """One clock, and the books of all threads."""

    def __init__(self, timeline: Timeline) -> None:
        self.modes = timeline.modes
        self.now = 0
        self.opened = 0
        self.account = Account()

    def thread(self, number: int, compiles: Sequence[Compile]) -> Generator[int, None, None]:
        """The steps of a thread."""
        for place, each in enumerate(compiles):
            yield from self.compile(each, _Spot(number, (place,)))

    def compile(self, each: Compile, spot: _Spot) -> _Steps:
        """A failed load, the monitored compile, and the first run where it is not part of that."""
        failed_load = 0
        if each.failed_load is not None:
            began, opened = self.now, self.open()
            yield each.failed_load
            failed_load = self.now - began
            self.close(each, spot, opened, began, own=0, counts=False, is_failed_load=True)
        end = yield from self.monitored(each, spot)
        if end.failure is not None:
            self.account.raised.append(end.failure)
        elif each.path != "jit" and each.first_run:
            yield each.first_run
        return _End(failed_load + end.monitored, end.failure)

    def monitored(self, each: Compile, spot: _Spot) -> _Steps:
        """What is inside the monitor."""
        began, opened = self.now, self.open()
        nested = 0
        failure: str | None = None
        for number, step in enumerate(each.steps):
            if isinstance(step, int):
                yield step
                continue
            end = yield from self.compile(step, _Spot(spot.thread, (*spot.place, number), str(each)))
            nested += end.monitored
            if end.failure is not None and not step.caught:
                failure = end.failure
                break
        else:
            if each.fails:
                failure = planted_failure(spot.thread, spot.place)
            elif each.path == "jit" and each.first_run:
                yield each.first_run
        counts = failure is None and self.modes[each.worker] == "full"
        wall = self.now - began
        self.close(each, spot, opened, began, own=(wall - nested) * counts, counts=counts)
        return _End(wall, failure)

    def open(self) -> int:
        """Number of the monitor that is entered."""
        self.opened += 1
        return self.opened - 1

    def close(
        self,
        each: Compile,
        spot: _Spot,
        opened: int,
        began: int,
        *,
        own: int,
        counts: bool,
        is_failed_load: bool = False,
    ) -> None:
        """Books the monitor that is left."""
        span = Span(each, spot.thread, opened, spot.inside, began, self.now, own, counts, is_failed_load)
        self.account.spans.append(span)


def settle(timeline: Timeline) -> Account:
    """The account of a timeline."""
    simulation = _Simulation(timeline)
    waiting = {number: simulation.thread(number, compiles) for number, compiles in enumerate(timeline.threads)}
    next_step: dict[int, int | None] = {}
    turn = 0
    while waiting:
        chosen = timeline.next_thread(turn, list(waiting))
        turn += 1
        steps = waiting[chosen]
        if chosen not in next_step:
            next_step[chosen] = next(steps, None)
        step = next_step[chosen]
        if step is not None:
            simulation.now += step
            next_step[chosen] = next(steps, None)
        if next_step[chosen] is None:
            del waiting[chosen]
    simulation.account.wall = simulation.now
    return simulation.account
