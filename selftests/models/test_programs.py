"""The programs are what they say: deterministic, sensitive to what they bake, and hard in their own way."""

from __future__ import annotations

import inspect
import os

import pytest
import torch
from torch import Tensor

from models import programs
from models.families import FAMILIES, family
from models.programs.grids import grid_of, largest

LARGE = 1e-3
"""A difference that no rounding makes."""


def _outputs(name: str, sizes: tuple[int, ...] = (3, 2), **wishes: object) -> tuple[Tensor, ...]:
    """What a program gives in eager; `optional` and `seed` go to its inputs, all else to the program."""
    of_inputs = {key: wishes.pop(key) for key in ("optional", "seed") if key in wishes}
    given = programs.inputs(name, sizes, **of_inputs)  # type: ignore[arg-type]  # a table of any wishes
    outputs = programs.build(name, **wishes)(**given)  # type: ignore[arg-type]  # a table of any wishes
    return outputs if isinstance(outputs, tuple) else (outputs,)


def _differ(one: tuple[Tensor, ...], other: tuple[Tensor, ...]) -> bool:
    pairs = [(a, b) for a, b in zip(one, other, strict=False) if a.is_floating_point()]
    return len(one) != len(other) or any(bool(((a - b).abs() > LARGE).any()) for a, b in pairs)


@pytest.mark.parametrize("name", programs.NAMES)
def test_equal_descriptions_give_equal_programs(name: str) -> None:
    """Weights and inputs follow from name, instance and seed alone."""
    assert not _differ(_outputs(name), _outputs(name))
    assert _differ(_outputs(name), _outputs(name, seed=1))


WEIGHTED = [name for name in programs.NAMES if any(True for _ in programs.build(name).parameters())]


@pytest.mark.parametrize("name", WEIGHTED)
def test_instances_have_weights_of_their_own(name: str) -> None:
    """Another instance gives other values from equal inputs."""
    assert _differ(_outputs(name), _outputs(name, instance=1))


@pytest.mark.parametrize("name", [*programs.SMALL, *programs.LIKENESSES, "decoder"])
def test_what_is_baked_changes_the_values(name: str) -> None:
    """Each thing that a program says that it bakes changes its outputs, and nothing else does."""
    plain = _outputs(name)
    changed = {
        "scale": _differ(plain, _outputs(name, scale=0.25)),
        "depth": _differ(plain, _outputs(name, depth=2)),
        "optional": _differ(plain, _outputs(name, optional=True)),
    }
    with programs.environment("negate"):
        changed["environment"] = _differ(plain, _outputs(name))
    assert {wish for wish, is_changed in changed.items() if is_changed} == programs.program(name).bakes


@pytest.mark.parametrize("name", [*programs.SMALL, "decoder"])
def test_items_see_themselves_alone(name: str) -> None:
    """A program that is told where items begin gives other values for other borders, and an item its own."""
    known = programs.program(name)
    if known.items:
        whole, parts = _outputs(name, (4, 3)), _outputs(name, (3, 4))
        assert _differ(whole, parts)
    assert known.items == ("offsets" in known.dynamic)


@pytest.mark.parametrize("name", programs.SMALL)
def test_a_call_may_have_no_rows(name: str) -> None:
    """No rows, no items, and items without rows run in eager."""
    for sizes in ((), (0,), (0, 2, 0)):
        assert all(bool(torch.isfinite(each).all()) for each in _outputs(name, sizes) if each.is_floating_point())


@pytest.mark.parametrize("name", programs.NAMES)
def test_what_varies_is_declared(name: str) -> None:
    """Exactly the arguments whose sizes differ between two calls are declared, at the dimension that differs."""
    known = programs.program(name)
    one = programs.inputs(name, (1,), optional=True)
    other = programs.inputs(name, (2, 3), optional=True)
    varying = {
        key: [dim for dim in range(value.ndim) if value.shape[dim] != other[key].shape[dim]]
        for key, value in one.items()
    }
    assert {key: dims for key, dims in varying.items() if dims} == {key: [dim] for key, dim in known.dynamic.items()}
    assert len(other[known.size]) == 5 * known.rows_per_unit
    assert set(one) <= set(inspect.signature(known.module.forward).parameters)


@pytest.mark.parametrize("name", [each.name for each in FAMILIES])
def test_every_tower_is_a_program(name: str) -> None:
    """All metadata of a family fits the program's forward, and what varies is declared."""
    known = programs.program("tower", family=name)
    given = programs.inputs("tower", (1, 2), family=name)
    sizes = family(name).sizes
    assert set(known.dynamic) <= set(given) <= set(inspect.signature(known.module.forward).parameters)
    encoded = programs.build("tower", family=name)(**given)
    assert encoded.shape == (3 * sizes.unit, family(name).width)
    assert _differ((encoded,), (programs.build("tower", family=name, instance=1)(**given),))


@pytest.mark.parametrize("name", [each.name for each in FAMILIES])
def test_images_of_every_size_exist(name: str) -> None:
    """An image of any number of units up to the largest, by any seed; none beyond."""
    sizes = family(name).sizes
    for units in range(1, largest(sizes) + 1):
        for seed in (0, 1):
            grid = grid_of(sizes, units, seed)
            assert sizes.accepts(grid)
            assert sizes.tokens(grid) == units * sizes.unit
    with pytest.raises(ValueError, match="give 1 to"):
        grid_of(sizes, largest(sizes) + 1, 0)


def test_layouts_are_odd() -> None:
    """Views, aliases, strides, dtypes and writes are there in eager: the laws about them look at something."""
    given = programs.inputs("view", (3,))
    view, fresh = programs.build("view")(**given)
    assert view.data_ptr() == given["rows"][:, 2:].data_ptr()
    assert fresh.data_ptr() != given["rows"].data_ptr()
    given = programs.inputs("aliases", (3,))
    same, one, other = programs.build("aliases")(**given)
    assert same is given["rows"]
    assert one.data_ptr() == other.data_ptr()
    assert not any(each.is_contiguous() for each in _outputs("strided"))
    assert [each.dtype for each in _outputs("dtypes")] == [torch.float32, torch.bfloat16, torch.int64, torch.bool]
    given = programs.inputs("mutates", (3,))
    programs.build("mutates")(**given)
    assert not torch.equal(given["rows"], programs.inputs("mutates", (3,))["rows"])


def test_layers_look_alike() -> None:
    """The layers of `constants` differ in numbers alone, and give other values."""
    first, second, third = _outputs("constants", depth=3)
    assert _differ((first,), (second,))
    assert _differ((second,), (third,))


def test_the_environment_is_put_back() -> None:
    """What was set before is set after, and what was not is not."""
    with programs.environment("double"), programs.environment("negate"):
        assert os.environ[programs.VARIABLE] == "negate"
    assert programs.VARIABLE not in os.environ


def test_an_unknown_program_is_refused() -> None:
    """The text lists those that exist."""
    with pytest.raises(programs.UnknownProgram, match="choose one of block"):
        programs.build("no such program")
