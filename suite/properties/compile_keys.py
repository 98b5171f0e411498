"""Keys: what differs in the code differs in the key, and nothing else does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

from suite.contract.guard import GuardedSubject
from suite.contract.law import law
from suite.contract.program import ProgramCase
from suite.contract.verdict import Verdict, holds
from suite.oracles.compile_requests import Request
from suite.properties.restarted import (
    After,
    all_equal_eager,
    first_of,
    over_one_folder,
    over_own_folders,
    unlike,
)

NEEDS = ("compiles", "compile_cache")
WHOLE = (*NEEDS, "ahead_of_time")


@law(
    "compile_keys/flip-gives-the-new-answer",
    source=("SPEC C2", "BUG-C01", "BUG-C02", "BUG-C06", "BUG-C14"),
    inputs="flips",
    needs=NEEDS,
    kind=ProgramCase,
    cost=7.0,
    ignores="what was compiled",
)
def flip_gives_the_new_answer(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """A start that differs from the one before in one thing gives eager's values of its own program, and back again."""
    return over_one_folder(case, subject, look=all_equal_eager)


@law(
    "compile_keys/one-key-per-request",
    source=("SPEC C2", "BUG-C02", "BUG-C06"),
    inputs="requests",
    needs=NEEDS,
    kind=ProgramCase,
    cost=5.0,
    ignores="pieces that the subject keeps under no key, and whole programs",
)
def one_key_per_request(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """Two compiles have the same key if, and only if, they were asked for the same thing by the same class."""

    def judge(seen: Sequence[After]) -> Verdict:
        return first_of(_confused([pair for each in seen for pair in _keyed(each)]))

    return over_one_folder(case, subject, judge)


def _keyed(after: After) -> list[tuple[str, Request]]:
    return [(piece.key, asked) for piece, asked in after.requests() if piece.key]


def _confused(keyed: Sequence[tuple[str, Request]]) -> Iterator[Verdict]:
    for (key, asked), (other_key, other) in combinations(dict.fromkeys(keyed), 2):
        if key == other_key and asked != other:
            yield unlike(
                expected=f"another key than for [{asked}]",
                actual=f"{key} is also the key of [{other}]",
                because="the key does not know everything that changes the code",
            )
        if key != other_key and asked == other:
            yield unlike(
                expected=f"one key for [{asked}]",
                actual=f"{key} and {other_key}",
                because="the key knows something that changes no code: names, numbers of symbols, the first size",
            )


@law(
    "compile_keys/whole-programs-are-told-apart",
    source=("SPEC C2", "BUG-C01", "BUG-C02", "BUG-C14"),
    inputs="telling_flips",
    needs=WHOLE,
    kind=ProgramCase,
    cost=6.0,
    ignores="programs that are traced in one way, and kept under two keys",
)
def whole_programs_are_told_apart(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """The key of a whole program, fixed before it is traced, differs wherever what is traced then differs."""

    def judge(seen: Sequence[After]) -> Verdict:
        one, other = seen
        asked = [{request for _, request in each.requests()} for each in seen]
        if asked[0] == asked[1] or one.facts.program_key != other.facts.program_key:
            return holds()
        difference = next(iter(asked[0] ^ asked[1]))
        return unlike(
            expected=f"another key than that of [{one.start.program}; {one.start.setup}], whose trace differs in "
            f"[{difference}]",
            actual=f"{other.facts.program_key} for [{other.start.program}; {other.start.setup}] too",
            because="a wish, an argument's kind, a number or an environment variable is missing in the key",
        )

    return over_own_folders(case, subject, judge)


@law(
    "compile_keys/harmless-changes-keep-the-key",
    source=("SPEC C2", "BUG-C02"),
    inputs="harmless_flips",
    needs=WHOLE,
    kind=ProgramCase,
    cost=6.0,
    ignores="values",
)
def harmless_changes_keep_the_key(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """Other values and sizes, more instances, tracing, another cache folder: a whole program keeps its key."""

    def judge(seen: Sequence[After]) -> Verdict:
        one, other = seen
        if one.facts.program_key is not None and one.facts.program_key == other.facts.program_key:
            return holds()
        return unlike(
            expected=f"the key of [{one.start}], {one.facts.program_key}",
            actual=f"{other.facts.program_key} for [{other.start}]",
            because="the key knows what no program knows, or there is none",
        )

    return over_own_folders(case, subject, judge)


@law(
    "compile_keys/order-of-programs",
    source=("SPEC C2", "BUG-C08"),
    inputs="pairs_of_programs",
    needs=NEEDS,
    kind=ProgramCase,
    cost=10.0,
    ignores="whole programs",
)
def order_of_programs(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """Two programs have the same entries and answers in either order, and share none that was not asked for by both."""
    back = replace(case, starts=case.starts[::-1])
    seen: list[After] = []

    def keep(found: Sequence[After]) -> Verdict:
        seen.extend(found)
        return holds()

    for order in (case, back):
        verdict = over_one_folder(order, subject, keep, look=all_equal_eager)
        if verdict.violation is not None:
            return verdict
    return first_of(_entangled(*seen))


def _entangled(first: After, second: After, again_second: After, again_first: After) -> Iterator[Verdict]:
    for forth, back in ((first, again_first), (second, again_second)):
        if _keys(forth) != _keys(back):
            yield unlike(
                expected=f"the keys of [{forth.start.program}] whichever program is started first: {_keys(forth)}",
                actual=str(_keys(back)),
                because="a name or a key is taken from what the process, or the folder, saw before",
            )
    one, other = first.files, again_second.files
    asked = [{request for _, request in each.requests()} for each in (first, again_second)]
    if second.files == again_first.files == one | other and (asked[0] & asked[1] or not one & other):
        return
    yield unlike(
        expected=f"entries of [{first.start.program}] {sorted(one)} and, apart from them, of [{second.start.program}]",
        actual=f"{sorted(other)}; one after the other leave {sorted(second.files)}, and in the other order "
        f"{sorted(again_first.files)}",
        because="two programs write to one place, or one takes what the other left",
    )


def _keys(after: After) -> list[str]:
    return sorted({piece.key for piece in after.facts.pieces})


@law(
    "compile_keys/environment-is-in-the-key",
    source=("SPEC C2", "BUG-C14"),
    inputs="environments",
    needs=WHOLE,
    kind=ProgramCase,
    cost=7.0,
    ignores="variables that are read when the process begins",
)
def environment_is_in_the_key(case: ProgramCase, subject: GuardedSubject) -> Verdict:
    """An environment variable that is read while tracing is in the key of the whole program, or nothing is kept."""

    def judge(seen: Sequence[After]) -> Verdict:
        keys = [each.facts.program_key for each in seen]
        loaded = [each for each in seen[1:] if each.facts.loaded_whole]
        if not loaded or len(set(keys)) == len(keys):
            return holds()
        return unlike(
            expected=f"a key for each of the environments {[each.start.program.environment for each in seen]}",
            actual=f"keys {keys}; loaded whole in start {loaded[0].number}",
            because="the variable is read while the forward is traced, and the key does not know it",
        )

    return over_one_folder(case, subject, judge, look=all_equal_eager)
