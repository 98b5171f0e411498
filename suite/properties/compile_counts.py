"""Counts of compiling: one trace a program, one compile a distinct piece, and every second once."""

from __future__ import annotations

import time
from collections import Counter

from suite.contract.compiling import CompileFacts, SeenPiece
from suite.contract.guard import GuardedSubject
from suite.contract.law import law
from suite.contract.program import ProgramCase
from suite.contract.verdict import Verdict, holds, violated
from suite.oracles.dynamo import counted
from suite.properties.started import Started, in_start
from suite.properties.told import ROUNDED, told

NEEDS = ("compiles",)


@law(
    "compile_counts/one-graph",
    source=("SPEC C1", "SPEC D5"),
    inputs="programs",
    needs=NEEDS,
    kind=ProgramCase,
    cost=5.0,
    ignores="values; strangers that trace without Dynamo break no graph of Dynamo's",
)
def one_graph(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """What torch can trace as one graph is compiled, and as one graph: nothing falls back to eager, nothing breaks."""

    def body(run: Started) -> Verdict:
        with counted() as traced:
            for call in run.start.calls:
                run.run(call)
        if traced.breaks:
            return violated(
                expected="no graph break",
                actual=f"torch counted {traced}",
                because="something beside the forward was traced too: a lock, a log line, a counter, a context",
            )
        return run.not_compiled() or holds()

    return in_start(case, subject, body)


@law(
    "compile_counts/no-trace-after-warm-up",
    source=("SPEC C3", "BUG-C11", "BUG-C12"),
    inputs="marches_of_sizes",
    needs=NEEDS,
    kind=ProgramCase,
    cost=4.0,
    ignores="values; compiling a piece for another range is not tracing",
)
def no_trace_after_warm_up(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """After a first call of any size, no size, 0, 1, 2 or many, and no number of items is traced again."""

    def body(run: Started) -> Verdict:
        first, *others = run.start.calls
        run.run(first)
        for number, call in enumerate(others, start=1):
            both, traced = run.watched(number, call)
            if verdict := run.traced_again(both, traced):
                return verdict
        return holds()

    return in_start(case, subject, body)


@law(
    "compile_counts/one-compile-per-program",
    source=("SPEC C1", "BUG-C10"),
    inputs="instances",
    needs=NEEDS,
    kind=ProgramCase,
    cost=4.0,
    ignores="how often an instance is traced, which is cheap beside compiling",
)
def one_compile_per_program(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """Compiles are as many as distinct pieces and ranges, however many instances and equal blocks there are."""

    def body(run: Started) -> Verdict:
        for call in run.start.calls:
            run.run(call)
        compiled = Counter(map(_identity, _compiled(run.program.facts())))
        twice = {piece: times for piece, times in compiled.items() if times > 1}
        if twice:
            (start, end, text), times = max(twice.items(), key=lambda each: each[1])
            return violated(
                expected="each distinct piece is compiled once a range",
                actual=f"a piece for sizes from {start} to {end} was compiled {times} times: {text[:200]}",
                because="what is compiled is known by instance or by layer, not by code and shapes",
            )
        return holds()

    return in_start(case, subject, body)


def _compiled(facts: CompileFacts) -> list[SeenPiece]:
    return [piece for piece in facts.pieces if piece.origin == "compiled"]


def _identity(piece: SeenPiece) -> tuple[int, int | None, str]:
    return piece.start, piece.end, piece.program


@law(
    "compile_counts/every-range-compiled-on-need",
    source=("SPEC C1", "SPEC C3"),
    inputs="borders",
    needs=NEEDS,
    kind=ProgramCase,
    cost=6.0,
    ignores="ranges that are prepared ahead of any call",
)
def every_range_compiled_on_need(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """A piece is made ready once for each range that a call reaches, and not once for each size."""

    def body(run: Started) -> Verdict:
        for call in run.start.calls:
            run.run(call)
        seen = Counter((piece.index, piece.start, piece.end) for piece in run.program.facts().pieces)
        doubled = {place: times for place, times in seen.items() if times > 1}
        if doubled:
            (index, start, end), times = max(doubled.items(), key=lambda each: each[1])
            return violated(
                expected=f"piece {index} is made ready once for sizes from {start} to {end}",
                actual=f"{times} times in {len(run.start.calls)} calls",
                because="the range is compiled per size, or forgotten after a call",
            )
        return holds()

    return in_start(case, subject, body)


@law(
    "compile_counts/back-end-tells-its-times",
    source=("SPEC T4",),
    inputs="borders",
    needs=NEEDS,
    kind=ProgramCase,
    cost=6.0,
    ignores="the times themselves, which are the machine's",
)
def back_end_tells_its_times(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """The back end logs the transform time of each graph and the time of each range that it made ready, each once."""

    def body(run: Started) -> Verdict:
        with counted() as traced:
            for call in run.start.calls:
                run.run(call)
        facts = run.program.facts()
        lines = told(facts)
        counts = {"transforms": len(lines.transforms), "ranges": len(lines.ranges)}
        wanted = {"transforms": traced.graphs, "ranges": len({(each.start, each.end) for each in facts.pieces})}
        if counts != wanted:
            return violated(
                expected=f"lines: {wanted}",
                actual=f"lines: {counts}",
                because="a range is not told of, or told of by piece",
            )
        return holds()

    return in_start(case, subject, body)


@law(
    "compile_counts/seconds-are-counted-once",
    source=("SPEC T2", "SPEC T4", "SPEC T9"),
    inputs="borders",
    needs=NEEDS,
    kind=ProgramCase,
    cost=6.0,
    ignores="which path was taken; timelines under a virtual clock have laws of their own",
)
def seconds_are_counted_once(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """The component's counter holds the seconds of the monitor's lines, no more than passed; the other one nothing."""
    begun = time.perf_counter()

    def body(run: Started) -> Verdict:
        for call in run.start.calls:
            run.run(call)
        facts = run.program.facts()
        lines = told(facts).totals
        own, other = facts.encoder_seconds, facts.language_model_seconds
        own, other = (own, other) if run.start.setup.component == "encoder" else (other, own)
        passed = time.perf_counter() - begun
        if other or not 0 < own <= passed or abs(own - sum(lines)) > ROUNDED * (len(lines) + 1):
            return violated(
                expected=f"{sum(lines):.2f} s of {passed:.2f} s in the counter of the {run.start.setup.component}, "
                "0 s in the other",
                actual=f"{own:.4f} s and {other:.4f} s after lines of {list(lines)}",
                because="the back end's seconds are added beside the monitor's, or go to the other component",
            )
        return holds()

    return in_start(case, subject, body)
