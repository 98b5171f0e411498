"""Each item alone through the bare tower, as a user calls it: no packing, no padding, no precomputed keyword."""

from __future__ import annotations

from functools import cache, lru_cache

from torch import Tensor

from models.api import Family, Item
from models.families import family as family_named
from models.photographs import photograph_items
from models.towers import Tower, build_tower
from suite.contract.case import AnyCase, Batch, ItemSpec, draw_pixels


@cache
def _tower(name: str) -> Tower:
    return build_tower(name)


@cache
def _photographs(name: str) -> tuple[Item, ...]:
    return tuple(photograph_items(family_named(name)))


def photographs(family: str) -> tuple[Item, ...]:
    """The real photographs of the repository, through transformers' own image processor for the family."""
    return _photographs(family)


def item(family: Family, spec: ItemSpec) -> Item:
    """The item of a spec, with pixels of its own: a subject that writes into them harms nobody else."""
    if spec.photograph is None:
        return draw_pixels(spec, family)
    real = _photographs(family.name)[spec.photograph]
    return Item(real.grid, real.pixels.clone(), real.modality)


def items(case: AnyCase, batch: Batch) -> list[Item]:
    """Fresh items of one batch of a case."""
    family = family_named(case.family)
    return [item(family, spec) for spec in batch]


@lru_cache(maxsize=2048)
def _solo(family: str, spec: ItemSpec) -> Tensor:
    alone = item(family_named(family), spec)
    return _tower(family).encode(alone.pixels, alone.grid)


def solo(family: str, spec: ItemSpec) -> Tensor:
    """The item alone in eager, `[tokens, width]`; equal items are computed once per process."""
    return _solo(family, spec).clone()


def solo_again(family: str, spec: ItemSpec) -> Tensor:
    """The same, computed afresh: eager against eager is the noise that no comparison can beat."""
    alone = item(family_named(family), spec)
    return _tower(family).encode(alone.pixels, alone.grid)
