"""What scripts show of laws that answers say nothing about: what is refused, what was captured for, who waits for whom.

One piece per law, in the words of the contract (`suite/contract/scripting.py`): no piece knows an implementation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from suite.contract.case import AnyCase, BadCase, Case
from suite.contract.scripting import ScriptPart
from suite.contract.shard_case import ShardCase
from suite.properties.capture import PASSES
from suite.properties.configuration import offending

Lines = tuple[str, ...]
PRINTED = ('print("\\n".join(wrong) or "Nothing is wrong.")', "raise SystemExit(bool(wrong))")
ENCODED = ("for batch in BATCHES:", "    encode([item(*each) for each in batch])")


@dataclass(frozen=True)
class Piece:
    """The part of a script that belongs to one law. It ends with status 1 if the violation shows."""

    body: Callable[[AnyCase, ScriptPart], Lines]
    """What stands after the items: the adapter's lines, what is looked at, and what is printed."""
    tells: tuple[str, ...] = ()
    """What the adapter's part must tell."""
    configures: bool = False
    """Whether it is about what is refused, so that the part must say which of its lines configure."""
    items: bool = True
    """Whether batches are encoded."""
    imports: Lines = ()


def _indented(lines: Lines) -> Lines:
    return tuple(f"    {line}" for line in lines)


def _configured(part: ScriptPart) -> Lines:
    """The lines that configure; `said` is what they are refused with, or None."""
    return (
        "said = None",
        "try:",
        *_indented(part.lines[: part.configures]),
        f"except ({', '.join(part.refusals)}) as error:",
        "    said = str(error)",
    )


def _refused(case: AnyCase, part: ScriptPart) -> Lines:
    words = [str(value) for value in offending(_history(case).setup)]
    return (
        f"WRONG = {words!r}",
        *_configured(part),
        r"""named = any(re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w.]*\w)", said or "") for word in WRONG)""",
        'print(f"expected: refused, naming one of {WRONG}")',
        """print("actual: " + ("accepted" if said is None else f"refused with: {said}"))""",
        "raise SystemExit(not named)",
    )


def _bounds(part: ScriptPart) -> Lines:
    """The limits that it was started with; a configuration that is refused is right here."""
    return (
        *_configured(part),
        "if said is not None:",
        '    raise SystemExit(print(f"Refused, which is right too: {said}"))',
        f"budgets, most_items, most_frames = {part.tells['bounds']}",
    )


def _ladder(case: AnyCase, part: ScriptPart) -> Lines:
    setup = _history(case).setup
    if not setup.budgets:
        raise BadCase("a script shows a ladder that the user gives, and this one is inferred: replay the case")
    wanted = (tuple(sorted(set(setup.budgets))), setup.max_items or None, setup.max_frames or None)
    return (
        *_bounds(part),
        f"expected = {wanted!r}",
        "actual = (tuple(budgets), most_items, most_frames)",
        "wrong = [want is not None and want != got for want, got in zip(expected, actual, strict=True)]",
        'print(f"budgets, items, frames: expected {expected} (None: anything), actual {actual}")',
        "raise SystemExit(any(wrong))",
    )


def _items_fit(_: AnyCase, part: ScriptPart) -> Lines:
    return (
        *_bounds(part),
        'print(f"expected: from 1 to {min(budgets)} items, a token of the smallest budget for each")',
        'print(f"actual: at most {most_items} items, budgets {tuple(budgets)}")',
        "raise SystemExit(not 1 <= most_items <= min(budgets))",
    )


def _cold(_: AnyCase, part: ScriptPart) -> Lines:
    return (
        *part.lines,
        *ENCODED,
        f"cold = {part.tells['cold']}",
        'print("expected: each captured forward has run before with its shapes")',
        'print(f"actual: {len(cold)} had not: " + "; ".join(cold[:3]))',
        "raise SystemExit(bool(cold))",
    )


def _memory(_: AnyCase, part: ScriptPart) -> Lines:
    return (
        *part.lines,
        "held = []",
        f"for _ in range({PASSES}):",
        *_indented(ENCODED),
        f"    held.append({part.tells['held']})",
        "pairs = [(now, was) for place, now in enumerate(held) for was in held[:place]]",
        "settled = any(now[0] <= was[0] and now[1] <= was[1] for now, was in pairs)",
        f'print("expected: no more graphs or bytes than before, in one of {PASSES} passes")',
        'print(f"actual: (graphs, bytes) after each pass: {held}")',
        "raise SystemExit(not settled)",
    )


def _over_ranks(case: AnyCase, part: ScriptPart) -> Lines:
    if not isinstance(case, ShardCase) or case.plant is None:
        raise BadCase("a script over ranks shows what becomes of a failure, and in this case nothing fails: replay it")
    return (
        f"PLANT = shard_case.{case.plant!r}",
        *part.lines,
        "wrong = []",
        "for number, batch in enumerate(BATCHES):",
        "    answers = encode_on_ranks([item(*each) for each in batch], PLANT if number == PLANT.batch else None)",
        "    fails = number == PLANT.batch and bool(answers[PLANT.rank].encoded)",
        '    told = f"the failure or one that names rank {PLANT.rank}, and the collectives of rank 0"',
        "    for rank, each in enumerate(answers):",
        r"""        named = re.search(rf"\branks? (\d+, )*{PLANT.rank}\b", str(each.error))""",
        "        right = not each.stuck and (isinstance(each.error, subject.Disturbance) or named)",
        "        right = (right if fails else each.error is None) and each.collectives == answers[0].collectives",
        """        seen = f"{each.error or 'an answer'!r} after {[*map(str, each.collectives)]}\"""",
        """        line = f"batch {number}, rank {rank}: expected {told if fails else 'an answer'}, actual {seen}\"""",
        "        wrong += [line] * (not right)",
        *PRINTED,
    )


def _history(case: AnyCase) -> Case:
    if not isinstance(case, Case):
        raise BadCase(f"a script of this law shows a configuration, and this case is a {type(case).__name__}")
    return case


_OVER_RANKS = Piece(
    _over_ranks,
    imports=(
        "import re",
        "from suite.contract import shard_case, subject",
    ),
)
PIECES: Mapping[str, Piece] = {
    "configuration/bad-values-are-refused": Piece(_refused, configures=True, items=False, imports=("import re",)),
    "configuration/ladder-is-sound": Piece(_ladder, tells=("bounds",), configures=True, items=False),
    "configuration/items-fit-the-smallest-budget": Piece(_items_fit, tells=("bounds",), configures=True, items=False),
    "capture/warmed-up-first": Piece(_cold, tells=("cold",)),
    "capture/memory-is-bounded": Piece(_memory, tells=("held",)),
    "sharding/failure-is-told-on-every-rank": _OVER_RANKS,
    "sharding/unequal-outputs-are-refused": _OVER_RANKS,
}
"""By law."""
