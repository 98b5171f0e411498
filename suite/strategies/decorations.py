"""Programs of decoration: a tree of classes, and what users do with it, in the orders that decorators get wrong."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from hypothesis import strategies as st

from models.class_trees import ANNOTATIONS, BAD, CHAIN, FEATURES, FORWARDS, SIBLING
from suite.contract.decorating import Options, Wishes
from suite.contract.decoration import FORMS, Build, Call, Decorate, DecorationCase, Form, Step, Subclass, TreeSpec
from suite.contract.program import COMPONENTS
from suite.strategies.cases import Space
from suite.strategies.narrowing import narrowed
from suite.strategies.sizes import SEEDS

MANY = 7
"""Most rows of a call."""
COPYABLE = tuple(name for name in FEATURES if name != "slots")
"""`nn.Module` itself cannot be copied once it has slots."""
ENABLED = (None, True)
ROWS = st.sampled_from([3, 1, 2, 0, MANY])


@st.composite
def trees(draw: st.DrawFn, *, among: Collection[str] = FEATURES, depth: int = 2) -> TreeSpec:
    """A tree with any annotation and some features; the first one is one class with nothing odd about it."""
    below = draw(st.integers(0, depth), label="depth")
    last = max(1, len(among) // 2)
    features = [name for name in among if draw(st.integers(0, last), label=name) == last]
    return TreeSpec(
        below,
        draw(st.sampled_from(FORWARDS), label="forward") if below else FORWARDS[0],
        draw(st.sampled_from(tuple(ANNOTATIONS)), label="annotation"),
        tuple(sorted(features)),
    )


def options(enabled: Sequence[bool | None] = ENABLED) -> st.SearchStrategy[Options]:
    """Either component, dims given or inferred, with one of these answers of `enable_if`."""
    return st.builds(Options, st.sampled_from(COMPONENTS[::-1]), st.booleans(), st.sampled_from(tuple(enabled)))


def wishes(space: Space, modes: Sequence[str] = ("full",)) -> st.SearchStrategy[Wishes]:
    """One of these modes that the subject has, and the cheapest compiler of pieces."""
    quick = space.capabilities.compile_backends[:1] or ("eager",)
    had = [mode for mode in modes if mode in space.capabilities.compile_modes]
    return st.builds(Wishes, st.sampled_from(had), st.sampled_from(quick))


def calls(instance: int | st.SearchStrategy[int], forms: Sequence[Form] = FORMS) -> st.SearchStrategy[Call]:
    """A call of an instance."""
    number = st.just(instance) if isinstance(instance, int) else instance
    return st.builds(Call, number, ROWS, SEEDS, st.sampled_from(tuple(forms)))


def chain(tree: TreeSpec) -> tuple[str, ...]:
    """Classes of a tree that lie below each other, the root first."""
    return CHAIN[: tree.depth + 1]


@st.composite
def decorations(draw: st.DrawFn, space: Space) -> DecorationCase:
    """One or two classes of a chain are decorated; these, their kin and plain ones are built, and called."""
    tree = draw(trees(), label="tree")
    wanted = draw(st.lists(st.sampled_from(chain(tree)), min_size=1, max_size=2, unique=True), label="decorated")
    steps: list[Step] = [Build(wanted[0], compiling=False)]
    steps += [Decorate(name, draw(options((None, None, True, False)), label=f"options of {name}")) for name in wanted]
    steps += [Build(name, seed=number) for number, name in enumerate((*wanted, wanted[0]))]
    others = st.sampled_from([*chain(tree), SIBLING])
    steps.append(Build(draw(others, label="other"), compiling=False, seed=3))
    built = sum(isinstance(step, Build) for step in steps)
    form = draw(st.sampled_from(FORMS), label="form")
    order = draw(st.permutations(range(built)), label="order of calls")
    steps += [draw(calls(number, (form,)), label="call") for number in order]
    steps += draw(st.lists(calls(st.integers(0, built - 1), (form,)), max_size=3), label="more calls")
    modes = ("full", "full", "full", "stock", "none")
    return DecorationCase(space.family.name, tree, draw(wishes(space, modes), label="wishes"), tuple(steps))


@st.composite
def decorated_once(draw: st.DrawFn, space: Space, *, among: Collection[str] = FEATURES) -> DecorationCase:
    """A class is decorated, built and called once or twice; a plain instance of it is older."""
    tree = draw(trees(among=among), label="tree")
    name = draw(st.sampled_from(chain(tree)), label="class")
    steps: tuple[Step, ...] = (
        Build(name, compiling=False),
        Decorate(name, draw(options(), label="options")),
        Build(name, seed=1),
        *draw(st.lists(calls(1), min_size=1, max_size=2), label="calls"),
    )
    return DecorationCase(space.family.name, tree, draw(wishes(space), label="wishes"), steps)


def copied(space: Space) -> st.SearchStrategy[DecorationCase]:
    """As `decorated_once`, of classes whose instances can be copied."""
    return decorated_once(space, among=COPYABLE)


@st.composite
def again(draw: st.DrawFn, space: Space, *, otherwise: bool) -> DecorationCase:
    """A class is decorated twice, the second time with the same options or with others; instances before and after."""
    tree = draw(trees(depth=0), label="tree")
    first = draw(options((None, True, False) if otherwise else ENABLED), label="options")
    second = draw(options((None, True, False)).filter(lambda other: _differs(first, other))) if otherwise else first
    before = draw(st.booleans(), label="built before") or not otherwise
    built: list[Step] = [Build("Root")] if before else []
    steps: tuple[Step, ...] = (Decorate("Root", first), *built, Decorate("Root", second), Build("Root", seed=1))
    called = [draw(calls(number, ("defaults", "mixed")), label="call") for number in range(1 + before)][::-1]
    return DecorationCase(space.family.name, tree, draw(wishes(space), label="wishes"), (*steps, *called))


def _differs(one: Options, other: Options) -> bool:
    """Whether something that can be seen is other: dims that are given are those that are inferred."""
    return (one.component, one.enabled is False) != (other.component, other.enabled is False)


@st.composite
def constructions(draw: st.DrawFn, space: Space) -> DecorationCase:
    """Plain and compiling instances of several classes, none of them called; some decorations are repeated."""
    tree = draw(trees(), label="tree")
    names = draw(st.lists(st.sampled_from(chain(tree)), min_size=1, max_size=3), label="decorated")
    chosen = draw(options(), label="options")
    steps: list[Step] = [Decorate(name, chosen) for name in names]
    builds = st.builds(Build, st.sampled_from([*chain(tree), SIBLING]), st.booleans(), SEEDS)
    steps += [Build(names[0]), *draw(st.lists(builds, max_size=4), label="builds")]
    return DecorationCase(space.family.name, tree, draw(wishes(space, ("full", "none")), label="wishes"), tuple(steps))


@st.composite
def derived(draw: st.DrawFn, space: Space) -> DecorationCase:
    """A user derives from a decorated class, and may try to decorate that too."""
    tree = draw(trees(), label="tree")
    name = draw(st.sampled_from(chain(tree)), label="class")
    below = Subclass(name)
    chosen = draw(options(), label="options")
    more: list[Step] = [Decorate(below.name, chosen)] if draw(st.booleans(), label="decorated too") else []
    steps: tuple[Step, ...] = (Decorate(name, chosen), below, *more, Build(below.name, seed=1), Build(name))
    called = draw(st.permutations([draw(calls(0)), draw(calls(1))]), label="calls")
    return DecorationCase(space.family.name, tree, draw(wishes(space), label="wishes"), (*steps, *called))


@st.composite
def failing(draw: st.DrawFn, space: Space) -> DecorationCase:
    """A constructor or a forward raises in the middle; what comes after is sound."""
    tree = draw(trees(), label="tree")
    name = draw(st.sampled_from(chain(tree)), label="class")
    steps: list[Step] = [Decorate(name, draw(options(), label="options"))]
    steps += [Build(name, seed=-1)] if draw(st.booleans(), label="constructor fails") else []
    form = draw(st.sampled_from(FORMS[:2]), label="form")
    sound, again = draw(calls(0, (form,)), label="call"), draw(calls(0, (form,)), label="later call")
    fails = Call(0, rows=draw(ROWS), form=form, fails=True)
    steps += [Build(name), *([sound] if draw(st.booleans(), label="called before") else []), fails, again]
    return DecorationCase(space.family.name, tree, draw(wishes(space), label="wishes"), tuple(steps))


@st.composite
def at_once(draw: st.DrawFn, space: Space) -> DecorationCase:
    """Two decorations of one class, alike or not, and calls: each of two threads makes one, and all calls."""
    tree = draw(trees(depth=1), label="tree")
    name = draw(st.sampled_from(chain(tree)), label="class")
    first = draw(options(), label="options")
    second = draw(st.just(first) | options(), label="other options")
    called = draw(st.lists(calls(0), min_size=1, max_size=2), label="calls")
    steps: tuple[Step, ...] = (Decorate(name, first), Decorate(name, second), *called)
    return DecorationCase(space.family.name, tree, draw(wishes(space), label="wishes"), steps)


@st.composite
def forms_of_calls(draw: st.DrawFn, space: Space) -> DecorationCase:
    """Calls in several forms, in any order; arguments that go by name alone, by place alone or into `*rest`."""
    tree = draw(trees(among=("keyword", "positional", "rest", "counts")), label="tree")
    name = chain(tree)[-1]
    forms = draw(st.permutations(FORMS), label="forms")
    called = [Call(0, draw(ROWS), draw(SEEDS), form) for form in forms[: draw(st.integers(2, 4), label="calls")]]
    steps: tuple[Step, ...] = (Decorate(name, draw(options(), label="options")), Build(name, seed=1), *called)
    return DecorationCase(space.family.name, tree, draw(wishes(space), label="wishes"), steps)


@st.composite
def wrong_types(draw: st.DrawFn, space: Space) -> DecorationCase:
    """A compiling instance, cold or warm: the law itself calls it wrongly."""
    tree = draw(trees(among=("keyword", "positional", "rest")), label="tree")
    name = chain(tree)[-1]
    called = [draw(calls(0, ("positional",)))] if draw(st.integers(0, 4), label="warm") == 4 else []
    steps: tuple[Step, ...] = (Decorate(name, draw(options(), label="options")), Build(name, seed=1), *called)
    return DecorationCase(space.family.name, tree, draw(wishes(space), label="wishes"), steps)


@st.composite
def marches(draw: st.DrawFn, space: Space) -> DecorationCase:
    """Any first number of rows, then 0, 1, 2 and many in any order, all in one form, with dims inferred."""
    tree = draw(trees(among=("keyword", "positional", "rest", "counts", "mixin", "tied")), label="tree")
    name = chain(tree)[-1]
    form = draw(st.sampled_from((*FORMS[1:4], FORMS[0])), label="form")
    sizes = (draw(ROWS, label="first"), *draw(st.permutations((0, 1, 2, MANY)), label="sizes"))
    called = [Call(0, rows, draw(SEEDS), form) for rows in sizes]
    chosen = Options(draw(st.sampled_from(COMPONENTS[::-1]), label="component"))
    steps: tuple[Step, ...] = (Decorate(name, chosen), Build(name, seed=1), *called)
    return DecorationCase(space.family.name, tree, draw(wishes(space), label="wishes"), steps)


@st.composite
def refused(draw: st.DrawFn, space: Space) -> DecorationCase:
    """A class that cannot be decorated, or an argument that does not exist; the rest of the module is sound."""
    tree = draw(trees(depth=1), label="tree")
    bad = draw(st.sampled_from((*BAD, chain(tree)[-1])), label="class")
    chosen = Options(draw(st.sampled_from(COMPONENTS[::-1]), label="component"), explicit=bad not in BAD)
    steps: tuple[Step, ...] = (Build("Root", compiling=False), Decorate(bad, chosen, absent=bad not in BAD))
    return DecorationCase(space.family.name, tree, draw(wishes(space), label="wishes"), steps)


@st.composite
def undone(draw: st.DrawFn, space: Space) -> DecorationCase:
    """One or two classes are decorated, built and called: the law undoes the first."""
    tree = draw(trees(depth=1), label="tree")
    second = draw(st.booleans(), label="two") and SIBLING
    names = [chain(tree)[-1], *([second] if second else [])]
    chosen = draw(options(), label="options")
    steps: list[Step] = [Build(names[0], compiling=False), *(Decorate(name, chosen) for name in names)]
    steps += [Build(name, seed=1) for name in names]
    steps += [draw(calls(number + 1, ("defaults", "mixed")), label="call") for number in range(len(names))]
    return DecorationCase(space.family.name, tree, draw(wishes(space), label="wishes"), tuple(steps))


Programs = Callable[[Space], st.SearchStrategy[DecorationCase]]


def within_scope(programs: Programs) -> Programs:
    """The same programs, without what lies outside of the scope that a column declares."""
    return lambda space: programs(space).map(lambda case: narrowed(case, space.capabilities.decoration_scope))


_WHOLE: dict[str, Programs] = {
    "decorations": decorations,
    "decorated_once": decorated_once,
    "copied": copied,
    "decorated_again": lambda space: again(space, otherwise=False),
    "decorated_otherwise": lambda space: again(space, otherwise=True),
    "constructions": constructions,
    "derived": derived,
    "failing": failing,
    "at_once": at_once,
    "forms_of_calls": forms_of_calls,
    "wrong_types": wrong_types,
    "marches_of_rows": marches,
    "refused": refused,
    "undone": undone,
}
DECORATIONS: dict[str, Programs] = {name: within_scope(programs) for name, programs in _WHOLE.items()}
