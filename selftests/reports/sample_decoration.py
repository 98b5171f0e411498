"""What the invented run says of decoration: a class whose bases were written to, and classes that were left alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reports.decoration_schema import ChangedThing, DecorationRow, DecorationSheet
from reports.schema import Violation

TOWER = "zoo.vision.Tower"
LONG_BEFORE = "(self, pixels: Tensor, grid: Tensor, *, " + ", ".join(f"option_{n}: int = 0" for n in range(12)) + ")"
LONG_AFTER = LONG_BEFORE.replace("option_7: int = 0", "option_7: int = 1, prefix: str = ''")

ROWS = (
    DecorationRow(row="state", thing="`state_dict` keys, parameter identity", promise="unchanged", looked_at=True),
    DecorationRow(row="hooks", thing="forward hooks and pre-hooks", promise="they fire", looked_at=True),
    DecorationRow(
        row="class", thing="class identity, bases, MRO, signature", promise="unchanged where promised", looked_at=True
    ),
    DecorationRow(row="copies", thing="pickling, deep copy, `torch.save`", promise="work or are refused clearly"),
    DecorationRow(row="undo", thing="undo", promise="restores everything", looked_at=True),
)


def change(subject: str, aspect: str, what: str, before: str, after: str, **more: object) -> ChangedThing:
    """A change of a class, not allowed, with some fields changed."""
    values: dict[str, object] = {"row": "class", "allowed": False, **more}
    return ChangedThing(subject=subject, aspect=aspect, what=what, before=before, after=after, **values)  # type: ignore[arg-type]  # fields by name


SUBCLASS = change(
    "zoo.vision.Tower", "subclasses", "TowerCompiled", "absent", "class zoo.vision.TowerCompiled", row="undo",
    allowed=True,
)  # fmt: skip

WRITTEN = DecorationSheet(
    title="zoo.vision.Tower, decorated as an encoder: full, eager",
    changes=(
        change(TOWER, "bases", "itself", "(torch.nn.Module)", "(torch.nn.Module, engine.CompileWrapper)"),
        change(
            TOWER, "MRO", "itself",
            "zoo.vision.Tower, torch.nn.Module, object",
            "zoo.vision.Tower, torch.nn.Module, engine.CompileWrapper, object",
        ),
        change(TOWER, "signature", "forward", LONG_BEFORE, LONG_AFTER),
        change(TOWER, "__dict__", "__call__", "absent", "function engine.compiled_call"),
        change("zoo.vision.Sibling", "MRO", "itself", "zoo.vision.Sibling, Tower", "Sibling, Tower, CompileWrapper"),
        change("an instance of zoo.vision.Tower", "hooks", "itself: _forward_hooks #0", "function a", "", row="hooks"),
        change("module zoo.vision", "namespace", "do_not_compile", "absent", "True", row="class", allowed=True),
        SUBCLASS,
    ),
    rows=ROWS,
)  # fmt: skip
"""A decorator that writes to the class itself: it and its sibling are other afterwards, and a hook is lost."""

LEFT_ALONE = DecorationSheet(title="Tower, full, eager", changes=(SUBCLASS,), rows=ROWS)
UNTOUCHED = DecorationSheet(title="Tower, none", rows=ROWS)

SHEETS: Mapping[str, DecorationSheet] = {
    "internvl": WRITTEN, "qwen2.5-vl": LEFT_ALONE, "qwen3-vl": LEFT_ALONE, "toy": UNTOUCHED,
}  # fmt: skip
"""By family, what the law on classes tells."""


def decoration_violation(name: str = "c1a55e51") -> Violation:
    """The violation that goes with the class that was written to."""
    return Violation(
        id=name,
        expected="zoo.vision.Tower is after decoration what it was before",
        actual="6 changes by mistake",
        because="the decorator writes to the class that it was given, and not to a class of its own",
        case={"family": "internvl", "options": {"component": "encoder"}},
        case_text="Tower, encoder, dims inferred",
        reproduce=('pytest "suite/tests/test_classes.py::test_untouched[internvl]"',),
    )


def many(count: int) -> DecorationSheet:
    """A sheet of so many mistakes and so many allowed changes."""
    wrong = tuple(change(f"zoo.Class{n % 40}", "__dict__", f"name_{n}", "absent", f"value {n}") for n in range(count))
    return replace(WRITTEN, changes=(*wrong, *(replace(each, allowed=True, row="undo") for each in wrong)))
