"""The artifact cache: load and run equals compile and run, and whatever happens to the folder stops nobody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import zip_longest

from suite.contract.guard import GuardedSubject
from suite.contract.law import law
from suite.contract.program import ProgramCase
from suite.contract.verdict import Verdict, holds, unknown
from suite.oracles.compile_requests import Request
from suite.oracles.programs import layouts, surroundings
from suite.properties.crowd import Crowd
from suite.properties.killed_writer import KilledWriter
from suite.properties.restarted import After, all_equal_eager, first_of, over_one_folder, unlike
from suite.properties.started import Both, Started, started, workspace

NEEDS = ("compiles", "compile_cache")


def _like_eager(run: Started) -> Verdict | None:
    """Values, layouts, shared memory and writes of every call."""
    return next((verdict for both in run.calls() if (verdict := _unlike_eager(run, both))), None)


def _unlike_eager(run: Started, both: Both) -> Verdict | None:
    if wrong := run.wrong(both):
        return wrong
    effects = {
        "layouts": (layouts(both.got.outputs), layouts(both.want.outputs)),
        "shared memory": (both.got.sharing(), both.want.sharing()),
        "sums of inputs": (_sums(both.got.inputs), _sums(both.want.inputs)),
    }
    for what, (got, want) in effects.items():
        if got != want:
            return run.unequal(both, what=what, got=got, want=want, because="it is lost on the way to disk or back")
    return None


def _sums(inputs: object) -> tuple[str, ...]:
    given = inputs.items() if isinstance(inputs, dict) else ()
    return tuple(f"{name} {float(value.double().sum()):.4f}" for name, value in given)


@law(
    "compile_cache/warm-start-equals-eager",
    source=("SPEC C2",),
    inputs="restarts",
    needs=NEEDS,
    kind=ProgramCase,
    cost=5.0,
    ignores="what was compiled",
)
def warm_start_equals_eager(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """Load and run equals compile and run: values, strides, shared memory and writes of both starts are eager's."""
    return over_one_folder(case, subject, look=_like_eager)


