"""Laws of several loads in one process: side by side, one after the other, and at the same time (SPEC D6)."""

from __future__ import annotations

import contextlib
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from torch import Tensor, nn

from suite.contract.decorating import DecorationFacts
from suite.contract.guard import GuardedSubject
from suite.contract.law import law
from suite.contract.loading import LoadCase
from suite.contract.program import COMPONENTS
from suite.contract.verdict import Verdict, holds, violated
from suite.oracles.dynamo import Traced, counted
from suite.oracles.whole_models import PlainTwin
from suite.properties.compiled_parts import wrong_parts
from suite.properties.loads import LoadedBeside, all_loaded, fresh_torch, loaded_beside

NEEDS = ("loads_models",)
SECONDS = 30.0
"""How long one thread waits for the other."""


@law(
    "several_loads/side-by-side",
    source=("SPEC D6", "BUG-H01", "BUG-T03"),
    inputs="neighbours",
    needs=NEEDS,
    kind=LoadCase,
    cost=60.0,
    ignores="classes, which have laws of their own",
)
def side_by_side(case: LoadCase, subject: GuardedSubject) -> Verdict:
    """Models of one class in one process keep their own weights, wishes and seconds, in any order of their calls."""
    with all_loaded(case, subject) as loads:
        for each in reversed(loads):
            before = [other.loaded.facts() for other in loads]
            if wrong := each.follow() or each.wrong(0, each.load.calls[0]) or _spilled(loads, each, before):
                return wrong
        for each in loads:
            tokens = each.load.calls[-1]
            if wrong := each.follow() or each.wrong(1, tokens) or wrong_parts(each, tokens):
                return wrong
        return holds(margin=max(each.margin for each in loads))


def _spilled(loads: list[LoadedBeside], called: LoadedBeside, before: list[DecorationFacts]) -> Verdict | None:
    """A violation if a call of one model changed the seconds of another."""
    for other, facts in zip(loads, before, strict=True):
        now = other.loaded.facts()
        pairs = {component: (facts.seconds(component), now.seconds(component)) for component in COMPONENTS}
        if other is not called and any(one != two for one, two in pairs.values()):
            return violated(
                expected=f"a call of {called} leaves the seconds of {other} alone",
                actual=", ".join(f"{name} from {one:.4f} s to {two:.4f} s" for name, (one, two) in pairs.items()),
                because="loads share one configuration, or one monitor",
            )
    return None


@law(
    "several_loads/again",
    source=("SPEC D6",),
    inputs="repeats",
    needs=NEEDS,
    kind=LoadCase,
    cost=40.0,
    ignores="warnings: some subjects say a thing once per process",
)
def again(case: LoadCase, subject: GuardedSubject) -> Verdict:
    """The same load once more compiles the same parts, traces no more than the first, and decorates no deeper."""
    with all_loaded(case, subject) as loads:
        traced = []
        for each in loads:
            with counted() as counts:
                wrong = each.first_wrong()
            traced.append(counts)
            if wrong := wrong or wrong_parts(each, each.load.calls[-1]):
                return wrong
        first, second = (_Effort(_depth(each), counts) for each, counts in zip(loads, traced, strict=True))
        if second.depth == first.depth and second.traced.graphs <= first.traced.graphs:
            return holds(margin=max(each.margin for each in loads))
        return violated(
            expected=f"{loads[1]} is decorated and traced as {loads[0]}: {first}",
            actual=str(second),
            because="what is decorated is decorated once more: what was done before is not noticed",
        )


@dataclass(frozen=True)
class _Effort:
    """How deep a decoder is decorated, and what was traced for it."""

    depth: int
    traced: Traced

    def __str__(self) -> str:
        return f"{self.depth} classes and wrappers deep, {self.traced}"


def _depth(each: LoadedBeside) -> int:
    """Classes and wrappers around the forward of the decoder."""
    module: nn.Module = each.loaded.model.get_submodule(each.decoder)
    depth, call = len(type(module).__mro__), module.forward
    while inner := getattr(call, "__wrapped__", None):
        depth, call = depth + 1, inner
    return depth


@law(
    "several_loads/in-threads",
    source=("SPEC D6", "BUG-C07"),
    inputs="loads_at_once",
    needs=NEEDS,
    kind=LoadCase,
    cost=60.0,
    ignores="calls of one model from several threads; how long one thread waits for the other",
)
def in_threads(case: LoadCase, subject: GuardedSubject) -> Verdict:
    """Models that are loaded and first called in threads at the same time compile their parts and answer as eager."""
    for load in case.loads:
        PlainTwin(load.model)  # Two threads would make it twice, and transformers sets torch's default dtype meanwhile.
    with fresh_torch(), contextlib.ExitStack() as stack:
        for each, answers in _at_once(case, subject, stack):
            if wrong := each.follow() or wrong_parts(each, each.load.calls[-1]):
                return wrong
            for number, (tokens, got) in enumerate(zip(each.load.calls, answers, strict=True)):
                if wrong := each.differs(number, tokens, got):
                    return wrong
        return holds()


def _at_once(
    case: LoadCase, subject: GuardedSubject, stack: contextlib.ExitStack
) -> list[tuple[LoadedBeside, list[Tensor]]]:
    """Every load in a thread of its own: all load at the same time, then all call."""
    barrier = threading.Barrier(len(case.loads), timeout=SECONDS)

    def work(number: int) -> tuple[LoadedBeside, list[Tensor]]:
        try:
            barrier.wait()
            each = stack.enter_context(loaded_beside(case.loads[number], subject, number))
            barrier.wait()
            return each, [each.loaded.logits(each.twin.inputs(tokens)) for tokens in each.load.calls]
        except BaseException:
            barrier.abort()
            raise

    # The guard redirects output for each call: two threads may put each other's back.
    with contextlib.redirect_stdout(sys.stdout), contextlib.redirect_stderr(sys.stderr):
        with ThreadPoolExecutor(len(case.loads)) as pool:
            done = [pool.submit(work, number) for number in range(len(case.loads))]
        errors = [error for each in done if (error := each.exception()) is not None]
    for error in sorted(errors, key=lambda each: isinstance(each, threading.BrokenBarrierError)):
        raise error
    return [each.result() for each in done]
