"""What the laws of the trace look for in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from suite.contract.compiling import CompileFacts
from suite.contract.verdict import Verdict, violated
from suite.oracles.programs import Answer
from suite.oracles.torch_trace import Artifact, Span, Trace
from suite.properties.restarted import After, unlike

START = "_piecewise_compile_start"
GRAPH = "_piecewise_graph_"
FIELDS = frozenset(
    {
        "piecewise_index",
        "submod_name",
        "total_piecewise_compiles",
        "compile_range_start",
        "compile_range_end",
        "is_single_size",
        "is_cudagraph_capture_size",
    }
)
"""What an artifact says of a compiled range at least (SPEC L2)."""
WHOSE = frozenset({"component", "class_name"})
"""What tells the artifacts of an encoder from those of a language model."""
WAY = "is_loaded_whole"
"""What tells a piece that came from disk with its whole program from one that was made after a trace."""
SAID = FIELDS | WHOSE | {WAY}


def compile_starts(trace: Trace, prefix: str) -> list[Artifact]:
    """The artifacts of compiled ranges, in order."""
    return [each for each in trace.artifacts(prefix) if each.name == f"{prefix}{START}"]


def misreported(after: After, artifacts: Sequence[Artifact]) -> Iterator[Verdict]:
    """Violations of artifacts that do not tell of the pieces that were seen, or tell it otherwise."""
    pieces = after.facts.pieces
    tables = [each.table() for each in artifacts]
    if strange := [table for table in tables if set(table) != SAID]:
        yield unlike(
            expected=f"the fields {sorted(SAID)}",
            actual=f"{sorted(strange[0])}",
            because="a field of the specification was forgotten or renamed",
        )
        return
    numbers = {index: number for number, index in enumerate(sorted({piece.index for piece in pieces}))}
    want = Counter(
        (numbers[piece.index], len(numbers), piece.start, piece.end, piece.start == piece.end) for piece in pieces
    )
    got = Counter(
        tuple(
            table[name]
            for name in (
                "piecewise_index",
                "total_piecewise_compiles",
                "compile_range_start",
                "compile_range_end",
                "is_single_size",
            )
        )
        for table in tables
    )
    if got != want:
        yield unlike(
            expected=f"artifacts (number, of so many, from, to, one size only): {dict(want)}",
            actual=str(dict(got)),
            because="a range is told twice or not at all, or the artifact tells of another piece",
        )


def retold(cold: After, warm: After, prefix: str) -> Iterator[Verdict]:
    """Violations of a warm start that leaves other artifacts than the cold one, or does not say how it came to them."""
    before, now = (Counter(each.name for each in start.trace.artifacts(prefix)) for start in (cold, warm))
    if not before or now != before:
        yield unlike(
            expected=f"artifacts of the cold start, at least one: {dict(before)}",
            actual=f"of the warm start: {dict(now)}",
            because="artifacts are written on the way on which something is compiled, and on no other",
        )
    made, again = (Counter(map(_apart_from_way, compile_starts(start.trace, prefix))) for start in (cold, warm))
    if made != again:
        yield unlike(
            expected=f"the warm start tells of the pieces that the cold one told of: {dict(made)}",
            actual=str(dict(again)),
            because="a program that is loaded is told by other things than its pieces",
        )
    for start in (cold, warm):
        told = {each.table().get(WAY) for each in compile_starts(start.trace, prefix)}
        ways = {True: start.facts.loaded_whole, False: start.facts.traced}
        want = {is_loaded for is_loaded, times in ways.items() if times}
        if told != want:
            yield unlike(
                expected=f"{WAY} in the artifacts of {start}: {want}",
                actual=str(told),
                because="a reader of the trace cannot tell a load from a compile",
            )


def _apart_from_way(artifact: Artifact) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, str(value)) for name, value in artifact.table().items() if name != WAY))


def newly(ends: Sequence[int], made: Sequence[int]) -> list[tuple[range, int]]:
    """For each call, its lines in the trace, and how many pieces were made ready in it."""
    calls = zip(ends, ends[1:], made, made[1:], strict=False)
    return [(range(first, last), after - before) for first, last, before, after in calls]


def unlabelled(
    trace: Trace,
    spans: Sequence[Span],
    written: Sequence[Artifact],
    facts: CompileFacts,
    calls: Sequence[tuple[range, int]],
) -> Iterator[Verdict]:
    """Violations of artifacts that lie outside of the label, of the call, or of the compile that they are about."""
    held = [[each for each in written if span.holds(each.place)] for span in spans]
    if any(len(each) != 1 for each in held) or len(held) != len(written):
        yield violated(
            expected=f"{len(written)} stretches under {facts.label!r}, each around one artifact",
            actual=f"{len(spans)} stretches, around {[len(each) for each in held]} artifacts",
            because="the artifact is written outside of its label, or the label is not there",
        )
    told = [sum(each.name.endswith(START) and each.place in lines for each in written) for lines, _ in calls]
    # The pieces of a program that is loaded whole are not seen: they must be told within some call.
    want = told if facts.loaded_whole else [count for _, count in calls]
    if told != want or sum(told) != sum(each.name.endswith(START) for each in written):
        yield violated(
            expected=f"artifacts in each call as pieces were made ready in it, and outside of calls none: {want}",
            actual=str(told),
            because="artifacts are written before or after the compile that they are about",
        )
    # Ahead of time Dynamo writes no beginning; then a number must do.
    numbers, begun = {each.compile_id for each in written}, trace.compile_ids("dynamo_start")
    if strangers := numbers - begun if begun else numbers & {None}:
        yield violated(
            expected="artifacts in a compile that Dynamo began, or that has a number of its own",
            actual=f"artifacts in {strangers}",
            because="the compile that torch counts was over when the artifact was written",
        )
    cost, counted = sum(span.duration for span in spans) / 1e6, facts.encoder_seconds + facts.language_model_seconds
    if cost > counted:
        yield violated(
            expected=f"at most the {counted:.4f} s that were counted as compile time",
            actual=f"{cost:.4f} s under {facts.label!r}",
            because="the time of writing is not part of the compile's",
        )


def equal_answers(some: Sequence[Answer], others: Sequence[Answer]) -> bool:
    """Whether all outputs are equal to the bit."""
    return len(some) == len(others) and all(
        len(one.outputs) == len(other.outputs)
        and all(got.equal(want) for got, want in zip(one.outputs, other.outputs, strict=True))
        for one, other in zip(some, others, strict=True)
    )


def disturbed(traced: Sequence[After], plain: Sequence[After], are_equal: bool) -> Iterator[Verdict]:
    """Violations by starts that did something else when they were traced."""
    if not are_equal:
        yield violated(expected="the outputs of a run without trace", actual="others", because="tracing is not idle")
    for on, off in zip(traced, plain, strict=True):
        facts = [_facts(each) for each in (on, off)]
        wrong = [name for name in facts[0] if facts[0][name] != facts[1][name]]
        if wrong:
            yield unlike(
                expected=f"{wrong[0]} of {on} as without trace: {facts[1][wrong[0]]}",
                actual=str(facts[0][wrong[0]]),
                because="what writes the trace also counts, keeps, logs or decides",
            )


def _facts(after: After) -> dict[str, object]:
    facts = after.facts
    return {
        "pieces": facts.pieces,
        "program_key": facts.program_key,
        "traced": facts.traced,
        "loaded_whole": facts.loaded_whole,
        "messages": [_without_numbers(line) for line in facts.messages],
        "warnings": facts.warnings,
        "files": after.files,
    }


def _without_numbers(line: str) -> str:
    return "".join(each for each in line if not each.isdigit())
