"""A case: model, configuration and history, as plain data that can be printed, stored and replayed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import cast

import torch

from models.api import Family, Grid, Item


class BadCase(ValueError):
    """A case file or id that cannot be replayed: the text says what is wrong with it."""


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

    def __str__(self) -> str:
        batches = ", ".join("[" + ", ".join(_name(item) for item in batch) + "]" for batch in self.history)
        wishes = [f"budgets {list(self.setup.budgets) or 'inferred'}"]
        wishes += [f"at most {self.setup.max_items} items"] if self.setup.max_items else []
        wishes += [] if self.setup.max_frames is None else [f"at most {self.setup.max_frames} frames"]
        wishes += [f"packer {self.setup.packer}"] if self.setup.packer else []
        wishes += [f"back end {self.setup.backend}"] if self.setup.backend else []
        wishes += [] if self.setup.enabled else ["graphs off"]
        return f"{self.family}: history [{batches}]  {'  '.join(wishes)}"


def _name(item: ItemSpec) -> str:
    marks = "v" if item.modality == "video" else ""
    marks += "" if item.fill is None else f"={item.fill}"
    marks += "" if item.photograph is None else f" photograph {item.photograph}"
    return f"{item.grid}{marks}"


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

    Raises:
        BadCase: a field is missing, unknown or of the wrong type.
    """
    try:
        fields = cast("dict[str, object]", data)
        setup = dict(cast("dict[str, object]", fields["setup"]))
        setup["budgets"] = tuple(cast("list[int]", setup["budgets"]))
        history = cast("list[list[dict[str, object]]]", fields["history"])
        batches = tuple(tuple(_item_from_data(item) for item in batch) for batch in history)
        return Case(family=str(fields["family"]), setup=Setup(**setup), history=batches)  # type: ignore[arg-type]  # checked by the dataclass: TypeError below
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadCase(f"not a case: {type(error).__name__}: {error}. Valid fields: family, setup, history.") from None


def _item_from_data(data: dict[str, object]) -> ItemSpec:
    grid = cast("dict[str, int]", data["grid"])
    return ItemSpec(**{**data, "grid": Grid(**grid)})  # type: ignore[arg-type]  # unknown fields raise TypeError


def draw_pixels(spec: ItemSpec, family: Family) -> Item:
    """The item of a spec: `pixels [rows, *row_shape]`, normal, or the constant `fill`.

    Only the seed and the size decide the values, so equal specs are equal items everywhere.
    """
    shape = (family.sizes.rows(spec.grid), *family.row_shape)
    if spec.fill is not None:
        return Item(spec.grid, torch.full(shape, spec.fill), spec.modality)
    generator = torch.Generator().manual_seed(spec.seed)
    return Item(spec.grid, torch.randn(shape, generator=generator), spec.modality)
