"""Compiled programs: the compiled form gives what plain eager gives, and does to memory what eager does."""

from __future__ import annotations

from dataclasses import replace

from suite.contract.guard import GuardedSubject
from suite.contract.law import law
from suite.contract.program import ProgramCase
from suite.contract.verdict import Verdict, holds, violated
from suite.properties.started import Both, Started, in_start, started, workspace
from suite.properties.surroundings import SURROUNDINGS
from suite.properties.told import compiled_graphs

NEEDS = ("compiles",)


def _all_equal_eager(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    def body(run: Started) -> Verdict:
        return run.first_wrong() or holds(noise=run.noise(), margin=run.margin)

    return in_start(case, subject, body)


@law(
    "compiled/values-equal-eager",
    source=("SPEC C1", "SPEC C3", "BUG-C04"),
    inputs="programs",
    needs=NEEDS,
    kind=ProgramCase,
    cost=3.0,
    ignores="strides and shared memory, which have laws of their own, and gradients",
)
def values_equal_eager(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """Every call of a compiled program gives eager's outputs: their number, dtypes, shapes and values."""
    return _all_equal_eager(case, subject)


@law(
    "compiled/towers-compile-once",
    source=("SPEC C1", "SPEC C3", "BUG-C04", "BUG-C11"),
    inputs="towers",
    needs=NEEDS,
    everywhere=True,
    kind=ProgramCase,
    cost=12.0,
    ignores="what is inside the tower, sizes that no image has, and compiles of a range",
)
def towers_compile_once(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """An encoder or decoder, traced for its first batch, serves all others with eager's values and no new trace."""

    def body(run: Started) -> Verdict:
        first, *others = run.start.calls
        if wrong := run.wrong(run.both(0, first)):
            return wrong
        for number, call in enumerate(others, start=1):
            both, traced = run.watched(number, call)
            if wrong := run.wrong(both) or run.traced_again(both, traced):
                return wrong
        if idle := run.not_compiled():
            return idle
        graphs = compiled_graphs(run.start, run.program.facts())
        return holds(noise=run.noise(), margin=run.margin, graphs=graphs)

    return in_start(case, subject, body)


@law(
    "compiled/generated-code",
    source=("SPEC C1", "BUG-C04", "BUG-C17"),
    inputs="generated_code",
    needs=NEEDS,
    everywhere=True,
    kind=ProgramCase,
    cost=60.0,
    ignores="pieces for which the subject says in a warning that they stay eager",
)
def generated_code(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """A program, or a family's encoder, through a compiler that generates code gives eager's values for any batch."""

    def body(run: Started) -> Verdict:
        return run.first_wrong() or run.not_compiled() or holds(noise=run.noise(), margin=run.margin)

    return in_start(case, subject, body)


@law(
    "compiled/borders-of-ranges",
    source=("SPEC C1", "BUG-C17"),
    inputs="borders",
    needs=NEEDS,
    kind=ProgramCase,
    cost=4.0,
    ignores="sizes far from the borders",
)
def borders_of_ranges(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """The first, second, last but one and last size of every range, and the size after it, give eager's values."""
    return _all_equal_eager(case, subject)


@law(
    "compiled/range-that-runs-holds-the-size",
    source=("SPEC C1", "BUG-C17"),
    inputs="borders",
    needs=NEEDS,
    kind=ProgramCase,
    cost=4.0,
    ignores="pieces that hold no symbolic size, and modes without pieces",
)
def range_that_runs_holds_the_size(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """A piece runs for sizes of its own range alone, the ranges being those that were asked for."""

    def body(run: Started) -> Verdict:
        for _ in run.calls():
            pass
        ends = run.start.setup.ranges
        asked = set(zip((0, *(end + 1 for end in ends)), (*ends, None), strict=True))
        for piece in run.program.facts().pieces:
            span = f"[{piece.start}, {'open' if piece.end is None else piece.end}]"
            outside = [size for size in piece.served if not piece.serves(size)]
            if outside or (piece.start, piece.end) not in asked | {(0, None)}:
                return violated(
                    expected=f"piece {piece.index} of range {span} runs for sizes of one of the ranges {sorted(ends)}",
                    actual=f"it ran for {sorted(set(piece.served))}",
                    because="the size is looked up in the wrong list, or a border belongs to both of its sides",
                )
        return holds()

    return in_start(case, subject, body)


@law(
    "compiled/equal-blocks",
    source=("SPEC C1", "BUG-C06"),
    inputs="layers",
    needs=NEEDS,
    kind=ProgramCase,
    cost=5.0,
    ignores="how often a block was compiled",
)
def equal_blocks(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """Blocks that look alike each give their own values, though equal ones are compiled once."""
    return _all_equal_eager(case, subject)


@law(
    "compiled/instances-keep-their-weights",
    source=("SPEC C1", "BUG-C10"),
    inputs="instances",
    needs=NEEDS,
    kind=ProgramCase,
    cost=4.0,
    ignores="how often they were compiled",
)
def instances_keep_their_weights(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """Instances of one class with other weights each give their own values, in whatever order they are called."""
    return _all_equal_eager(case, subject)


@law(
    "compiled/surroundings-do-not-matter",
    source=("SPEC C1", "BUG-C07"),
    inputs="programs",
    needs=NEEDS,
    kind=ProgramCase,
    cost=12.0,
    ignores="whether another grad mode is traced once more",
)
def surroundings_do_not_matter(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """Under no_grad, inference_mode or neither, in another thread, in a foreign context: eager's values."""

    def body(run: Started) -> Verdict:
        calls = run.start.calls
        for number, (name, inside) in enumerate(SURROUNDINGS.items()):
            both = run.both(number % len(calls), calls[number % len(calls)], inside=inside)
            if wrong := run.wrong(both, where=f" {name}"):
                return wrong
        return holds(margin=run.margin)

    return in_start(case, subject, body)


@law(
    "compiled/order-of-calls-does-not-matter",
    source=("SPEC C3", "BUG-C12"),
    inputs="programs",
    needs=NEEDS,
    kind=ProgramCase,
    cost=8.0,
    ignores="how often either order was traced",
)
def order_of_calls_does_not_matter(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """Two starts that make the same calls in opposite orders give each call the same answer."""
    start = case.starts[0]
    turned = replace(start, calls=start.calls[::-1])
    with workspace() as folder, started(case, start, subject, folder) as run:
        forth = [run.run(call) for call in start.calls]
    with workspace() as folder, started(case, turned, subject, folder) as run:
        back = [run.run(call) for call in turned.calls]
        for number, (call, got, want) in enumerate(zip(start.calls, back[::-1], forth, strict=True)):
            if wrong := run.wrong(Both(number, call, got, want), where=", the calls turned round,"):
                return wrong
        return holds(margin=run.margin)


@law(
    "compiled/off-is-off",
    source=("SPEC C1", "SPEC T2"),
    inputs="modes",
    needs=NEEDS,
    kind=ProgramCase,
    cost=3.0,
    ignores="what torch itself does in mode stock",
)
def off_is_off(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """Modes none and stock give eager's values, and leave no piece, no line in the log and no second."""

    def body(run: Started) -> Verdict:
        if wrong := run.first_wrong():
            return wrong
        facts = run.program.facts()
        left = {
            "pieces": len(facts.pieces),
            "lines": facts.messages,
            "seconds": facts.language_model_seconds + facts.encoder_seconds,
        }
        if any(left.values()):
            return violated(
                expected=f"mode {run.start.setup.mode} leaves nothing",
                actual=", ".join(f"{name}: {value}" for name, value in left.items() if value),
                because="the mode is asked for in some of the places that compile, count or log, not in all",
            )
        return holds(margin=run.margin)

    return in_start(case, subject, body)
