"""A ledger as numbers and texts that can be compared, and as a sheet that a report can draw."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from suite.contract.program import COMPONENTS
from suite.contract.timeline import Ledger, Path, Timeline
from suite.contract.verdict import LedgerAccount, LedgerEntry, LedgerSheet
from suite.oracles.ledger import Account, Span, settle

Microseconds = tuple[float, ...]
"""Both counters of each worker in turn, as `COMPONENTS` has them."""
HALF_A_MICROSECOND = 0.5
"""How far a counter may be off: times are whole microseconds, and sums of doubles err by far less."""
ROUNDING = 5_000 + HALF_A_MICROSECOND
"""Microseconds by which a line may be off: half of its last digit."""
TEXTS: Mapping[Path, str] = {
    "load": "torch.compile took %.2f s in total",
    "aot": "torch.compile took %.2f s in total",
    "jit": "torch.compile and initial profiling/warmup run together took %.2f s in total",
}
"""What is logged of each path (SPEC T2, T3)."""
_TAG = re.compile(r"^\[[^\]]*\] ")
_SECONDS = re.compile(r"-?\d+(\.\d+)?(?= s in total)")


def counted(ledger: Ledger) -> Microseconds:
    """The counters."""
    return tuple(getattr(each, name) * 1_000_000 for each in ledger.counters for name in COMPONENTS)


def text_of(microseconds: Microseconds) -> str:
    """The counters in words."""
    pairs = zip(microseconds[::2], microseconds[1::2], strict=True)
    return "; ".join(
        f"worker {worker}: language_model {one:.1f} us, encoder {other:.1f} us"
        for worker, (one, other) in enumerate(pairs)
    )


def lines(ledger: Ledger) -> list[str]:
    """The lines about compile time."""
    return [line for line in ledger.messages if " s in total" in line]


def texts(of: Sequence[str]) -> list[str]:
    """The lines without their seconds, and without a name in brackets before them: that of what compiles."""
    return [_SECONDS.sub("%.2f", _TAG.sub("", line)) for line in of]


def told(of: Sequence[str]) -> list[float]:
    """Microseconds that the lines tell of."""
    return [float(found.group()) * 1_000_000 for line in of if (found := _SECONDS.search(line))]


def sheet(case: Timeline, ledger: Ledger) -> LedgerSheet:
    """Who owns each second of the timeline, beside what the subject logged and counted of it."""
    account = settle(case)
    said = told(lines(ledger))
    by_span = dict(zip((span.opened for span in account.exits), said, strict=False))
    entries = [
        _entry(span, account, by_span.get(span.opened) if len(said) == len(account.exits) else None)
        for span in sorted(account.spans, key=lambda span: span.opened)
    ]
    return LedgerSheet(
        "compiles on the virtual clock",
        wall=account.wall / 1_000_000,
        entries=tuple(entries),
        accounts=tuple(_accounts(account, ledger)),
        resolution=0.01,
    )


def _entry(span: Span, account: Account, said: float | None) -> LedgerEntry:
    twice = None if said is None else _counted_already(span, said - span.own, account)
    return LedgerEntry(
        _place(span),
        component=span.compile.component,
        worker=span.compile.worker,
        thread=span.thread,
        start=span.start / 1_000_000,
        end=span.end / 1_000_000,
        own=span.own / 1_000_000,
        said=None if said is None else said / 1_000_000,
        also=None if twice is None else _place(twice),
    )


def _place(span: Span) -> str:
    what = f"{'failed load before ' if span.is_failed_load else ''}{span.compile.path}"
    inside = f", inside {span.inside}" if span.inside else ""
    return f"worker {span.compile.worker}, thread {span.thread}: {span.compile.component}, {what}{inside}"


def _counted_already(span: Span, too_much: float, account: Account) -> Span | None:
    """The nested monitor whose wall time is what is said beyond the span's own."""
    if too_much < ROUNDING:
        return None
    nested = (s for s in account.exits if s.thread == span.thread and span.opened < s.opened and s.end <= span.end)
    return next((s for s in nested if abs(s.end - s.start - too_much) < ROUNDING), None)


def _accounts(account: Account, ledger: Ledger) -> Iterator[LedgerAccount]:
    for worker, counters in enumerate(ledger.counters):
        for name in COMPONENTS:
            expected = account.counter(worker, name) / 1_000_000
            yield LedgerAccount(name, worker=worker, expected=expected, counted=getattr(counters, name))
