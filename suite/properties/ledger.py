"""The ledger: every second of compiling is counted once, in the right counter, and told as it is counted."""

from __future__ import annotations

from suite.contract.guard import GuardedSubject
from suite.contract.law import law
from suite.contract.program import COMPONENTS
from suite.contract.timeline import Compile, Timeline
from suite.contract.verdict import Verdict, holds, violated
from suite.oracles.ledger import settle
from suite.oracles.readings import HALF_A_MICROSECOND, ROUNDING, TEXTS, text_of, texts, told
from suite.oracles.timelines import (
    all_full,
    not_full,
    of_worker,
    with_slower_first_runs,
    without_failed_loads,
    without_failures,
)
from suite.properties.books import kept

_SLOWER = 7_000_000


def _against_account(case: Timeline, subject: GuardedSubject, because: str) -> Verdict:
    account = settle(case)
    expected = tuple(account.counter(worker, name) for worker in range(len(case.modes)) for name in COMPONENTS)
    return kept(case, subject).count_otherwise(expected, because) or holds()


@law(
    "ledger/every-second-once",
    source=("SPEC T2", "SPEC T9", "BUG-T04", "BUG-T07"),
    inputs="timelines",
    needs=("ledger",),
    kind=Timeline,
    ignores="what is logged",
)
def every_second_once(case: Timeline, subject: GuardedSubject) -> Verdict:
    """A counter is the wall time of its monitors that exit normally, less that of monitors nested in them."""
    return _against_account(case, subject, "seconds are counted twice, not at all, or in another counter")


@law(
    "ledger/threads-are-apart",
    source=("SPEC T9",),
    inputs="crowds",
    needs=("ledger",),
    kind=Timeline,
    ignores="what is logged",
)
def threads_are_apart(case: Timeline, subject: GuardedSubject) -> Verdict:
    """A compile in one thread takes no second off what is measured in another, and none gets lost between them."""
    return _against_account(case, subject, "monitors of other threads are taken for nested ones, or additions are lost")


@law(
    "ledger/nested-seconds-once",
    source=("SPEC T9", "BUG-T04"),
    inputs="nests",
    needs=("ledger",),
    kind=Timeline,
    ignores="which counter the seconds are in",
)
def nested_seconds_once(case: Timeline, subject: GuardedSubject) -> Verdict:
    """If nothing fails, encoder and language model together are the wall time of the outermost compiles."""
    books = kept(case, subject)
    together = sum(books.counted)
    wall = sum(each.microseconds() for each in case.compiles())
    if abs(together - wall) < HALF_A_MICROSECOND:
        return holds()
    return books.violated(
        expected=f"{wall} us in both counters together",
        actual=f"{together:.1f} us",
        because="a nested compile's seconds are counted in the enclosing one too, or taken off it twice",
    )


def _inside(each: Compile) -> int:
    """Microseconds inside the monitor of a compile that nests none and succeeds."""
    return sum(step for step in each.steps if isinstance(step, int)) + (each.first_run if each.path == "jit" else 0)


@law(
    "ledger/flag-is-kept",
    source=("SPEC T3", "BUG-T03", "BUG-T07"),
    inputs="flat_compiles",
    needs=("ledger",),
    kind=Timeline,
    ignores="compiles in each other",
)
def flag_iskept(case: Timeline, subject: GuardedSubject) -> Verdict:
    """On each of the three paths a compile's seconds go to its own component's counter, and to no other."""
    mine = {name: [_inside(each) for each in case.compiles() if each.component == name] for name in COMPONENTS}
    expected = tuple(sum(mine[name]) for name in COMPONENTS)
    return kept(case, subject).count_otherwise(expected, "a path loses whether it compiles an encoder") or holds()


@law(
    "ledger/failure-counts-nothing",
    source=("SPEC T2", "SPEC T9"),
    inputs="failing_compiles",
    needs=("ledger",),
    kind=Timeline,
    ignores="failed loads, and what is logged",
)
def failure_counts_nothing(case: Timeline, subject: GuardedSubject) -> Verdict:
    """The seconds of a compile that fails are in no counter, nor in that of the compile around it."""
    expected = kept(without_failures(case), subject).counted
    because = "without the failing compiles the counters are others: failed seconds are counted, or taken off wrongly"
    return kept(case, subject).count_otherwise(expected, because) or holds()


@law(
    "ledger/failed-load-counts-nothing",
    source=("SPEC T3",),
    inputs="failed_loads",
    needs=("ledger",),
    kind=Timeline,
    ignores="whether the failed load is told of",
)
def failed_load_counts_nothing(case: Timeline, subject: GuardedSubject) -> Verdict:
    """A load that fails before another path is taken adds to no counter and to no line about compile time."""
    without = kept(without_failed_loads(case), subject)
    books = kept(case, subject)
    because = "without the failed loads the counters are others: their time is counted, or taken off wrongly"
    return (
        books.count_otherwise(without.counted, because)
        or books.tell_otherwise(without.lines, "a failed load is told as a compile")
        or holds()
    )


@law(
    "ledger/first-run-is-not-compiling",
    source=("SPEC T3", "BUG-T05"),
    inputs="flat_compiles",
    needs=("ledger",),
    kind=Timeline,
    ignores="just-in-time compiles, which include their first run and say so",
)
def first_run_is_not_compiling(case: Timeline, subject: GuardedSubject) -> Verdict:
    """After a load or a compile ahead of time, a longer first run makes no counter larger and no line another."""
    quick, slow = kept(case, subject), kept(with_slower_first_runs(case, _SLOWER), subject)
    because = f"each first run outside `jit` took {_SLOWER} us longer, and its time is counted"
    return slow.count_otherwise(quick.counted, because) or slow.tell_otherwise(quick.lines, because) or holds()


