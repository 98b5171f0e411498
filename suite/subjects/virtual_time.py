"""Runs a timeline on real threads under a virtual clock: one thread at a time, in the order of the timeline.

Nothing here knows an implementation. An adapter says how one compile of its subject is performed; when the subject
works, it calls back here, and the clock goes on. So every run of a timeline is the same, whatever the machine does.
A thread that does not give its turn back in real time is a failure of the subject, and nothing waits for it.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence

from suite.contract.timeline import Compile, Timeline, planted_failure

PATIENCE = 5.0
"""Real seconds that one turn may take; it does no real work."""
_START = 86_400_000_000
"""Microseconds that the clock shows first: a real clock does not begin at zero either."""


class PlantedFailure(Exception):
    """The failure of a compile."""


class PlantedInterruption(BaseException):
    """The failure of a compile that is a load, or that a load fails with: nothing may answer it."""


class DamagedArtifact(Exception):
    """What a failed load raises; the subject answers it with another path."""


class Stuck(RuntimeError):
    """A thread of the subject did not come back."""


class _Abandoned(BaseException):
    """Ends a thread whose timeline is given up."""


class VirtualClock:
    """Whole microseconds that are read as seconds.

    A double holds a day in microseconds with an error below a thousandth of one, so differences and sums of the
    readings are exact to far less than half a microsecond.
    """

    def __init__(self) -> None:
        self.microseconds = _START

    def __call__(self) -> float:
        """Seconds."""
        return self.microseconds / 1_000_000


class Work:
    """What one compile has to do. The adapter calls each part where its subject does that part."""

    def __init__(
        self, conductor: _Conductor, thread: _Thread, each: Compile, place: tuple[int, ...], *, in_load: bool
    ) -> None:
        self._conductor = conductor
        self._thread = thread
        self._each = each
        self._place = place
        self._in_load = in_load

    def failed_load(self) -> None:
        """A load that takes its time and finds an artifact that cannot be used.

        Raises:
            DamagedArtifact: always.
        """
        self._spend(self._each.failed_load or 0)
        raise DamagedArtifact("the artifact is damaged")

    def compile(self) -> None:
        """The steps, compiles nested in them included.

        Raises:
            PlantedFailure, PlantedInterruption: as the timeline says.
        """
        for number, step in enumerate(self._each.steps):
            if isinstance(step, int):
                self._spend(step)
            else:
                self._nested(step, (*self._place, number))
        if self._each.fails:
            kind = PlantedInterruption if self._in_load else PlantedFailure
            raise self._conductor.plant(kind(planted_failure(self._thread.number, self._place)))

    def first_run(self) -> None:
        """The forward that is run first."""
        if self._each.first_run:
            self._spend(self._each.first_run)

    def _nested(self, step: Compile, place: tuple[int, ...]) -> None:
        try:
            self._conductor.perform(step, self._thread, place, in_load=self._in_load and not step.caught)
        except (PlantedFailure, PlantedInterruption):
            if not step.caught:
                raise

    def _spend(self, microseconds: int) -> None:
        self._thread.wait()
        self._conductor.clock.microseconds += microseconds


Perform = Callable[[Compile, Work], object]
"""One compile of the subject, monitored as the subject does it; its work is done by calling the parts of `Work`."""


def _closed() -> threading.Lock:
    """A gate: a plain lock, which any thread may open, costs a tenth of a semaphore."""
    gate = threading.Lock()
    gate.acquire()
    return gate


def _open(gate: threading.Lock) -> None:
    with contextlib.suppress(RuntimeError):  # open already: both sides gave up at the same time
        gate.release()


class _Thread:
    """One thread of a timeline: it runs only while it has the turn."""

    def __init__(self, number: int, body: Callable[[_Thread], None]) -> None:
        self.number = number
        self.ended = False
        self.broke: BaseException | None = None
        self._body = body
        self._abandoned = False
        self._worked = False
        self._turn = _closed()
        self._back = _closed()
        self._thread = threading.Thread(target=self._run, name=f"timeline {number}", daemon=True)

    def take_turn(self) -> None:
        """Lets the thread do one step.

        Raises:
            Stuck: it did not come back.
        """
        if not self._thread.ident:
            self._thread.start()
        else:
            _open(self._turn)
        if not self._back.acquire(timeout=PATIENCE):
            raise Stuck(
                f"thread {self.number} of the timeline did not come back within {PATIENCE:g} s: it waits or loops"
            )

    def wait(self) -> None:
        """Called before each step: waits for the next turn if this one has had its step."""
        if self._worked and not self._abandoned:
            _open(self._back)
            self._turn.acquire()
        if self._abandoned:
            raise _Abandoned
        self._worked = True

    def abandon(self) -> None:
        """Ends the thread, if it still lets itself be ended."""
        self._abandoned = True
        _open(self._turn)
        if self._thread.ident:
            self._thread.join(timeout=0.2)

    def _run(self) -> None:
        try:
            self._body(self)
        except _Abandoned:
            pass
        except BaseException as error:
            self.broke = error
        self.ended = True
        _open(self._back)


class _Alone(_Thread):
    """The only thread of its timeline: it always has the turn, and runs where it is called."""

    def take_turn(self) -> None:
        self._body(self)
        self.ended = True

    def wait(self) -> None:
        """Nobody else wants a turn."""

    def abandon(self) -> None:
        """It is over when it returns."""


class _Conductor:
    """Gives out the turns, and keeps what was raised."""

    def __init__(self, timeline: Timeline, perform: Perform, clock: VirtualClock) -> None:
        self.clock = clock
        self.escaped: list[str] = []
        self._timeline = timeline
        self._perform = perform
        self._planted: list[BaseException] = []

    def plant(self, failure: BaseException) -> BaseException:
        """Remembers a failure, which must arrive as this very object."""
        self._planted.append(failure)
        return failure

    def perform(self, each: Compile, thread: _Thread, place: tuple[int, ...], *, in_load: bool = False) -> None:
        """One compile by the subject; what it raises is noted and passes."""
        work = Work(self, thread, each, place, in_load=in_load or each.path == "load")
        try:
            self._perform(each, work)
        except _Abandoned:
            raise
        except BaseException as error:
            self.escaped.append(self._described(error))
            raise

    def run(self) -> None:
        """All threads to their ends."""
        kind = _Alone if len(self._timeline.threads) == 1 else _Thread
        threads = [kind(number, self._body(compiles)) for number, compiles in enumerate(self._timeline.threads)]
        try:
            self._take_turns(threads)
        finally:
            for thread in threads:
                if not thread.ended:
                    thread.abandon()

    def _take_turns(self, threads: Sequence[_Thread]) -> None:
        turn = 0
        while living := [thread.number for thread in threads if not thread.ended]:
            thread = threads[self._timeline.next_thread(turn, living)]
            thread.take_turn()
            if thread.broke is not None:
                raise thread.broke
            turn += 1

    def _body(self, compiles: Sequence[Compile]) -> Callable[[_Thread], None]:
        def body(thread: _Thread) -> None:
            for place, each in enumerate(compiles):
                # A thread outlives the failures of its compiles; what was raised is noted already.
                with contextlib.suppress(Exception, PlantedInterruption):
                    self.perform(each, thread, (place,))

        return body

    def _described(self, error: BaseException) -> str:
        if any(error is planted for planted in self._planted):
            return str(error)
        return f"{type(error).__name__}: {error}"


def conduct(timeline: Timeline, perform: Perform, *, clock: VirtualClock) -> tuple[str, ...]:
    """Runs the timeline; what each compile raised, as `Ledger.escaped` wants it.

    Raises:
        Stuck: a thread did not come back, for example since the subject lets only one compile be open at a time.
    """
    conductor = _Conductor(timeline, perform, clock)
    conductor.run()
    return tuple(conductor.escaped)
