"""A run that never happened, with one of everything that a report has to show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from reports.records import RecordWriter
from reports.schema import (
    Arm,
    Batch,
    Bin,
    Deviation,
    Fault,
    Footer,
    Header,
    Inapplicable,
    Law,
    Noise,
    Note,
    Placed,
    Plan,
    PlannedLaw,
    Record,
    Tolerance,
    Violation,
)
from selftests.reports.sample_compile import GRAPHS, with_ledger
from selftests.reports.sample_decoration import SHEETS, decoration_violation
from selftests.reports.sample_sheets import SHOWN

FAMILIES = ("internvl", "llava-next", "qwen2.5-vl", "qwen3-vl", "toy")

LAWS: Mapping[str, tuple[tuple[str, ...], str, str]] = {
    "packing/every-item-once": (("G4",), "Every item of a batch is in exactly one bin.", "the order of bins"),
    "packing/never-over-budget": (("G3", "G4"), "No bin holds more tokens than its budget.", "waste"),
    "packing/order-restored": (("G4",), "Results come back in the caller's order.", "how they travelled"),
    "budgets/ladder-sorted": (("G3",), "Budgets are sorted, positive and distinct.", "where they come from"),
    "values/replay-equals-eager": (("G6",), "A replay gives the values of plain eager.", "the time it takes"),
    "values/batch-equals-alone": (("G6", "G7"), "An item's values do not depend on its neighbours.", ""),
    "memory/results-survive": (
        ("G6",),
        "A result is untouched by later replays.",
        "memory that is not handed out",
    ),
    "statistics/hits-and-misses": (("G7",), "Each item counts once, as hit or as miss.", "log lines"),
    "ranks/balanced": (("G8",), "The load of no rank exceeds the greedy bound.", "the time of a collective"),
    "compile/counted-once": (
        ("T2", "T9"),
        "Every second of compiling is in exactly one counter.",
        "clock noise",
    ),
    "classes/untouched": (("D6",), "Decorating leaves the original class as it was.", ""),
}

SECOND_ROUTE = "two devices"
"""The column in which the laws of the topic values run once more."""

FAULTS: Mapping[str, tuple[str, str, str | None]] = {
    "packing/drops-last": ("packing/every-item-once", "The last item of a batch is left out.", "BUG-E03"),
    "packing/off-by-one": (
        "packing/never-over-budget",
        "A bin may exceed its budget by one token.",
        "BUG-E07",
    ),
    "packing/sorted-results": ("packing/order-restored", "Results come back sorted by size.", None),
    "memory/hands-out-buffer": ("memory/results-survive", "The output buffer itself is returned.", "BUG-G11"),
    "values/stale-rows": ("values/replay-equals-eager", "Rows past the values are not reset.", None),
    "values/shared-lengths": ("values/batch-equals-alone", "All items share one sequence.", None),
    "compile/counts-twice": ("compile/counted-once", "A nested monitor adds its time again.", "BUG-T02"),
    "classes/writes-bases": ("classes/untouched", "The decorator rebinds the bases of the class.", None),
}

SURVIVOR = "values/shared-lengths"
NOT_RUN = "classes/writes-bases"


def header(**changes: object) -> dict[str, object]:
    """The header of the run, with some fields changed."""
    plain = Header(
        schema=1,
        project="lockstep",
        version="0.1.0",
        subject="reference",
        subject_version="0.1.0",
        device="emulator",
        profile="premerge",
        seed=20_240_731,
        started="2026-01-02T03:04:05Z",
        command="pytest -n auto suite/tests --profile premerge",
        versions={"python": "3.11.9", "torch": "2.13.0", "transformers": "5.23.0", "pytest": "9.2.0"},
        platform="Linux x86_64",
        threads=1,
        workers=2,
    )
    return {**vars(plain), **changes}


def plan() -> Plan:
    """Every law on every family, some of them by a second route, and every fault."""
    return Plan(
        laws=tuple(
            PlannedLaw(law=law, family=family, column=column, spec=LAWS[law][0])
            for law in LAWS
            for family in FAMILIES
            for column in ("", SECOND_ROUTE)
            if not column or law.startswith("values/")
        ),
        faults=tuple(FAULTS),
    )


def law(name: str, family: str, **changes: object) -> Law:
    """The record of a law that holds, with some fields changed."""
    spec, statement, ignores = LAWS[name]
    values: dict[str, object] = {
        "law": name,
        "family": family,
        "verdict": "holds",
        "statement": statement,
        "ignores": ignores,
        "spec": spec,
        "cases": 57 if family != "toy" else 400,
        "seconds": 1.25,
        "labels": {"exact-fit": 12, "one-over": 9, "empty": 3, "all-oversized": 5, "single-token": 0},
        "node": f"suite/tests/test_{name.split('/')[0]}.py::test_{name.split('/')[1]}[{family}]",
        "worker": "gw0",
        "noise": Noise(max_abs=0.0, max_rel=0.0) if name.startswith("values") else None,
        "margin": 0.031 if name.startswith("values") else None,
    }
    return Law(**{**values, **changes})  # type: ignore[arg-type]  # tests change fields by name


def numbers_violation(name: str = "7f3a91c2") -> Violation:
    """A replay that differs from eager, with everything that a violation can carry."""
    first = Bin(
        budget=64,
        items=(
            Placed(index=2, grid="2x4", tokens=2),
            Placed(index=0, grid="8x8", tokens=16),
            Placed(index=3, grid="8x12", tokens=24),
            Placed(index=5, grid="4x8", tokens=8),
        ),
        wrong_rows=((12, 18), (42, 43)),
    )
    second = Bin(budget=16, items=(Placed(index=1, grid="4x8", tokens=8), Placed(index=4, grid="4x4", tokens=4)))
    eager = Bin(items=(Placed(index=6, grid="16x20", tokens=80),))
    later = Bin(budget=16, items=(Placed(index=0, grid="4x4", tokens=4),))
    return Violation(
        id=name,
        expected="item 0 equals its own eager output within rtol 1.3e-06, atol 1e-05",
        actual="item 0 differs in 6 of 16 rows; the greatest difference is 0.0132 at row 3, channel 17",
        because="rows that the replay did not write still hold the values of an earlier batch",
        case={"ladder": [16, 64], "history": [[[2, 4], [8, 8]], [[4, 4]]], "seed": 7},
        case_text="ladder [16, 64]\nhistory [[8x8, 4x8, 2x4, 8x12, 4x4, 4x8, 16x20], [4x4]]\nseed 7",
        plan=(Batch(batch=0, bins=(first, second, eager)), Batch(batch=1, bins=(later,))),
        arms=(
            Arm(arm="eager again", max_abs=0.0, max_rel=0.0, mismatched=0, total=256, nan=0, inf=0, used=0.0),
            Arm(
                arm="eager on padded buffers",
                max_abs=1.2e-7,
                max_rel=3e-7,
                mismatched=0,
                total=256,
                nan=0,
                inf=0,
                used=0.031,
            ),
            Arm(
                arm="replay",
                max_abs=0.0132,
                max_rel=float("inf"),
                mismatched=96,
                total=256,
                nan=3,
                inf=0,
                index=(3, 17),
                item=0,
                batch=0,
                used=1321.0,
                rows=(0, 1, 2),
            ),
        ),
        first_arm="replay",
        tolerance=Tolerance(rtol=1.3e-6, atol=1e-5, source="torch.testing, float32"),
        reproduce=(
            'pytest "suite/tests/test_values.py::test_replay_equals_eager[qwen3-vl]" --hypothesis-seed=7',
            "python -m suite replay 7f3a91c2 --records reports/out/records.jsonl",
        ),
    )


def plain_violation(name: str = "0badc0de") -> Violation:
    """A violation with the required fields only."""
    return Violation(
        id=name,
        expected="counters of 2.00 s in all",
        actual="counters of 3.50 s in all",
        because="a monitor inside another one adds its time to both",
        case={"timeline": [["enter", "encoder"], ["tick", 1.5], ["exit"]]},
        reproduce=('pytest "suite/tests/test_compile.py::test_counted_once"',),
    )


def laws() -> Iterator[Law | Inapplicable]:
    """One record for each planned cell but two."""
    for name in LAWS:
        for family in FAMILIES:
            cell = (name, family)
            if cell == ("values/replay-equals-eager", "qwen3-vl"):
                yield law(name, family, verdict="violated", cases=12, margin=1321.0, violation=numbers_violation())
            elif name == "compile/counted-once" and family in ("toy", "llava-next"):
                same = with_ledger(plain_violation()) if family == "toy" else plain_violation("51de0001")
                yield law(name, family, verdict="violated", cases=3, violation=same)
            elif cell == ("memory/results-survive", "internvl"):
                reason = "the adapter raised ImportError: no module named timm"
                yield law(name, family, verdict="unknown", cases=0, reason=reason)
            elif name == "ranks/balanced" and family != "toy":
                yield Inapplicable(law=name, family=family, reason="the subject declares no data parallel mode")
            elif name == "compile/counted-once" and family in GRAPHS:
                yield law(name, family, graphs=GRAPHS[family])
            elif cell == ("classes/untouched", "internvl"):
                sheet, violation = SHEETS[family], decoration_violation()
                yield law(name, family, verdict="violated", violation=violation, decoration=sheet)
            elif name == "classes/untouched" and family in SHEETS:
                yield law(name, family, decoration=SHEETS[family])
            elif cell != ("classes/untouched", "llava-next"):
                yield law(name, family, sheet=SHOWN.get(cell))
            if name.startswith("values/"):
                yield second_route(name, family)


def second_route(name: str, family: str) -> Law:
    """The same law by the second route: what one route shows, the other shows too."""
    if (name, family) != ("values/replay-equals-eager", "qwen3-vl"):
        return law(name, family, column=SECOND_ROUTE)
    same = numbers_violation("7f3a91c3")
    return law(name, family, column=SECOND_ROUTE, verdict="violated", cases=12, margin=1321.0, violation=same)


def faults() -> Iterator[Fault]:
    """One record for each planned fault but one."""
    for name, (caught_by, breaks, source) in FAULTS.items():
        if name == NOT_RUN:
            continue
        killed = name != SURVIVOR
        yield Fault(
            fault=name,
            area=name.split("/")[0],
            breaks=breaks,
            source=source,
            caught_by=(caught_by,),
            killed=killed,
            by=caught_by if killed else None,
            cases=3 if killed else 200,
            seconds=0.4,
            verdicts={caught_by: "violated" if killed else "holds"},
        )


def records() -> tuple[Record, ...]:
    """Everything between header and footer."""
    known = Deviation(
        law="compile/counted-once",
        expires="2027-03-31",
        family="llava-next",
        deviation_kind="bug",
        reason="the just-in-time path opens a second monitor",
        link="https://example.org/issues/1",
        still_fails=True,
    )
    stale = Deviation(
        law="packing/order-restored",
        family="toy",
        deviation_kind="notyet",
        reason="order was not restored before 0.1",
        still_fails=False,
    )
    notes = (
        Note(topic="device", text="No GPU took part: captures ran on the emulator."),
        Note(topic="tools", text="Chromium is missing: the browser tests of the report did not run."),
    )
    return (plan(), *laws(), *faults(), known, stale, *notes)


def write(
    path: Path,
    lines: Sequence[Record] | None = None,
    *,
    ended: bool = True,
    changes: Mapping[str, object] | None = None,
) -> Path:
    """A records file with these lines (the sample's, if none are given), and maybe without a footer."""
    writer = RecordWriter(path, header(**(changes or {})))
    for line in records() if lines is None else lines:
        writer.append(line)
    writer.close(Footer(exit_status=1, wall_seconds=93.4, records=0) if ended else None)
    return path
