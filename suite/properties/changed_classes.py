"""From two snapshots to a verdict, with the sheet that a report draws."""

from __future__ import annotations

import re
from collections.abc import Collection

from suite.contract.text import short_sides
from suite.contract.verdict import Verdict, holds, violated
from suite.oracles.class_aspects import Row
from suite.oracles.class_difference import Change, Snapshot, differences, outside
from suite.oracles.decoration_sheet import rows_in, sheet_of

DYNAMOS = re.compile(r"__(builtins_dict_|import_|compiled_fn_|resume_at_)")
BECAUSE = "decoration, or a call of what it made, writes to what is not its own"


def changed(title: str, before: Snapshot, after: Snapshot, *, allowed: Collection[Row]) -> Verdict:
    """Holds if nothing changed outside of the allowed rows of SPEC D6's table.

    Names that Dynamo itself writes into the module of whatever it traces are no change.
    """
    every = [each for each in differences(before, after) if not is_dynamos(each)]
    wrong = outside(every, allowed)
    sheet = sheet_of(title, every, allowed=allowed, looked_at=rows_in(before))
    if not wrong:
        return holds(decoration=sheet)
    was, now_is = short_sides(wrong[0].before, wrong[0].after)
    more = f"; and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    return violated(
        expected=f"{wrong[0].subject}: {wrong[0].aspect}: {wrong[0].what}: {was}",
        actual=f"{now_is}{more}",
        because=BECAUSE,
        decoration=sheet,
    )


def is_dynamos(each: Change) -> bool:
    """Whether torch's tracer itself wrote the name, into the module of what it traced."""
    return each.aspect == "namespace" and bool(DYNAMOS.match(each.what))
