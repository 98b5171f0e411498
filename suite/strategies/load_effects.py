"""Loads for laws on what loading may not change: lone ones, hooked, copied, undone, refused and broken ones."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

from models.whole import MODELS, whole_model
from models.whole.strange import BREAKING, REFUSED, STRANGE
from suite.contract.decorating import Wishes
from suite.contract.loading import LoadCase, ModelLoad, ModelSpec
from suite.contract.program import Mode
from suite.strategies.cases import Space
from suite.strategies.sizes import SEEDS

CALLED = ("llama", "llava", "whisper")
"""Models that are mostly called: one of text, one that sees, one that hears. Compiling takes a second."""
FEW = ("llava", "llama", "whisper", "gpt2", "qwen3", "gemma3", "bert", "t5")
"""Models for laws that must compile in every case."""
TOKENS = st.sampled_from((5, 2, 9))


def _wishes(name: str, *, modes: tuple[Mode, ...] = ("full",)) -> st.SearchStrategy[Wishes]:
    """Wishes that every subject grants; encoders compile first of all."""
    sees = bool(whole_model(name).encoders)
    return st.builds(
        Wishes, mode=st.sampled_from(modes), encoder=st.sampled_from((True, None, False) if sees else (None, False))
    )


@st.composite
def lone_loads(draw: st.DrawFn, space: Space) -> LoadCase:
    """One load of the cell's own model, which is called or not."""
    wishes = draw(_wishes(space.name, modes=("full", "full", "stock", "none")), label="wishes")
    often = [(draw(TOKENS, label="tokens"),), ()]
    calls = draw(st.sampled_from(often if space.name in CALLED else [*often[::-1], (), ()]), label="calls")
    model = ModelSpec(space.name, layers=draw(st.sampled_from((2, 1)), label="layers"))
    return LoadCase(space.name, (ModelLoad(model, wishes, calls, draw(SEEDS, label="seed")),))


def _loads(count: int, calls: st.SearchStrategy[tuple[int, ...]]) -> Callable[[Space], st.SearchStrategy[LoadCase]]:
    """Some loads of one of a few models; each is called alike often, and all compile."""

    @st.composite
    def draw_loads(draw: st.DrawFn, space: Space) -> LoadCase:
        name = draw(st.sampled_from(FEW), label="model")
        wishes = draw(_wishes(name), label="wishes")
        # One program serves equal lengths: others would be another trace for some models.
        tokens = draw(calls, label="calls")
        loads = tuple(ModelLoad(ModelSpec(name), wishes, tokens, draw(SEEDS, label="seed")) for _ in range(count))
        return LoadCase(space.name, loads)

    return draw_loads


@st.composite
def hooked_loads(draw: st.DrawFn, space: Space) -> LoadCase:
    """A load that is called once before hooks come, and one of which they are there from the start."""
    name = draw(st.sampled_from(FEW), label="model")
    wishes, tokens = draw(_wishes(name), label="wishes"), draw(TOKENS, label="tokens")
    late = ModelLoad(ModelSpec(name), wishes, (tokens, tokens), draw(SEEDS, label="seed"))
    early = ModelLoad(ModelSpec(name), wishes, (tokens,), draw(SEEDS, label="seed"))
    chosen = draw(st.sampled_from([(late, early), (late,), (early,)]), label="when")
    return LoadCase(space.name, chosen)


@st.composite
def given_configurations(draw: st.DrawFn, space: Space) -> LoadCase:
    """One load of any model, without a call; nested configurations first."""
    name = draw(st.sampled_from(("llava", "llama", *MODELS)), label="model")
    wishes = draw(_wishes(name, modes=("full", "none")), label="wishes")
    model = ModelSpec(name, layers=draw(st.sampled_from((2, 1)), label="layers"))
    return LoadCase(space.name, (ModelLoad(model, wishes),))


def _odd(name: str, *, seed: int = 0) -> ModelLoad:
    wishes = Wishes(encoder=True if STRANGE[name].encoder else None)
    return ModelLoad(ModelSpec(name), wishes, (5,), seed)


@st.composite
def refused_loads(draw: st.DrawFn, space: Space) -> LoadCase:
    """One or two loads of something that is not as it should be."""
    names = st.lists(st.sampled_from(tuple(REFUSED)), min_size=1, max_size=2, unique=True)
    return LoadCase(space.name, tuple(_odd(name) for name in draw(names, label="what")))


@st.composite
def broken_loads(draw: st.DrawFn, space: Space) -> LoadCase:
    """A load that breaks half-way, whose classes are loaded again as they should be."""
    name = draw(st.sampled_from(tuple(BREAKING)), label="what")
    return LoadCase(space.name, (_odd(name, seed=draw(SEEDS, label="seed")),))


@st.composite
def imports(draw: st.DrawFn, space: Space) -> LoadCase:
    """A plain model, of which nothing is loaded, in a process that imports what loads models."""
    name = draw(st.sampled_from(("llama", "llava")), label="model")
    return LoadCase(space.name, (ModelLoad(ModelSpec(name)),))


LOAD_EFFECTS: dict[str, Callable[[Space], st.SearchStrategy[LoadCase]]] = {
    "lone_loads": lone_loads,
    "hooked_loads": hooked_loads,
    "copied_loads": _loads(1, st.tuples(TOKENS)),
    "undone_loads": _loads(2, st.tuples(TOKENS)),
    "dropped_loads": _loads(1, st.just(())),
    "given_configurations": given_configurations,
    "refused_loads": refused_loads,
    "broken_loads": broken_loads,
    "imports": imports,
}


def _any_load(holds: Callable[[ModelLoad], bool]) -> Callable[[LoadCase], bool]:
    return lambda case: any(map(holds, case.loads))


def _is(name: str) -> Callable[[LoadCase], bool]:
    return _any_load(lambda load: load.model.name == name)


LOAD_EFFECT_LABELS: dict[str, Callable[[LoadCase], bool]] = {
    "load-called": _any_load(lambda load: bool(load.calls)),
    "load-not-called": _any_load(lambda load: not load.calls),
    "hooks-come-late": _any_load(lambda load: len(load.calls) == 2),
    "hooks-come-early": _any_load(lambda load: len(load.calls) == 1),
    "encoders-wished": _any_load(lambda load: load.wishes.encoder is True),
    "load-mode-none": _any_load(lambda load: load.wishes.mode == "none"),
    "load-mode-stock": _any_load(lambda load: load.wishes.mode == "stock"),
    **{f"strange-{name.replace(' ', '-')}": _is(name) for name in STRANGE},
}