@law(
    "compile_cache/warm-start-compiles-nothing",
    source=("SPEC C2", "BUG-C14"),
    inputs="restarts",
    needs=NEEDS,
    kind=ProgramCase,
    cost=5.0,
    ignores="values; a start that says in a warning why something was not kept",
)
def warm_start_compiles_nothing(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """The same start once more loads every piece and warns of nothing; ahead of time it traces nothing either."""

    def judge(seen: Sequence[After]) -> Verdict:
        cold, warm = seen
        compiled = warm.compiled()
        traced_again = warm.start.setup.aot and not warm.facts.loaded_whole and not _says_why(cold)
        if not compiled and not traced_again and not warm.added_warnings(cold):
            return holds()
        return unlike(
            expected="the second start loads what the first one kept, and says nothing",
            actual=f"compiled: {_shown(compiled)}; programs loaded whole: {warm.facts.loaded_whole}, traced: "
            f"{warm.facts.traced}; warnings: {warm.added_warnings(cold)}",
            because="the key has something in it that differs from start to start, or nothing is kept",
        )

    return over_one_folder(case, subject, judge)


def _says_why(cold: After) -> bool:
    """Whether a start told that its whole program is not kept."""
    return bool(cold.facts.warnings)


def _shown(requests: Sequence[Request]) -> str:
    return f"{len(requests)}, first {requests[0]}" if requests else "nothing"


@law(
    "compile_cache/nothing-is-compiled-twice",
    source=("SPEC C2", "BUG-C10"),
    inputs="flips",
    needs=NEEDS,
    kind=ProgramCase,
    cost=7.0,
    ignores="values, and whole programs",
)
def nothing_is_compiled_twice(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """Over all starts that share a folder, each distinct piece is compiled once, by the first that needs it."""

    def judge(seen: Sequence[After]) -> Verdict:
        counts = Counter(asked for each in seen for asked in each.compiled())
        return first_of(
            unlike(
                expected=f"compiled once: {asked}",
                actual=f"{times} times in {len(seen)} starts",
                because="the key has something in it that changes no code, or what is kept is not found again",
            )
            for asked, times in counts.items()
            if times > 1
        )

    return over_one_folder(case, subject, judge)


@law(
    "compile_cache/borders-after-a-warm-start",
    source=("SPEC C1", "SPEC C2", "BUG-C17"),
    inputs="warm_borders",
    needs=NEEDS,
    kind=ProgramCase,
    cost=5.0,
    ignores="sizes far from the borders",
)
def borders_after_a_warm_start(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """A start that loads what another one kept gives eager's values at both sides of every border of its ranges."""
    return over_one_folder(case, subject, look=all_equal_eager)


@law(
    "compile_cache/damage-is-told-and-mended",
    source=("SPEC C2",),
    inputs="damaged_caches",
    needs=NEEDS,
    kind=ProgramCase,
    cost=6.0,
    ignores="damage that leaves every byte in its place",
)
def damage_is_told_and_mended(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """Each entry that is bad is named in one warning and made again, with eager's values; the next start loads it."""

    def judge(seen: Sequence[After]) -> Verdict:
        before, hurt, mended = seen
        if not hurt.damaged and hurt.start.damage != "removed":
            return holds() if not before.files else unknown("no file of the cache says of which torch it is")
        return first_of(_damage_untold(before, hurt, mended))

    return over_one_folder(case, subject, judge, look=all_equal_eager)


def _damage_untold(before: After, hurt: After, mended: After) -> Iterator[Verdict]:
    told = hurt.added_warnings(before)
    naming = {name: sum(name in line for line in told) for name in hurt.damaged}
    strangers = [line for line in told if not any(name in line for name in hurt.damaged)]
    if strangers or any(times != 1 for times in naming.values()):
        yield unlike(
            expected=f"one warning for each of {len(naming)} entries with damage {hurt.start.damage!r}",
            actual=f"warnings by entry: {naming}; others: {strangers}",
            because="an entry is used unseen, found bad twice, or its warning does not say which one it is",
        )
    again = mended.added_warnings(before)
    if mended.compiled() or again or mended.files != before.files:
        yield unlike(
            expected="the start after the damage loads every entry, and says nothing",
            actual=f"compiled: {_shown(mended.compiled())}; warnings: {again}; "
            f"files that differ: {sorted(mended.files ^ before.files)}",
            because="a bad entry stays in the place of the new one",
        )


@law(
    "compile_cache/full-disk-stops-nobody",
    source=("SPEC C2",),
    inputs="unwritable_caches",
    needs=NEEDS,
    kind=ProgramCase,
    cost=6.0,
    ignores="a disk that is full for reading too",
)
def full_disk_stops_nobody(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """Where nothing can be written, one warning is given, values are eager's, and nothing half-written stays."""

    def judge(seen: Sequence[After]) -> Verdict:
        *_, full, free = seen
        wrote = bool(full.compiled()) or bool(full.start.setup.aot and not full.facts.loaded_whole)
        said = full.added_warnings(free)
        later = [line for line in free.facts.warnings if any(entry in line for entry in free.entries)]
        earlier = seen[0].files if len(seen) > 2 else frozenset()
        if len(said) == int(wrote) and full.files == earlier and not later and free.files >= full.files:
            return holds()
        return unlike(
            expected=f"{int(wrote)} warning while nothing can be written, none later, and no file left behind",
            actual=f"then: {said}; left behind: {sorted(full.files ^ earlier)}; later: {later}",
            because="an entry is written in its place, piece by piece, or every failed write is told again",
        )

    return over_one_folder(case, subject, judge, look=all_equal_eager)


@law(
    "compile_cache/starts-at-once",
    source=("SPEC C2",),
    inputs="flips",
    needs=NEEDS,
    kind=ProgramCase,
    cost=8.0,
    ignores="what is compiled by both, and what two processes do within one call",
)
def starts_at_once(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """Two starts that share a folder and call in turns give eager's values; the next finds all they kept."""
    together, alone = case.starts[:2], case.starts[0]
    with workspace() as folder:
        with ExitStack() as stack:
            runs = [stack.enter_context(started(case, start, subject, folder)) for start in together]
            if wrong := _in_turns(runs):
                return wrong
            told = {line for run in runs for line in run.program.facts().warnings}
        with started(case, alone, subject, folder) as run:
            if wrong := run.first_wrong():
                return wrong
            facts = run.program.facts()
    compiled = [piece.key for piece in facts.pieces if piece.origin == "compiled"]
    if not compiled and told.issuperset(facts.warnings):
        return holds(margin=run.margin)
    return unlike(
        expected="the third start loads every piece, and says nothing",
        actual=f"compiled: {compiled}; warnings: {facts.warnings}",
        because="one writer took away what the other wrote, or left half of it",
    )


@law(
    "compile_cache/processes-at-once",
    source=("SPEC C2",),
    inputs="restarts",
    needs=NEEDS,
    kind=ProgramCase,
    cost=21.0,
    ignores="steps that are no calls of Python's on files, and what both processes compile",
)
def processes_at_once(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """Of two processes over one folder, one held in its writing, both give eager's values; a third loads all."""
    return first_of(Crowd(case, subject).violations())


@law(
    "compile_cache/killed-writer-harms-nobody",
    source=("SPEC C2",),
    inputs="restarts",
    needs=NEEDS,
    kind=ProgramCase,
    cost=21.0,
    ignores="temporary files that no start takes for an entry",
)
def killed_writer_harms_nobody(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """After a start that is killed while it writes, the next gives eager's values and keeps all; one more loads all."""
    return first_of(KilledWriter(case, subject).violations())


def _in_turns(runs: Sequence[Started]) -> Verdict | None:
    """First calls of all, then second ones: each in the environment of its own process."""
    for number, calls in enumerate(zip_longest(*(run.start.calls for run in runs))):
        for run, call in zip(runs, calls, strict=True):
            with surroundings(run.start):
                wrong = run.wrong(run.both(number, call)) if call else None
            if wrong:
                return wrong
    return None
