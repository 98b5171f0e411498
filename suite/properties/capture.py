"""Capture hygiene: what a capture did is what the device saw, and nothing of it is left over."""

from __future__ import annotations

from collections.abc import Callable

from suite.contract.case import Case
from suite.contract.guard import GuardedSession, GuardedSubject
from suite.contract.law import law
from suite.contract.subject import DeviceFacts
from suite.contract.verdict import Verdict, holds, violated
from suite.properties.run import Run, in_session

PASSES = 5
"""So often a history is gone through for memory to settle: a subject may capture what it has seen a few times."""


def _never(
    case: Case, subject: GuardedSubject, seen: Callable[[DeviceFacts], tuple[str, ...]], *, expected: str, because: str
) -> Verdict:
    """A violation at the first thing that the device should not have seen, after the start and after the history."""

    def body(run: Run) -> Verdict:
        found = seen(run.session.facts()) or seen(_encode_all(run).facts())
        if found:
            return violated(expected=expected, actual=f"{len(found)} seen, first: {found[0]}", because=because)
        return holds()

    return in_session(case, subject, body)


def _encode_all(run: Run) -> GuardedSession:
    for _ in run.batches():
        pass
    return run.session


@law(
    "capture/no-synchronisation",
    source=("SPEC G5", "BUG-G09", "BUG-E23"),
    inputs="mixes",
    needs=("observable",),
    everywhere=True,
    ignores="synchronisations outside captures",
)
def no_synchronisation(case: Case, subject: GuardedSubject) -> Verdict:
    """No operation of a capture was refused: no host synchronisation, no copy between host and device."""
    return _never(
        case,
        subject,
        lambda facts: facts.refused,
        expected="a capture without refused operations",
        because="the model reads a device value on the host, or copies, while it is captured",
    )


@law(
    "capture/graphs-captured-are-kept",
    source=("SPEC G5", "SPEC G7", "BUG-E21"),
    inputs="histories",
    needs=("observable", "token_budgets"),
    ignores="subjects without a ladder",
)
def graphs_captured_are_kept(case: Case, subject: GuardedSubject) -> Verdict:
    """The device holds exactly one graph per budget, after the start and after any history."""

    def body(run: Run) -> Verdict:
        wanted = len(run.session.bounds().budgets)
        started = run.session.facts().graphs_alive
        ended = _encode_all(run).facts().graphs_alive
        if (started, ended) != (wanted, wanted):
            return violated(
                expected=f"{wanted} graphs, one per budget",
                actual=f"{started} after the start, {ended} after the history",
                because="a graph is dropped, captured twice, or captured on the way",
            )
        return holds()

    return in_session(case, subject, body)


@law(
    "capture/nothing-escapes",
    source=("SPEC G5", "BUG-G17", "BUG-E23"),
    inputs="histories",
    needs=("observable",),
    everywhere=True,
    ignores="the outputs that a capture returns",
)
def nothing_escapes(case: Case, subject: GuardedSubject) -> Verdict:
    """Of the memory born in a capture, nothing but its outputs stays referenced."""
    return _never(
        case,
        subject,
        lambda facts: facts.escaped,
        expected="no tensor born in a capture kept by the model",
        because="state made on first use, or a buffer rebound in the forward, lives in a graph's pool",
    )


@law(
    "capture/warmed-up-first",
    source=("SPEC G5", "BUG-E23"),
    inputs="mixes",
    needs=("observable",),
    ignores="what the warm-up was run on",
)
def warmed_up_first(case: Case, subject: GuardedSubject) -> Verdict:
    """Every forward has run outside a capture, with the same shapes, before it is captured."""
    return _never(
        case,
        subject,
        lambda facts: facts.cold_captures,
        expected="each captured forward warmed up with its shapes",
        because="workspaces and kernels made on first use would be made, and kept, inside the capture",
    )


@law(
    "capture/no-host-numbers",
    source=("SPEC G5", "BUG-G09", "BUG-E03"),
    inputs="mixes",
    needs=("observable",),
    everywhere=True,
    ignores="Python numbers that are arguments of an operation: the values laws see those",
)
def no_host_numbers(case: Case, subject: GuardedSubject) -> Verdict:
    """No Python number or list becomes a tensor inside a capture, where it would be baked."""
    return _never(
        case,
        subject,
        lambda facts: facts.baked_numbers,
        expected="no host number made into a tensor in a capture",
        because="metadata is computed inside the captured forward instead of coming through a buffer",
    )


