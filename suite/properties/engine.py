"""Engine: what its ranks compile is counted by the largest of them, told in one line, and lost by no failure."""

from __future__ import annotations

from suite.contract.engine_case import EngineCase
from suite.contract.guard import GuardedSubject
from suite.contract.law import law
from suite.contract.verdict import Verdict, holds, violated
from suite.oracles.engine_log import InitLine, init_lines, printed, rank_lines
from suite.oracles.engine_times import agree, of_two_ranks, own, slowest, text_of
from suite.properties.engine_starts import Start, each_good, each_planted, starts

NEEDS = ("engine",)


@law(
    "engine/counters-are-maxima",
    source=("SPEC T6", "BUG-T01", "BUG-T03"),
    inputs="engine_starts",
    needs=NEEDS,
    kind=EngineCase,
    ignores="what is logged",
)
def counters_are_maxima(case: EngineCase, subject: GuardedSubject) -> Verdict:
    """After each start, each counter of the driver is the largest that a rank compiled of that component."""
    because = "seconds of some rank are lost, summed up, mixed up, or taken from the driver, which compiles nothing"
    return each_good(case, subject, lambda start: start.counts_otherwise(because=because))


@law(
    "engine/ranks-report-their-own",
    source=("SPEC T1", "SPEC T5", "BUG-T03"),
    inputs="engine_starts",
    needs=NEEDS,
    kind=EngineCase,
    ignores="what becomes of the report",
)
def ranks_report_their_own(case: EngineCase, subject: GuardedSubject) -> Verdict:
    """Each worker reports what it compiled itself, by component, captures included, and nothing in other modes."""
    return each_good(case, subject, _reports_otherwise)


def _reports_otherwise(start: Start) -> Verdict | None:
    for rank, (script, seen) in enumerate(zip(start.script.ranks, start.seen.ranks, strict=True)):
        said = seen.reported if isinstance(seen.reported, tuple) else ()
        if len(said) != 2 or not agree(own(script), said):
            return violated(
                expected=f"in {start.name}, rank {rank} reports {text_of(own(script))}",
                actual=f"it reported {seen.reported!r}",
                because="a worker reads its seconds too early, from another configuration, or in the wrong order",
            )
    return None


@law(
    "engine/no-compile-leaves-zero",
    source=("SPEC T6",),
    inputs="idle_engines",
    needs=NEEDS,
    kind=EngineCase,
    ignores="what is logged",
)
def no_compile_leaves_zero(case: EngineCase, subject: GuardedSubject) -> Verdict:
    """A start in which nothing compiles shows zero, also after one in the same process that compiled."""
    return each_good(case, subject, lambda start: start.counts_otherwise(because="seconds of an earlier start stay"))


@law(
    "engine/one-line-in-its-form",
    source=("SPEC T7",),
    inputs="engine_starts",
    needs=NEEDS,
    kind=EngineCase,
    ignores="the numbers in it, and lines about anything else",
)
def one_line_in_its_form(case: EngineCase, subject: GuardedSubject) -> Verdict:
    """Each start logs exactly one line about itself, in that of the three forms that the counters ask for."""

    def look(start: Start) -> Verdict | None:
        line = start.line()
        return line if isinstance(line, Verdict) else None

    return each_good(case, subject, look)


@law(
    "engine/line-adds-up",
    source=("SPEC T7", "BUG-T04"),
    inputs="engine_starts",
    needs=NEEDS,
    kind=EngineCase,
    ignores="whether the counters are right, and the seconds of the whole",
)
def line_adds_up(case: EngineCase, subject: GuardedSubject) -> Verdict:
    """The line's parts are the driver's counters, and its total is their sum, to rounding."""

    def look(start: Start) -> Verdict | None:
        line = start.line()
        return line if isinstance(line, Verdict) else start.adds_up(line)

    return each_good(case, subject, look)


@law(
    "engine/line-tells-the-wall-time",
    source=("SPEC T7", "BUG-T07"),
    inputs="engine_starts",
    needs=NEEDS,
    kind=EngineCase,
    ignores="work of the driver itself, which takes no time on the virtual clock",
)
def line_tells_the_wall_time(case: EngineCase, subject: GuardedSubject) -> Verdict:
    """The line's first number is the time from the first worker's warm-up to the last answer, models built before."""

    def look(start: Start) -> Verdict | None:
        line = start.line()
        return line if isinstance(line, Verdict) else _other_wall_time(start, line)

    return each_good(case, subject, look)


def _other_wall_time(start: Start, line: InitLine) -> Verdict | None:
    asked = [seen.asked for seen in start.seen.ranks if seen.asked is not None]
    answered = [seen.answered for seen in start.seen.ranks if seen.answered is not None]
    wall = max(answered, default=0.0) - min(asked, default=0.0)
    if printed(line.took, wall):
        return None
    return violated(
        expected=f"{start.name} took {wall:.6f} s to two decimals: from {min(asked, default=0.0):.6f} s, when a worker "
        f"was first asked to warm up, to {max(answered, default=0.0):.6f} s, when the last one answered",
        actual=f"{line.took:.2f} s in {init_lines(start.seen.lines)[0]!r}",
        because="the clock is read too early or too late, or the seconds of compiling stand for those of the whole",
    )


