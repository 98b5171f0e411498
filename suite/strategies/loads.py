"""Loads of whole models: one alone with its calls, and several in one process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from hypothesis import strategies as st

from models.whole import MODELS, whole_model
from models.whole.rope import DYNAMIC, LONG, SHAPES
from suite.contract.decorating import Wishes
from suite.contract.loading import LoadCase, ModelLoad, ModelSpec
from suite.contract.program import Mode
from suite.strategies.cases import Space
from suite.strategies.sizes import SEEDS

T = TypeVar("T")
SEEING = tuple(name for name, each in MODELS.items() if each.encoders)
"""Models with encoders for images, videos or sound."""
QUICK = ("opt", "gpt2", "bloom", "whisper", "llava")
"""Models that compile fastest, of several builds; some of them with encoders."""
ROPELESS = ("gpt2", "opt", "bart", "whisper")
LONGEST = 8
LENGTHS = st.integers(1, LONGEST)


def wishes(space: Space, name: str, *, modes: Sequence[Mode] = ("full",)) -> st.SearchStrategy[Wishes]:
    """Any of the modes that the subject has, with the cheapest compiler; of encoders nothing is said, or yes, or no."""
    said = [True, None, False] if name in SEEING else [None, True]
    backend = space.capabilities.compile_backends[0] if space.capabilities.compile_backends else "eager"
    had = [mode for mode in modes if mode in space.capabilities.compile_modes]
    return st.builds(Wishes, st.sampled_from(had), st.just(backend), st.sampled_from(said))


def specs(names: Sequence[str]) -> st.SearchStrategy[ModelSpec]:
    """One of the models, its decoder one layer deep or two."""
    return st.builds(ModelSpec, st.sampled_from(names), st.sampled_from([1, 1, 2]))


def lengths(least: int, most: int) -> st.SearchStrategy[tuple[int, ...]]:
    """So many calls with texts of different lengths."""
    return st.lists(LENGTHS, min_size=least, max_size=most, unique=True).map(tuple)


def turned(options: Sequence[T], space: Space) -> list[T]:
    """The options from another one on for each model: the first case of a search is the simplest, and one of few."""
    first = list(MODELS).index(space.model) % len(options)
    return [*options[first:], *options[:first]]


@st.composite
def _load(draw: st.DrawFn, space: Space, modes: Sequence[Mode], encoders: Sequence[bool | None]) -> ModelLoad:
    """A load of the space's model without calls."""
    layers = draw(st.sampled_from(turned((1, 1, 2), space)), label="layers")
    said = draw(wishes(space, space.model, modes=turned(modes, space)), label="wishes")
    if space.model in SEEING:
        said = replace(said, encoder=draw(st.sampled_from(turned(encoders, space)), label="encoder"))
    return ModelLoad(ModelSpec(space.model, layers), said, (), draw(SEEDS))


@st.composite
def loads(draw: st.DrawFn, space: Space) -> LoadCase:
    """The space's model, with two or three calls; one token is a program of its own, before the others or after."""
    load = draw(_load(space, ("full", "stock", "full", "none"), (True, None, False)), label="load")
    shape = draw(st.sampled_from(turned(("several", "one first", "several", "one last"), space)), label="order")
    several = draw(st.lists(st.integers(2, LONGEST), min_size=2, max_size=2, unique=True), label="lengths")
    calls = {"several": several, "one first": [1, *several], "one last": [*several, 1]}[shape]
    return _case(space, replace(load, calls=tuple(calls)))


@st.composite
def warm_loads(draw: st.DrawFn, space: Space) -> LoadCase:
    """The space's model, with one call that warms it up."""
    load = draw(_load(space, ("full", "full", "none", "full", "stock"), (None, True, True, False)), label="load")
    return _case(space, replace(load, calls=(draw(st.integers(2, LONGEST)),)))


@st.composite
def asked_encoders(draw: st.DrawFn, space: Space) -> LoadCase:
    """Any model with encoders, which are wished or not, and one call; some without any."""
    spec = draw(specs([*SEEING, *QUICK]), label="model")
    said = draw(wishes(space, spec.name, modes=("full", "full", "none")), label="wishes")
    return _case(space, ModelLoad(spec, said, (draw(st.integers(2, LONGEST)),), draw(SEEDS)))


@st.composite
def unasked_encoders(draw: st.DrawFn, space: Space) -> LoadCase:
    """Any model with encoders, of which nothing is said, or no."""
    spec = draw(specs(SEEING), label="model")
    said = draw(wishes(space, spec.name, modes=("full", "full", "stock")), label="wishes")
    said = replace(said, encoder=draw(st.sampled_from([None, None, False]), label="encoder"))
    return _case(space, ModelLoad(spec, said, (draw(st.integers(2, LONGEST)),), draw(SEEDS)))