@law(
    "capture/memory-is-bounded",
    source=("SPEC G5", "BUG-E02", "BUG-G19"),
    inputs="histories",
    needs=("observable",),
    everywhere=True,
    ignores="memory outside the device's pools",
)
def memory_is_bounded(case: Case, subject: GuardedSubject) -> Verdict:
    """A history gone through again and again soon captures nothing more and retains no further byte."""

    def body(run: Run) -> Verdict:
        held: list[tuple[int, int]] = []
        for _ in range(PASSES):
            facts = _encode_all(run).facts()
            now = (facts.graphs_alive, facts.retained_bytes)
            if any(now[0] <= graphs and now[1] <= size for graphs, size in held):
                return holds()
            held.append(now)
        return violated(
            expected=f"no more graphs or bytes than before, in one of {PASSES} passes",
            actual=f"(graphs, bytes) after each pass: {held}",
            because="graphs or pools grow with the number of requests",
        )

    return in_session(case, subject, body)


@law(
    "capture/graphs-are-bounded",
    source=("SPEC G5", "BUG-E02", "BUG-G19"),
    inputs="many_layouts",
    needs=("observable",),
    cost=8.0,
    ignores="how long captures take, and bytes where a number of graphs is stated",
)
def graphs_are_bounded(case: Case, subject: GuardedSubject) -> Verdict:
    """New layouts soon make no more graphs: never more than the subject states, or none in the second half of many."""

    def body(run: Run) -> Verdict:
        stated = subject.capabilities.most_graphs
        if not stated and subject.capabilities.token_budgets:
            stated = len(run.session.bounds().budgets)
        half = len(case.history) // 2
        first, held = run.session.facts(), run.session.facts()
        for number, batch, _ in run.batches():
            held = run.session.facts()
            first = held if number < half else first
            if stated and held.graphs_alive > stated:
                return _unbounded(f"at most {stated} graphs, as the subject states", held, number, str(batch[0].grid))
        if not stated and (held.graphs_alive > first.graphs_alive or held.retained_bytes > first.retained_bytes):
            wanted = f"no more than {_graphs(first)}, as after half of the layouts: the subject states no number"
            return _unbounded(wanted, held, len(case.history) - 1, str(case.history[-1][0].grid))
        return holds()

    return in_session(case, subject, body)


def _unbounded(expected: str, held: DeviceFacts, number: int, grid: str) -> Verdict:
    return violated(
        expected=expected,
        actual=f"{_graphs(held)} after batch {number}, which begins with {grid}",
        because="a graph is captured for each layout that comes, and none is ever given back",
    )


def _graphs(facts: DeviceFacts) -> str:
    return f"{facts.graphs_alive} graphs of {facts.retained_bytes} bytes"


@law(
    "capture/memory-is-reported",
    source=("SPEC G5", "BUG-E19", "BUG-G22"),
    inputs="histories",
    needs=("memory_report", "token_budgets", "observable"),
    ignores="how the bytes are split among budgets",
)
def memory_is_reported(case: Case, subject: GuardedSubject) -> Verdict:
    """Each budget's bytes are reported, above zero, and together at least what the device's pools hold."""

    def body(run: Run) -> Verdict:
        report = run.session.memory()
        held = run.session.facts().retained_bytes
        bounds = run.session.bounds()
        if set(report) != set(bounds.budgets) or min(report.values()) <= 0 or sum(report.values()) < held:
            return violated(
                expected=f"bytes for each of {list(bounds.budgets)}, together at least {held}",
                actual=f"{report}, together {sum(report.values())}",
                because="a budget's buffers or graph are left out of the estimate",
            )
        return holds()

    return in_session(case, subject, body)


@law(
    "capture/memory-is-not-overstated",
    source=("SPEC G5",),
    inputs="histories",
    needs=("memory_report", "observable", "buffers_observed"),
    ignores="how the bytes are split among budgets",
)
def memory_is_not_overstated(case: Case, subject: GuardedSubject) -> Verdict:
    """Never are more bytes reported than the device holds in pools and in buffers."""

    def body(run: Run) -> Verdict:
        for when in ("the start", "the history"):
            report = sum(run.session.memory().values())
            facts = run.session.facts()
            if report > facts.retained_bytes + facts.buffer_bytes:
                return violated(
                    expected=f"after {when} at most {facts.retained_bytes} bytes in pools and {facts.buffer_bytes} "
                    "in buffers",
                    actual=f"{report} bytes reported",
                    because="memory that budgets share is counted for each of them, or the buffers twice",
                )
            _encode_all(run)
        return holds()

    return in_session(case, subject, body)
