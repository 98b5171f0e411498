"""A case: model, configuration and history, as plain data that can be printed, stored and replayed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import torch

from models.api import Family, Grid, Item


class BadCase(ValueError):
    """A case file or id that cannot be replayed: the text says what is wrong with it."""


class AnyCase(Protocol):
    """What every kind of case is: plain data with a family, a text, and a size to shrink by."""

    @property
    def family(self) -> str:
        """Name of the family that it runs on."""
        ...

    def to_json(self) -> str:
        """The case as one line of JSON; kinds other than `Case` carry their name under `kind`."""
        ...

    def size(self) -> tuple[int, ...]:
        """What makes one case simpler than another of its kind."""
        ...


@dataclass(frozen=True, order=True)
class ItemSpec:
    """One item, before its pixels exist: a size and a seed, or the number of a photograph."""

    grid: Grid
    seed: int = 0
    modality: str = "image"
    photograph: int | None = None
    fill: float | None = None
    """A constant for every pixel instead of random ones: NaN and huge values are drawn on purpose."""


Batch = tuple[ItemSpec, ...]


@dataclass(frozen=True)
class Setup:
    """How a subject is configured. Empty, 0 and None mean: let the subject infer it (SPEC G1)."""

    budgets: tuple[int, ...] = ()
    max_items: int = 0
    max_frames: int | None = None
    enabled: bool = True
    packer: str | None = None
    """One of the subject's own packers; None: its default."""
    backend: str | None = None
    """One of the attention back ends; None: the subject's default."""


@dataclass(frozen=True)
class Case:
    """What one example of a law runs."""

    family: str
    setup: Setup = field(default_factory=Setup)
    history: tuple[Batch, ...] = ()

    def to_json(self) -> str:
        """The case as one line of JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    def size(self) -> tuple[int, ...]:
        """Fewer items, fewer patches, fewer batches, fewer and lower budgets are simpler."""
        items = [item for batch in self.history for item in batch]
        budgets = [budget for budget in self.setup.budgets if isinstance(budget, int)]
        patches = sum(item.grid.patches for item in items)
        return len(items), patches, len(self.history), len(self.setup.budgets), sum(budgets)

    def __str__(self) -> str:
        wishes = [f"budgets {list(self.setup.budgets) or 'inferred'}"]
        wishes += [f"at most {self.setup.max_items} items"] if self.setup.max_items else []
        wishes += [] if self.setup.max_frames is None else [f"at most {self.setup.max_frames} frames"]
        wishes += [f"packer {self.setup.packer}"] if self.setup.packer else []
        wishes += [f"back end {self.setup.backend}"] if self.setup.backend else []
        wishes += [] if self.setup.enabled else ["graphs off"]
        return f"{self.family}: history {batches_text(self.history)}  {'  '.join(wishes)}"


def batches_text(history: tuple[Batch, ...]) -> str:
    """The sizes of all batches, for the text of a case."""
    return "[" + ", ".join("[" + ", ".join(_name(item) for item in batch) + "]" for batch in history) + "]"


def _name(item: ItemSpec) -> str:
    marks = "v" if item.modality == "video" else ""
    marks += "" if item.fill is None else f"={item.fill}"
    marks += "" if item.photograph is None else f" photograph {item.photograph}"
    return f"{item.grid}{marks}"


Kinds = Mapping[str, type | tuple[type, ...]]

_NOTHING = type(None)
_CASE: Kinds = {"family": str, "setup": dict, "history": list}
_ITEM: Kinds = {
    "grid": dict,
    "seed": int,
    "modality": str,
    "photograph": (int, _NOTHING),
    "fill": (int, float, _NOTHING),
}
_GRID: Kinds = {"frames": int, "height": int, "width": int}


def case_from_json(text: str) -> Case:
    """The case that `Case.to_json` wrote.

    Raises:
        BadCase: anything else.
    """
    try:
        return case_from_data(json.loads(text))
    except json.JSONDecodeError as error:
        raise BadCase(f"not a case: {error}. A case is what `python -m suite replay` was given before.") from None


def case_from_data(data: object) -> Case:
    """The case from its parsed JSON.

    The types of a setup's values are not looked at: wrong ones are drawn on purpose.

    Raises:
        BadCase: a field is missing, unknown or of the wrong type.
    """
    try:
        fields = typed_fields("case", data, _CASE)
        return Case(fields["family"], setup_from_data(fields["setup"]), batches_from_data(fields["history"]))
    except (KeyError, TypeError) as error:
        raise BadCase(f"not a case: {type(error).__name__}: {error}. Valid fields: family, setup, history.") from None


def setup_from_data(data: dict[str, Any]) -> Setup:
    """The setup from its parsed JSON.

    Raises:
        TypeError: a field is unknown, or there is no list of budgets.
    """
    if not isinstance(data.get("budgets"), list):
        raise TypeError("budgets is no list")
    return Setup(**{**data, "budgets": tuple(data["budgets"])})


def batches_from_data(data: list[Any]) -> tuple[Batch, ...]:
    """The history from its parsed JSON.

    Raises:
        KeyError: a field of an item is missing.
        TypeError: a field of an item is unknown or of the wrong type.
    """
    return tuple(tuple(_item_from_data(item) for item in batch) for batch in data)


def _item_from_data(data: object) -> ItemSpec:
    fields = typed_fields("item", data, _ITEM)
    sides = typed_fields("grid", fields["grid"], _GRID)
    return ItemSpec(**{**fields, "grid": Grid(**sides)})


def typed_fields(what: str, data: object, kinds: Kinds) -> dict[str, Any]:
    """The object's fields, once each is there and of its kind.

    Raises:
        KeyError: a field is missing.
        TypeError: there is another field, or a value of another type.
    """
    if not isinstance(data, dict) or not data.keys() <= kinds.keys():
        raise TypeError(f"{what} {data!r} is not an object with {', '.join(kinds)}")
    for name, kind in kinds.items():
        if not isinstance(data[name], kind):
            raise TypeError(f"{name} of the {what} is {data[name]!r}")
    return data


def draw_pixels(spec: ItemSpec, family: Family) -> Item:
    """The item of a spec: `pixels [rows, *row_shape]`, normal, or the constant `fill`.

    Only the seed and the size decide the values, so equal specs are equal items everywhere.
    """
    shape = (family.sizes.rows(spec.grid), *family.row_shape)
    if spec.fill is not None:
        return Item(spec.grid, torch.full(shape, spec.fill), spec.modality)
    generator = torch.Generator().manual_seed(spec.seed)
    return Item(spec.grid, torch.randn(shape, generator=generator), spec.modality)
