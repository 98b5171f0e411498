"""What a law on decorated classes runs: a tree of classes, and a program of what users do with it, as plain data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from suite.contract.case import Kinds, typed_fields
from suite.contract.decorating import Options, Wishes
from suite.contract.loading import wishes_from_data

Form = Literal["defaults", "positional", "keyword", "mixed", "none"]
FORMS: tuple[Form, ...] = ("defaults", "positional", "keyword", "mixed", "none")


@dataclass(frozen=True, order=True)
class TreeSpec:
    """A tree of classes that `models.class_trees` makes."""

    depth: int = 0
    """Classes below the root."""
    forward: str = "inherited"
    """What these do with the root's forward."""
    annotation: str = "tensor"
    features: tuple[str, ...] = ()

    def __str__(self) -> str:
        marks = [f"depth {self.depth}, forward {self.forward}"] if self.depth else []
        marks += [] if self.annotation == "tensor" else [f"annotated {self.annotation}"]
        return f"tree({', '.join([*marks, *self.features])})"


@dataclass(frozen=True, order=True)
class Decorate:
    """A class is decorated, as it is by then; a class of that name that is decorated already is decorated again."""

    cls: str
    options: Options = field(default_factory=Options)
    absent: bool = False
    """Whether the dims name an argument that the forward does not take."""

    def __str__(self) -> str:
        return f"decorate {self.cls} ({self.options}{', an absent argument' if self.absent else ''})"


@dataclass(frozen=True, order=True)
class Build:
    """An instance is made."""

    cls: str
    compiling: bool = True
    """Of what decoration made, under the workbench's configuration; otherwise of the class that the tree has."""
    seed: int = 0
    """Of its weights; below zero the constructor raises."""

    def __str__(self) -> str:
        how = "" if self.compiling else "plain "
        return f"build {how}{self.cls}" + (" (fails)" if self.seed < 0 else "")


@dataclass(frozen=True, order=True)
class Call:
    """An instance is called."""

    instance: int
    """Its number, in the order in which they were made; the program wraps around."""
    rows: int = 3
    seed: int = 0
    form: Form = "defaults"
    fails: bool = False
    """Whether the forward raises in the middle."""

    def __str__(self) -> str:
        return f"call #{self.instance} ({self.rows} rows, {'fails' if self.fails else self.form})"


@dataclass(frozen=True, order=True)
class Subclass:
    """A user derives a class from one as it is by then; it is known as `DerivedRoot` afterwards."""

    cls: str

    @property
    def name(self) -> str:
        """Of the new class."""
        return f"Derived{self.cls}"

    def __str__(self) -> str:
        return f"derive from {self.cls}"


@dataclass(frozen=True, order=True)
class Undo:
    """What decoration did to a class is undone."""

    cls: str

    def __str__(self) -> str:
        return f"undo {self.cls}"


Step = Decorate | Build | Call | Subclass | Undo
_STEPS: Mapping[str, tuple[Any, Kinds]] = {
    "decorate": (Decorate, {"cls": str, "options": dict, "absent": bool}),
    "build": (Build, {"cls": str, "compiling": bool, "seed": int}),
    "call": (Call, {"instance": int, "rows": int, "seed": int, "form": str, "fails": bool}),
    "subclass": (Subclass, {"cls": str}),
    "undo": (Undo, {"cls": str}),
}


@dataclass(frozen=True)
class DecorationCase:
    """One tree, one workbench, and steps in order."""

    family: str
    tree: TreeSpec = field(default_factory=TreeSpec)
    wishes: Wishes = field(default_factory=Wishes)
    steps: tuple[Step, ...] = ()

    def to_json(self) -> str:
        """The case as one line of JSON."""
        steps = [{"do": type(step).__name__.lower(), **asdict(step)} for step in self.steps]
        return json.dumps({"kind": "decoration", **asdict(self), "steps": steps}, sort_keys=True)

    def size(self) -> tuple[int, ...]:
        """Fewer steps, a smaller tree with less that is odd, fewer rows, plainer words."""
        rows = sum(step.rows for step in self.steps if isinstance(step, Call))
        words = sum(len(str(step)) for step in self.steps) + len(str(self.wishes))
        return len(self.steps), self.tree.depth + len(self.tree.features), rows, len(str(self.tree)), words

    def __str__(self) -> str:
        return f"{self.family}: {self.tree} [{self.wishes}]: " + "; ".join(map(str, self.steps))


_CASE: Kinds = {"family": str, "tree": dict, "wishes": dict, "steps": list}
_TREE: Kinds = {"depth": int, "forward": str, "annotation": str, "features": list}
_OPTIONS: Kinds = {"component": str, "explicit": bool, "enabled": (bool, type(None))}


def decoration_case_from_data(data: object) -> DecorationCase:
    """The case from its parsed JSON.

    Raises:
        KeyError: a field is missing.
        TypeError: a field is unknown or of the wrong type.
    """
    fields = typed_fields("case", data, _CASE)
    tree = typed_fields("tree", fields["tree"], _TREE)
    return DecorationCase(
        fields["family"],
        TreeSpec(**{**tree, "features": tuple(tree["features"])}),
        wishes_from_data(fields["wishes"]),
        tuple(map(_step, fields["steps"])),
    )


def _step(data: object) -> Step:
    if not isinstance(data, dict) or data.get("do") not in _STEPS:
        raise TypeError(f"step {data!r} does none of {', '.join(_STEPS)}")
    make, kinds = _STEPS[data["do"]]
    fields = typed_fields("step", {name: value for name, value in data.items() if name != "do"}, kinds)
    if "options" in fields:
        fields = {**fields, "options": Options(**typed_fields("options", fields["options"], _OPTIONS))}
    made: Step = make(**fields)
    return made
