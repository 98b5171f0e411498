"""Which dims of a forward's tensors vary, and how torch is told before the first trace (SPEC C3, D4)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, cast

from torch import Tensor
from torch._dynamo.decorators import mark_dynamic, mark_unbacked
from torch.fx.experimental import _config as shape_settings

from reference.compilation.annotations import (
    holds_tensor,
    is_of_tensors,
    is_optional,
    only_plain,
    only_tensors,
    resolved,
    spelled,
)
from reference.compilation.config import DynamicShapes

_Marks = list[tuple[str, Tensor, tuple[int, ...]]]
DimsWish = Mapping[str, int | Sequence[int]]
_NAMED = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class DecorationError(ValueError):
    """A class or a wish that cannot be decorated: the text names the class, what is valid and the remedy."""


@dataclass(frozen=True)
class DynamicDims:
    """Dims that vary, by argument; `rest` holds for every other tensor that comes through `**kwargs`."""

    named: tuple[tuple[str, tuple[int, ...]], ...]
    rest: tuple[int, ...] = ()

    def of(self, name: str, parameters: Mapping[str, inspect.Parameter]) -> tuple[int, ...]:
        """Dims of one argument."""
        return dict(self.named).get(name, () if name in parameters else self.rest)


class ForwardSignature:
    """What a forward takes, without `self`: names, annotations, and the check of one call's arguments.

    Raises:
        DecorationError: the forward takes no tensor.
    """

    def __init__(self, forward: Callable[..., object], *, class_name: str) -> None:
        self.class_name = class_name
        signature = inspect.signature(forward)
        kept = list(signature.parameters.values())[1:]
        self.signature = signature.replace(parameters=kept)
        self.parameters = {each.name: each for each in kept if each.kind in _NAMED}
        self.variadic = next((each.name for each in kept if each.kind is inspect.Parameter.VAR_KEYWORD), None)
        self.others = next((each.name for each in kept if each.kind is inspect.Parameter.VAR_POSITIONAL), None)
        source = inspect.unwrap(forward)
        self.annotations = {each.name: resolved(each.annotation, source) for each in kept}

    def infer(self) -> DynamicDims:
        """Dim 0 of every argument that is annotated as a tensor, alone, optional or in a container.

        Raises:
            DecorationError: no argument is.
        """
        taken = [*self.parameters, *([] if self.others is None else [self.others])]
        named = tuple((name, (0,)) for name in taken if holds_tensor(self.annotations[name]))
        rest = (0,) if self.variadic and holds_tensor(self.annotations[self.variadic]) else ()
        if not named and not rest:
            raise DecorationError(
                f"{self.class_name}.forward{self.signature} has no argument annotated as a tensor, so no dynamic dim "
                "can be inferred: annotate one with torch.Tensor, or give dynamic_arg_dims={'name': 0}."
            )
        return DynamicDims(named, rest)

    def explicit(self, wishes: DimsWish) -> DynamicDims:
        """The user's own dims. The names of `*args` and `**kwargs` stand for whatever comes through them unnamed.

        Raises:
            DecorationError: a name that the forward does not take, or dims that are not whole numbers.
        """
        known = {*self.parameters, self.others}
        unknown = [name for name in wishes if name not in known and self.variadic is None]
        if unknown:
            raise DecorationError(
                f"dynamic_arg_dims names {unknown[0]!r}, and {self.class_name}.forward does not take it: "
                f"name some of {', '.join(self.parameters) or 'nothing'}."
            )
        dims = {name: self._dims(name, wish) for name, wish in wishes.items()}
        rest = dims.pop(self.variadic, ()) if self.variadic is not None else ()
        if not dims and not rest:
            raise DecorationError(f"dynamic_arg_dims names no dim of {self.class_name}.forward: give {{'name': 0}}.")
        return DynamicDims(tuple(dims.items()), rest)

    def _dims(self, name: str, wish: object) -> tuple[int, ...]:
        dims = tuple(wish) if isinstance(wish, Sequence) and not isinstance(wish, str) else (wish,)
        for dim in dims:
            if isinstance(dim, bool) or not isinstance(dim, int):
                raise DecorationError(
                    f"dynamic_arg_dims[{name!r}]={wish!r} is no dim of {self.class_name}.forward's {name}: "
                    "give a whole number or several, for example 0 or (0, 1)."
                )
        return dims

    def arguments(self, args: Sequence[object], kwargs: Mapping[str, object]) -> dict[str, object]:
        """Every argument of one call by name, defaults included, those in `**kwargs` by their own names.

        Raises:
            TypeError: the call does not fit the signature, or a tensor stands where none is taken or the reverse.
        """
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{self.class_name}.forward{self.signature} was called wrongly: {error}.") from None
        bound.apply_defaults()
        arguments = dict(bound.arguments)
        through = arguments.pop(self.variadic, {}) if self.variadic is not None else {}
        for name, value in arguments.items():
            self.check(name, value)
        return {**arguments, **through}

    def check(self, name: str, value: object) -> None:
        """Refuses a value of the wrong kind for one argument, with the class, the argument and the type (SPEC D4)."""
        annotation = self.annotations[name]
        if name not in self.parameters or value is self.parameters[name].default:
            return
        if only_tensors(annotation) and not isinstance(value, Tensor):
            if (value is None and is_optional(annotation)) or is_of_tensors(value):
                return
            raise TypeError(self._wrong(name, "a Tensor" + (" or None" if is_optional(annotation) else ""), value))
        if isinstance(value, Tensor) and only_plain(annotation):
            raise TypeError(self._wrong(name, spelled(annotation), value))

    def _wrong(self, name: str, wanted: str, value: object) -> str:
        got = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
        return (
            f"{self.class_name}.forward: argument {name!r} takes {wanted}, not {got}: "
            f"check the order of the arguments against {self.signature}."
        )


def tensors_in(value: object) -> Iterator[Tensor]:
    """The tensor itself, or those in a list, tuple or mapping."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from tensors_in(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from tensors_in(each)