@law(
    "ledger/workers-are-apart",
    source=("SPEC T1",),
    inputs="fleets",
    needs=("ledger",),
    kind=Timeline,
    ignores="compiles of one worker inside another's",
)
def workers_are_apart(case: Timeline, subject: GuardedSubject) -> Verdict:
    """Each worker's counters are what they are when no other worker compiles anything."""
    together = kept(case, subject)
    alone: list[float] = []
    for worker in range(len(case.modes)):
        alone += kept(of_worker(case, worker), subject).counted[2 * worker : 2 * worker + 2]
    because = "workers share what counts their seconds: each has a configuration of its own"
    return together.count_otherwise(tuple(alone), because) or holds()


@law(
    "ledger/other-modes-do-not-matter",
    source=("SPEC T2", "SPEC T9"),
    inputs="guests",
    needs=("ledger",),
    kind=Timeline,
    ignores="the counters of the guest",
)
def other_modes_do_not_matter(case: Timeline, subject: GuardedSubject) -> Verdict:
    """What a worker compiles around another's compile is counted alike whatever the other one's mode."""
    books = kept(case, subject)
    host = kept(all_full(case), subject).counted[:2]
    because = f"with modes {list(case.modes)} the host's counters are others: a guest that counts nothing is not nested"
    return books.count_otherwise((*host, *books.counted[2:]), because) or holds()


@law("ledger/only-full-counts", source=("SPEC T2",), inputs="fleets", needs=("ledger",), kind=Timeline)
def only_full_counts(case: Timeline, subject: GuardedSubject) -> Verdict:
    """Workers in modes none and stock keep both counters at zero, and log no compile time."""
    books = kept(not_full(case), subject)
    nothing = (0.0,) * len(books.counted)
    because = f"modes {list(books.case.modes)} count as full does"
    return books.count_otherwise(nothing, because) or books.tell_otherwise([], because) or holds()


@law(
    "ledger/one-line-per-compile",
    source=("SPEC T2", "SPEC T3"),
    inputs="timelines",
    needs=("ledger",),
    kind=Timeline,
    ignores="the seconds in the line, and lines about anything else",
)
def one_line_per_compile(case: Timeline, subject: GuardedSubject) -> Verdict:
    """Each compile in mode full that succeeds logs one line with its path's text, in order; nothing else does."""
    books = kept(case, subject)
    expected = [TEXTS[exit_.compile.path] for exit_ in settle(case).exits]
    if expected == texts(books.lines):
        return holds()
    return books.violated(
        expected=f"lines {expected}",
        actual=f"lines {texts(books.lines)}",
        because="a line is missing, is one too many, or has another path's text",
    )


@law(
    "ledger/lines-agree-with-counters",
    source=("SPEC T2", "BUG-T04"),
    inputs="timelines",
    needs=("ledger",),
    kind=Timeline,
    ignores="the text around the seconds",
)
def lines_agree_with_counters(case: Timeline, subject: GuardedSubject) -> Verdict:
    """A line says the seconds that its compile added, up to half a last digit, and all lines those of all counters."""
    books = kept(case, subject)
    seconds, together = told(books.lines), sum(books.counted)
    added = [exit_.own for exit_ in settle(case).exits]
    each_is_true = all(abs(one - other) < ROUNDING for one, other in zip(seconds, added, strict=False))
    if each_is_true and abs(sum(seconds) - together) < len(seconds) * ROUNDING + HALF_A_MICROSECOND:
        return holds()
    return books.violated(
        expected=f"lines of {added} us, which add up to the {together:.1f} us in the counters",
        actual=f"lines of {[round(microseconds) for microseconds in seconds]} us",
        because="what is logged is not what is added",
    )


@law("ledger/configuration-stays-itself", source=("SPEC T1",), inputs="timelines", needs=("ledger",), kind=Timeline)
def configuration_stays_itself(case: Timeline, subject: GuardedSubject) -> Verdict:
    """Counting leaves the hash and the repr of every worker's configuration as they were."""
    books = kept(case, subject)
    stays = {"hash": books.ledger.hashes_equal, "repr": books.ledger.reprs_equal}
    changed = [name for name, equal in stays.items() if not equal]
    if not changed:
        return holds()
    return violated(
        expected="hash and repr as before the first compile",
        actual=f"another {' and another '.join(changed)}, with {text_of(books.counted)}",
        because="the counters are part of what identifies a configuration, so no second start finds its cache",
    )


@law("ledger/failures-pass-unchanged", source=("SPEC T2",), inputs="failing_compiles", needs=("ledger",), kind=Timeline)
def failures_pass_unchanged(case: Timeline, subject: GuardedSubject) -> Verdict:
    """What a compile raises, an interruption too, reaches the code around it as the same object; nothing else does."""
    expected, actual = settle(case).raised, list(kept(case, subject).ledger.escaped)
    if expected == actual:
        return holds()
    return violated(
        expected=f"raised: {expected}",
        actual=f"raised: {actual}",
        because="a failure is swallowed, wrapped or replaced while it passes, or the accounting itself fails",
    )
