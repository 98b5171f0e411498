"""The one formatter: a violation as text, in the shape that every failure has (STYLE)."""

from __future__ import annotations

from suite.contract.case import AnyCase
from suite.contract.law import Law
from suite.contract.verdict import ChangedThing, DecorationSheet, Difference, Evidence, Verdict, Violation

INDENT = " " * 13
MOST_CHANGES = 5
"""Changes of a decoration that a text lists; the report has them all."""
MOST_LETTERS = 160
"""Of a value before or after decoration."""
BEFORE_DIFFERENCE = 40
"""Letters of a long value that are shown before it begins to differ."""


def violation_text(
    law: Law,
    case: AnyCase,
    violation: Violation,
    *,
    case_id: str,
    subject: str,
    device: str,
    reproduce: tuple[str, ...],
    decoration: DecorationSheet | None = None,
) -> str:
    """Expected, actual, because, case, reproduce: one block that can be acted on."""
    rows = [
        ("expected", violation.expected),
        ("actual", violation.actual),
        *[("arm", arm_text(arm)) for arm in violation.evidence.arms],
        *[("changed", line) for line in changed_lines(decoration)],
        ("because", violation.because),
        ("case", f"{case}  (id {case_id})"),
        *[("plan", line) for line in plan_lines(violation.evidence)],
        ("reproduce", f"\n{INDENT}".join(reproduce)),
    ]
    head = f"VIOLATED {law.id}   {subject} · {case.family} · {device}"
    return "\n".join([head, *(f"  {name:<9}  {text}" for name, text in rows)])


def unknown_text(law: Law, verdict: Verdict, *, subject: str, family: str) -> str:
    """Why nothing can be said; never green."""
    return f"UNKNOWN  {law.id}   {subject} · {family}\n  because    {verdict.reason}"


def arm_text(arm: Difference) -> str:
    """One arm against eager: counts, greatest errors, and where."""
    if arm.total == 0:
        return f"{arm.arm}: nothing to compare"
    share = 100 * arm.mismatched / arm.total
    numbers = f"{arm.mismatched} / {arm.total} elements differ ({share:.1f}%)"
    place = f"item {arm.item} of batch {arm.batch}, token {arm.index[0]}, channel {arm.index[1]}" if arm.index else ""
    broken = f"; NaN {arm.nan}, Inf {arm.inf}" if arm.nan or arm.inf else ""
    return f"{arm.arm}: {numbers}; greatest abs {arm.max_abs:.3g}, rel {arm.max_rel:.3g} at {place}{broken}"


def plan_lines(evidence: Evidence) -> list[str]:
    """The launches of each batch, one line a batch."""
    lines = []
    for number, bins in enumerate(evidence.plan):
        parts = [
            f"{'eager' if launch.budget is None else launch.budget} <- "
            + ", ".join(f"item {item.index} ({item.grid}, {item.tokens} tokens)" for item in launch.items)
            for launch in bins
        ]
        lines.append(f"batch {number}: {'; '.join(parts) or 'nothing launched'}")
    return lines


def changed_lines(sheet: DecorationSheet | None) -> list[str]:
    """What decoration changed by mistake, one line a thing, and how many more there are."""
    mistakes = () if sheet is None else sheet.mistakes
    lines = [_changed(each) for each in mistakes[:MOST_CHANGES]]
    left = len(mistakes) - len(lines)
    return [*lines, *([f"and {left} more by mistake"] if left else [])]


def _changed(each: ChangedThing) -> str:
    before, after = short_sides(each.before, each.after)
    return f"{each.subject}: {each.aspect}: {each.what}: was {before}, is {after}"


def short_sides(before: str, after: str) -> tuple[str, str]:
    """Two values as short lines; of long ones what stands around their first difference."""
    one, other = (" ".join(value.split()) or "empty" for value in (before, after))
    start = 0
    if max(len(one), len(other)) > MOST_LETTERS:
        same = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
        start = max(0, same - BEFORE_DIFFERENCE)
    return _window(one, start), _window(other, start)


def _window(line: str, start: int) -> str:
    shown = line[start : start + MOST_LETTERS]
    return ("..." if start else "") + shown + ("..." if start + len(shown) < len(line) else "")
