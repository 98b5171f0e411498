"""Which dims are dynamic, and the check of arguments (SPEC C3, D4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Optional

import pytest
import torch
from torch import Tensor

from reference.compilation.config import DynamicShapes
from reference.compilation.dynamic_dims import DecorationError, DimensionMarker, ForwardSignature

if TYPE_CHECKING:
    from torch import IntTensor


class Forwards:
    """Forwards whose annotations are of every form."""

    def plain(self, x: Tensor, n: int, *, y: torch.FloatTensor) -> None:
        """Tensors alone."""

    def optional(self, x: Optional[Tensor] = None, y: torch.LongTensor | None = None, n: int | None = None) -> None:  # noqa: UP045
        """Optionals of both forms."""

    def unresolved(self, x: IntTensor, y: IntTensor | None, n: NoSuchName) -> None:  # type: ignore[name-defined]  # noqa: F821
        """Names that do not exist at run time."""

    def containers(self, x: tuple[Tensor, Tensor] | None, y: list[int], **rest: Tensor) -> None:
        """Tensors in containers and by keyword."""

    def nothing(self, n: int, text: str = "Tensor") -> None:
        """No tensor."""


def signature(forward: Callable[..., object]) -> ForwardSignature:
    """Of one of the forwards."""
    return ForwardSignature(forward, class_name="Forwards")


@pytest.mark.parametrize(
    ("forward", "names"),
    [
        (Forwards.plain, {"x", "y"}),
        (Forwards.optional, {"x", "y"}),
        (Forwards.unresolved, {"x", "y"}),
        (Forwards.containers, {"x"}),
    ],
)
def test_dims_are_inferred_from_annotations(forward: Callable[..., object], names: set[str]) -> None:
    """Dim 0 of every tensor."""
    dims = signature(forward).infer()
    assert dict(dims.named) == dict.fromkeys(names, (0,))
    assert dims.rest == ((0,) if forward is Forwards.containers else ())


def test_no_tensor_and_unknown_names_are_refused() -> None:
    """With the class and what there is."""
    with pytest.raises(DecorationError, match=r"Forwards\.forward\(n.* no argument annotated as a tensor"):
        signature(Forwards.nothing).infer()
    with pytest.raises(DecorationError, match=r"'z', and Forwards\.forward does not take it: name some of x, n, y"):
        signature(Forwards.plain).explicit({"z": 0})
    with pytest.raises(DecorationError, match=r"\['x'\]='0'"):
        signature(Forwards.plain).explicit({"x": "0"})  # type: ignore[dict-item]  # the point of the test
    with pytest.raises(DecorationError, match="names no dim"):
        signature(Forwards.plain).explicit({})


def test_explicit_dims_reach_through_keywords() -> None:
    """A name that comes through `**rest`, and all others of them."""
    taken = signature(Forwards.containers)
    dims = taken.explicit({"x": (0, -1), "cu_seqlens": 0, "rest": 1})
    assert dims.of("x", taken.parameters) == (0, -1)
    assert dims.of("cu_seqlens", taken.parameters) == (0,)
    assert dims.of("other", taken.parameters) == (1,)
    assert dims.of("y", taken.parameters) == ()


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ((3, torch.ones(1)), r"Forwards\.forward: argument 'x' takes a Tensor, not int"),
        ((None, 3), r"argument 'x' takes a Tensor, not NoneType"),
        ((torch.ones(1), torch.ones(1)), r"argument 'n' takes int, not torch\.Tensor"),
        ((torch.ones(1), 1, 2), r"Forwards\.forward\(x.* was called wrongly: too many positional"),
    ],
)
def test_arguments_in_the_wrong_place_are_named(args: tuple[object, ...], text: str) -> None:
    """Class, argument and type (SPEC D4)."""
    with pytest.raises(TypeError, match=text):
        signature(Forwards.plain).arguments(args, {"y": torch.ones(1)} if len(args) == 2 else {})


def test_positions_and_keywords_give_the_same_arguments() -> None:
    """Defaults included."""
    x = torch.ones(2)
    taken = signature(Forwards.optional)
    assert taken.arguments((x,), {}) == taken.arguments((), {"x": x, "y": None})


@pytest.mark.parametrize("shapes", DynamicShapes)
def test_marks_are_taken_off_again(shapes: DynamicShapes) -> None:
    """And what was there before stays."""
    x, old = torch.ones(3, 2), torch.ones(2)
    torch._dynamo.mark_dynamic(old, 0)  # noqa: SLF001  (its public home)
    before = dict(vars(old))
    taken = signature(Forwards.containers)
    arguments = {"x": (x, old), "y": [1], "scalar": torch.tensor(1)}
    with DimensionMarker().marked(taken, taken.infer(), arguments, shapes):
        assert vars(x)
    assert not vars(x)
    assert vars(old) == before


def test_a_dim_that_is_not_there_is_named() -> None:
    """Only a scalar may lack dim 0."""
    taken = signature(Forwards.plain)
    wish = taken.explicit({"x": 2})
    with (
        pytest.raises(ValueError, match=r"dim 2 of 'x' cannot be dynamic, its shape is \(3,\)"),
        DimensionMarker().marked(taken, wish, {"x": torch.ones(3)}, DynamicShapes.UNBACKED),
    ):
        pass
