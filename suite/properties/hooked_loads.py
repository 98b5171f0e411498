"""Hooks on parts of a loaded model and of its plain twin, and whether both heard the same."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from torch import Tensor, nn

from suite.contract.verdict import Evidence, Verdict, violated
from suite.oracles.programs import difference
from suite.properties.loads import LOADED, LoadedBeside

Event = tuple[str, str, tuple[object, ...]]
"""Where a hook is, whether it comes before or after the forward, and what it was given."""


def outer_places(beside: LoadedBeside) -> tuple[str, ...]:
    """The model, its decoder, its encoders and its head: what is called from outside of compiled parts."""
    head = _head(beside.twin.model)
    paths = ("", beside.decoder, *beside.encoders, *([head] if head else []))
    return tuple(dict.fromkeys(paths))


def inner_places(beside: LoadedBeside) -> tuple[str, ...]:
    """The first layer of the decoder and of each encoder."""
    roots = (beside.decoder, *beside.encoders)
    return tuple(path for root in roots if (path := _first_layer(beside.twin.model, root)))


def _head(model: nn.Module) -> str:
    head = cast(Any, model).get_output_embeddings()
    return next((path for path, each in model.named_modules() if each is head and head is not None), "")


def _first_layer(model: nn.Module, root: str) -> str:
    below = model.get_submodule(root).named_modules()
    stacks = (path for path, each in below if isinstance(each, nn.ModuleList) and len(each))
    return next((f"{root}.{path}.0" for path in stacks), "")


@contextlib.contextmanager
def hooked(model: nn.Module, paths: Iterable[str]) -> Iterator[list[Event]]:
    """Hooks before and after each of the modules; they are gone at the end."""
    heard: list[Event] = []
    with contextlib.ExitStack() as stack:
        for path in paths:
            module = model.get_submodule(path)
            before = module.register_forward_pre_hook(_before(heard, path), with_kwargs=True)
            after = module.register_forward_hook(_after(heard, path), with_kwargs=True)
            stack.callback(before.remove)
            stack.callback(after.remove)
        yield heard


def _before(heard: list[Event], path: str) -> Any:  # noqa: ANN401 - torch's type of a hook is overloaded
    def hook(_: nn.Module, args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
        heard.append((path, "before", (args, dict(kwargs))))

    return hook


def _after(heard: list[Event], path: str) -> Any:  # noqa: ANN401 - torch's type of a hook is overloaded
    def hook(_: nn.Module, args: tuple[object, ...], kwargs: Mapping[str, object], output: object) -> None:
        heard.append((path, "after", (args, dict(kwargs), output)))

    return hook


def heard_alike(beside: LoadedBeside, paths: tuple[str, ...], tokens: int, *, when: str) -> Verdict | None:
    """A violation if hooks on the loaded model hear otherwise than those on its twin, or still hear when removed."""
    with hooked(beside.loaded.model, paths) as got, hooked(beside.twin.model, paths) as want:
        beside.loaded.logits(beside.twin.inputs(tokens))
        beside.twin.logits(tokens)
    first, second = (Counter((path or "the model", kind) for path, kind, _ in each) for each in (got, want))
    if first != second:
        wrong = sorted(key for key in {*first, *second} if first[key] != second[key])
        return violated(
            expected=f"hooks that came {when} fire as in eager: "
            + ", ".join(f"{second[key]} times {key[1]} {key[0]}" for key in wrong),
            actual=", ".join(f"{first[key]} times {key[1]} {key[0]}" for key in wrong),
            because="a compiled forward stands in the way of nn.Module.__call__, or was traced without the hooks",
        )
    return _values_alike(got, want, outer_places(beside), when=when) or _heard_afterwards(beside, got, tokens)


def _heard_afterwards(beside: LoadedBeside, got: list[Event], tokens: int) -> Verdict | None:
    """A violation if hooks that were removed hear of a call."""
    got.clear()
    beside.loaded.logits(beside.twin.inputs(tokens))
    if not got:
        return None
    return violated(
        expected="removed hooks hear nothing",
        actual=f"{len(got)} events, first {got[0][1]} {got[0][0] or 'the model'}",
        because="a program is used that was traced with them",
    )


def _values_alike(got: list[Event], want: list[Event], outer: tuple[str, ...], *, when: str) -> Verdict | None:
    def ordered(events: list[Event]) -> list[Event]:
        return sorted(events, key=lambda each: each[:2])

    for mine, his in zip(ordered(got), ordered(want), strict=True):
        # Traced, transformers hands its layers a mask that it leaves out in eager: there the outputs must do.
        first = 0 if mine[0] in outer else 2
        some, others = tensors(mine[2][first:]), tensors(his[2][first:])
        place = f"{mine[1]} {mine[0] or 'the model'}"
        expected = f"{len(others)} tensors, as in eager, for the hook {place} that came {when}"
        if [each.shape for each in some] != [each.shape for each in others]:
            shapes = ", ".join(str(tuple(each.shape)) for each in some)
            return violated(expected=expected, actual=f"{len(some)}: {shapes}", because=_OTHERS)
        for number, (one, other) in enumerate(zip(some, others, strict=True)):
            found = difference(LOADED, one, other, output=number, call=0)
            if found.mismatched:
                return violated(
                    expected=expected,
                    actual=f"tensor {number} differs by at most {found.max_abs:.3g}",
                    because=_OTHERS,
                    evidence=Evidence(arms=(found,), first_arm=LOADED),
                )
    return None


_OTHERS = "the hook is handed what the compiler made of the values, or values of another call"


def tensors(value: object) -> list[Tensor]:
    """All tensors in lists, tuples and mappings, in order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, Mapping):
        return [each for inner in value.values() for each in tensors(inner)]
    if isinstance(value, list | tuple):
        return [each for inner in value for each in tensors(inner)]
    return []
