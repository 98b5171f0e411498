"""Torch's structured trace: what is compiled is told there, at a cost that has a label, and nothing else changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from suite.contract.guard import GuardedSubject
from suite.contract.law import law
from suite.contract.program import ProgramCase, Start
from suite.contract.verdict import Verdict, holds, violated
from suite.oracles.programs import Answer
from suite.oracles.torch_trace import recorded
from suite.properties.restarted import After, first_of, over_one_folder
from suite.properties.seen_in_trace import (
    GRAPH,
    compile_starts,
    disturbed,
    equal_answers,
    misreported,
    newly,
    retold,
    unlabelled,
)
from suite.properties.started import Started, started, workspace

NEEDS = ("compiles", "trace_prefix")


@law(
    "trace/one-artifact-per-range",
    source=("SPEC L2",),
    inputs="traced_starts",
    needs=NEEDS,
    kind=ProgramCase,
    cost=3.0,
    ignores="the unit of the sizes, and how sub-modules are called",
)
def one_artifact_per_range(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """Each piece and range that is made ready is told in one artifact, with the fields that the specification has."""
    prefix = subject.capabilities.trace_prefix

    def judge(seen: Sequence[After]) -> Verdict:
        (only,) = seen
        return first_of(misreported(only, compile_starts(only.trace, prefix)))

    return over_one_folder(case, subject, judge)


@law(
    "trace/one-graph-per-sub-graph",
    source=("SPEC L2",),
    inputs="traced_starts",
    needs=NEEDS,
    kind=ProgramCase,
    cost=3.0,
    ignores="how a graph is written",
)
def one_graph_per_sub_graph(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """Each traced graph leaves one dump per sub-graph, numbered from 0 without gaps, also of those that stay eager."""
    prefix = subject.capabilities.trace_prefix

    def judge(seen: Sequence[After]) -> Verdict:
        (only,) = seen
        dumps = [each for each in only.trace.artifacts(f"{prefix}{GRAPH}") if each.payload.strip()]
        got = Counter(each.name.removeprefix(f"{prefix}{GRAPH}") for each in dumps)
        least = max((piece.index for piece in only.facts.pieces), default=-1) + 1
        count = max(least, len(got)) if only.start.setup.split else 1
        want = Counter({str(number): only.facts.traced for number in range(count)})
        if got == want:
            return holds()
        return violated(
            expected=f"dumps by number: {dict(want)}",
            actual=str(dict(got)),
            because="sub-graphs are numbered by other things than their place, or some are left out",
        )

    return over_one_folder(case, subject, judge)


@law(
    "trace/components-are-told-apart",
    source=("SPEC L2", "BUG-C08"),
    inputs="traced_components",
    needs=NEEDS,
    kind=ProgramCase,
    cost=5.0,
    ignores="graph dumps, which have a compile of their own in torch's numbers",
)
def components_are_told_apart(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """The artifacts of one program as encoder and as language model name their component, and its class."""
    prefix = subject.capabilities.trace_prefix

    def judge(seen: Sequence[After]) -> Verdict:
        return first_of(
            violated(
                expected=f"component {each.owner.component}, class {each.owner.class_name}",
                actual=f"component {table.get('component')}, class {table.get('class_name')}",
                because="the artifact says nothing of whose compile it is, or what another one's was",
            )
            for each in seen
            for table in [artifact.table() for artifact in compile_starts(each.trace, prefix)] or [{}]
            if (table.get("component"), table.get("class_name")) != (each.owner.component, each.owner.class_name)
        )

    return over_one_folder(case, subject, judge)


@law(
    "trace/label-covers-the-writing",
    source=("SPEC L1", "BUG-L01", "BUG-L06"),
    inputs="traced_restarts",
    needs=(*NEEDS, "compile_cache"),
    kind=ProgramCase,
    cost=5.0,
    ignores="how long the writing takes",
)
def label_covers_the_writing(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """Cold or warm, every artifact is written under the subject's label, within the compile or load it tells of."""
    with workspace() as folder:
        return first_of(wrong for start in case.starts for wrong in _unlabelled(case, start, subject, folder))


def _unlabelled(case: ProgramCase, start: Start, subject: GuardedSubject, folder: Path) -> Iterator[Verdict]:
    prefix = subject.capabilities.trace_prefix
    with recorded() as trace, started(case, start, subject, folder) as run:
        ends = [len(trace.lines)]
        made = [0]
        for call in start.calls:
            run.run(call)
            ends.append(len(trace.lines))
            made.append(len(run.program.facts().pieces))
        facts = run.program.facts()
    if not facts.label:
        yield violated(expected="a label", actual="none", because="the cost of writing the trace has no name")
        return
    spans, written = trace.spans(facts.label), trace.artifacts(prefix)
    yield from unlabelled(trace, spans, written, facts, newly(ends, made))


@law(
    "trace/cold-and-warm-tell-the-same",
    source=("SPEC L2", "BUG-L03"),
    inputs="traced_restarts",
    needs=(*NEEDS, "compile_cache"),
    kind=ProgramCase,
    cost=5.0,
    ignores="torch's own lines, and how graphs are written",
)
def cold_and_warm_tell_the_same(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """Cold or warm, ahead of time or not, a start leaves the same artifacts; those of a program loaded whole say so."""
    prefix = subject.capabilities.trace_prefix

    def judge(seen: Sequence[After]) -> Verdict:
        cold, warm = seen
        return first_of(retold(cold, warm, prefix))

    return over_one_folder(case, subject, judge)


@law(
    "trace/observation-only",
    source=("SPEC L3",),
    inputs="traced_restarts",
    needs=(*NEEDS, "compile_cache"),
    kind=ProgramCase,
    cost=10.0,
    ignores="seconds",
)
def observation_only(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """With torch's trace on and off: the same outputs to the bit, pieces, keys, counts, messages, warnings, files."""
    off = replace(case, starts=tuple(replace(each, setup=replace(each.setup, trace=False)) for each in case.starts))
    seen: dict[bool, list[After]] = {}
    answers: dict[bool, list[Answer]] = {True: [], False: []}
    for is_on, each in ((True, case), (False, off)):

        def look(run: Started, kept: list[Answer] = answers[is_on]) -> Verdict | None:
            kept.extend(run.run(call) for call in run.start.calls)
            return None

        def judge(found: Sequence[After], is_on: bool = is_on) -> Verdict:
            seen[is_on] = list(found)
            return holds()

        over_one_folder(each, subject, judge, look=look)
    return first_of(disturbed(seen[True], seen[False], equal_answers(answers[True], answers[False])))