@law(
    "engine/slowest-rank-is-told",
    source=("SPEC T6", "SPEC T7"),
    inputs="crossed_engines",
    needs=(*NEEDS, "names_slowest_rank"),
    kind=EngineCase,
    ignores="the words beside the rank and its seconds",
)
def slowest_rank_is_told(case: EngineCase, subject: GuardedSubject) -> Verdict:
    """Where the maxima are of two ranks, a line names the slowest rank with its own seconds, and no line others."""
    return each_good(case, subject, _told_of_ranks)


def _told_of_ranks(start: Start) -> Verdict | None:
    lines = rank_lines(start.seen.lines)
    named = {each.rank for each in lines}
    right = set(slowest(start.script))
    if of_two_ranks(start.script) and not named & right:
        return violated(
            expected=f"a line that names rank {min(right)}, the slowest of {start.name}: the maxima are of two ranks",
            actual=f"lines {list(start.seen.lines)}",
            because="a sum of maxima of two ranks is left to be taken for the seconds of one",
        )
    for each in lines:
        mine = own(start.script.ranks[each.rank]) if each.rank < len(start.script.ranks) else (0, 0)
        true = [part / 1_000_000 for part in (*mine, sum(mine))]
        wrong = [said for said in each.seconds if not any(printed(said, seconds) for seconds in true)]
        if wrong or each.rank not in right or not any(printed(said, true[-1]) for said in each.seconds):
            return violated(
                expected=f"what is told of a rank of {start.name} is of the slowest, {sorted(right)}: its own seconds, "
                f"which are {text_of(own(start.script.ranks[min(right)]))} in all",
                actual=f"rank {each.rank} with {list(each.seconds)} s",
                because="seconds of several ranks are shown as those of one",
            )
    return None


@law(
    "engine/failure-is-told",
    source=("SPEC T6",),
    inputs="failing_engines",
    needs=NEEDS,
    kind=EngineCase,
    ignores="the words, but for rank, stage and traceback",
)
def failure_is_told(case: EngineCase, subject: GuardedSubject) -> Verdict:
    """A worker that raises in any stage fails the start, which names its rank and stage and shows its traceback."""
    return each_planted(case, subject, Start.told_right)


@law(
    "engine/rubbish-is-refused",
    source=("SPEC T5", "SPEC T6"),
    inputs="rubbish_engines",
    needs=NEEDS,
    kind=EngineCase,
    ignores="the words, but for the rank",
)
def rubbish_is_refused(case: EngineCase, subject: GuardedSubject) -> Verdict:
    """A worker that reports no pair of finite seconds of at least 0 fails the start, which names its rank."""
    return each_planted(case, subject, Start.told_right)


@law(
    "engine/failure-leaves-no-trace",
    source=("SPEC T6", "SPEC T7"),
    inputs="failing_engines",
    needs=NEEDS,
    kind=EngineCase,
    ignores="what the failure says, and lines about anything else",
)
def failure_leaves_no_trace(case: EngineCase, subject: GuardedSubject) -> Verdict:
    """A start that fails logs no line on itself and leaves the driver's counters as they were."""
    return each_planted(case, subject, Start.left_traces)


@law(
    "engine/workers-are-let-go",
    source=("SPEC T6",),
    inputs="failing_engines",
    needs=NEEDS,
    kind=EngineCase,
    ignores="workers that were never built",
)
def workers_are_let_go(case: EngineCase, subject: GuardedSubject) -> Verdict:
    """Each worker that was built is shut down exactly once, whether the start fails or not, and then asked nothing."""
    return next((verdict for start in starts(case, subject) if (verdict := _kept(start))), holds())


def _kept(start: Start) -> Verdict | None:
    for rank, (script, seen) in enumerate(zip(start.script.ranks, start.seen.ranks, strict=True)):
        trouble = script.trouble
        was_built = bool(seen.calls) and not (trouble and trouble.what == "raises" and trouble.stage == "build")
        if was_built and (seen.calls.count("shutdown") != 1 or seen.calls[-1] != "shutdown"):
            return violated(
                expected=f"the worker of rank {rank} is shut down once, at the end of {start.name}",
                actual=f"it was asked {list(seen.calls)}",
                because="a failure skips the shutdown of other ranks, or goes on asking them",
            )
    return None


@law(
    "engine/next-start-is-right",
    source=("SPEC T6", "SPEC T7"),
    inputs="failing_engines",
    needs=NEEDS,
    kind=EngineCase,
    ignores="how the start before it failed",
)
def next_start_is_right(case: EngineCase, subject: GuardedSubject) -> Verdict:
    """After a start that failed, the next one in the same process counts and logs what its own ranks did."""
    return each_good(case, subject, _whole)


def _whole(start: Start) -> Verdict | None:
    """A violation if anything that is counted or logged is not of this start."""
    line = start.line()
    if isinstance(line, Verdict):
        return line
    because = "something of the start that failed is left in the driver's configuration, or in the process"
    return start.counts_otherwise(because=because) or start.adds_up(line) or _other_wall_time(start, line)