class DimensionMarker:
    """Puts torch's marks on tensors for the time of one trace, and takes them off again."""

    def mark(self, tensor: Tensor, dim: int, shapes: DynamicShapes) -> None:
        """Marks one dim. Unbacked, a size is never assumed to be other than 0 or 1, so one program serves them all."""
        if shapes is DynamicShapes.UNBACKED:
            mark_unbacked(tensor, dim)
        else:
            mark_dynamic(tensor, dim)

    def settings(self, shapes: DynamicShapes) -> AbstractContextManager[object]:
        """What must be in force while torch traces."""
        if shapes is DynamicShapes.BACKED_SIZE_OBLIVIOUS:
            setting: AbstractContextManager[object] = cast("Any", shape_settings).patch(backed_size_oblivious=True)
            return setting
        return nullcontext()

    def sizes(self, signature: ForwardSignature, dims: DynamicDims, given: Mapping[str, object]) -> tuple[int, ...]:
        """The sizes of all dims that `marked` marks."""
        chosen = _chosen(signature, dims, given)
        return tuple(
            each.shape[dim] for name, each, wanted in chosen for dim in _present(signature, name, each, wanted)
        )

    @contextmanager
    def marked(
        self, signature: ForwardSignature, dims: DynamicDims, arguments: Mapping[str, object], shapes: DynamicShapes
    ) -> Iterator[None]:
        """A context for the first trace. The tensors leave it as they came: a mark would outlive the call.

        Raises:
            ValueError: an argument has fewer dims than one of its dynamic dims.
        """
        chosen = _chosen(signature, dims, arguments)
        before = [(tensor, _attributes(tensor)) for _, tensor, _ in chosen]
        try:
            for name, tensor, wanted in chosen:
                for dim in _present(signature, name, tensor, wanted):
                    self.mark(tensor, dim, shapes)
            with self.settings(shapes):
                yield
        finally:
            for tensor, attributes in before:
                tensor.__dict__.clear()
                tensor.__dict__.update(attributes)


def _chosen(signature: ForwardSignature, dims: DynamicDims, arguments: Mapping[str, object]) -> _Marks:
    """Every tensor of a call with its argument and its dynamic dims, which may be counted from the end."""
    return [
        (name, tensor, dims.of(name, signature.parameters))
        for name, value in arguments.items()
        for tensor in tensors_in(value)
    ]


def _attributes(tensor: Tensor) -> dict[str, object]:
    """The tensor's own attributes; marks are collections that grow in place, so they are copied."""
    return {name: value.copy() if isinstance(value, set | dict) else value for name, value in vars(tensor).items()}


def _present(signature: ForwardSignature, name: str, tensor: Tensor, wanted: tuple[int, ...]) -> list[int]:
    """The wanted dims counted from 0. A scalar has none, unless one was asked for by name beyond dim 0."""
    dims = []
    for dim in wanted:
        if tensor.ndim == 0 and dim in (0, -1):
            continue
        if not -tensor.ndim <= dim < tensor.ndim:
            raise ValueError(
                f"{signature.class_name}.forward: dim {dim} of {name!r} cannot be dynamic, its shape is "
                f"{tuple(tensor.shape)}: give another dim in dynamic_arg_dims, or pass a tensor that has it."
            )
        dims.append(dim % tensor.ndim)
    return dims