@st.composite
def quiet_loads(draw: st.DrawFn, space: Space) -> LoadCase:
    """Any model under any wishes, without a call."""
    spec = draw(specs([*SEEING, *QUICK]), label="model")
    said = draw(wishes(space, spec.name, modes=("full", "stock", "none")), label="wishes")
    return _case(space, ModelLoad(spec, said, (), draw(SEEDS)))


@st.composite
def ropes(draw: st.DrawFn, space: Space) -> LoadCase:
    """A model in one of the shapes that its rotary parameters may have, or a model without any.

    A dynamic one is called with a text so long that its embedding changes, and then with a short one.
    """
    shapes = [(name, shape) for name, taken in SHAPES.items() for shape in taken]
    kinds = sorted({shape for _, shape in shapes})
    shape = draw(
        st.sampled_from(["missing", "nested", "dynamic", "nested", "dynamic", "nested", *kinds]), label="shape"
    )
    fitting = {
        "missing": [(name, "") for name in ROPELESS],
        "nested": [("modernbert", ""), ("gemma3", "")],
        **{kind: [pair for pair in shapes if pair[1] == kind] for kind in kinds},
    }
    name, rope = draw(st.sampled_from(fitting[shape]), label="model")
    calls = draw(lengths(1, 2), label="calls")
    if rope in DYNAMIC:
        calls = (calls[0], LONG, calls[-1])
    said = Wishes(encoder=draw(st.sampled_from([None, False]), label="encoder"))
    return _case(space, ModelLoad(ModelSpec(name, 1, rope), said, calls, draw(SEEDS)))


@st.composite
def texts(draw: st.DrawFn, space: Space) -> LoadCase:
    """Any model that does not loop over tokens, called with one token and with several, then with other lengths."""
    names = [name for name in MODELS if not whole_model(name).loops]
    spec = ModelSpec(draw(st.sampled_from(names), label="model"), 1)
    first, *others = draw(st.lists(st.integers(2, 16), min_size=3, max_size=5, unique=True), label="lengths")
    warm = draw(st.permutations([1, first]), label="warm-up")
    return _case(space, ModelLoad(spec, Wishes(), (*warm, *others), draw(SEEDS)))


@st.composite
def neighbours(draw: st.DrawFn, space: Space) -> LoadCase:
    """Two or three loads of one class with other weights; depths and wishes are the same or others."""
    name = draw(st.sampled_from([*QUICK[::-1], "whisper"]), label="model")
    count = draw(st.sampled_from([2, 2, 3]), label="loads")
    encoders = draw(st.permutations([True, None, False]) | st.just([True] * 3), label="encoders")
    loaded = []
    for encoder in encoders[:count]:
        spec = draw(specs([name]), label="spec")
        said = draw(wishes(space, name, modes=("full", "full", "full", "stock", "none")), label="wishes")
        said = replace(said, encoder=encoder)
        calls = (draw(st.integers(2, LONGEST)), draw(st.integers(2, LONGEST)))
        loaded.append(ModelLoad(spec, said, calls, draw(SEEDS)))
    return _case(space, *loaded)


@st.composite
def repeats(draw: st.DrawFn, space: Space) -> LoadCase:
    """The same load twice."""
    spec = draw(specs(QUICK), label="model")
    said = draw(wishes(space, spec.name, modes=("full", "full", "stock")), label="wishes")
    load = ModelLoad(spec, said, (draw(st.integers(2, LONGEST)),), draw(SEEDS))
    return _case(space, load, load)


@st.composite
def loads_at_once(draw: st.DrawFn, space: Space) -> LoadCase:
    """Two loads, of the same model or of two, in mode full."""
    names = draw(st.lists(st.sampled_from(QUICK[:4]), min_size=2, max_size=2), label="models")
    said = [draw(wishes(space, name), label="wishes") for name in names]
    calls = [(draw(st.integers(2, LONGEST)),) for _ in names]
    pairs = zip(names, said, calls, strict=True)
    return _case(space, *(ModelLoad(ModelSpec(name, 1), wish, call, draw(SEEDS)) for name, wish, call in pairs))


def _case(space: Space, *each: ModelLoad) -> LoadCase:
    return LoadCase(space.model, each)


LOADS: dict[str, Callable[[Space], st.SearchStrategy[LoadCase]]] = {
    "loads": loads,
    "warm_loads": warm_loads,
    "asked_encoders": asked_encoders,
    "unasked_encoders": unasked_encoders,
    "quiet_loads": quiet_loads,
    "ropes": ropes,
    "texts": texts,
    "neighbours": neighbours,
    "repeats": repeats,
    "loads_at_once": loads_at_once,
}
