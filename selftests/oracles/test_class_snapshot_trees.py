"""On drawn class trees, whatever is changed in one class is seen in that class, and nothing is seen elsewhere."""

from __future__ import annotations

import abc
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FunctionType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suite.oracles.class_difference import differences
from suite.oracles.class_marks import signature_text
from suite.oracles.class_reading import relatives, signature
from suite.oracles.class_snapshot import snapshot


class Meta(type):
    """A metaclass that counts its classes, and registers what inherits."""

    made = 0

    def __init__(cls, *rest: object) -> None:
        super().__init__(*rest)
        Meta.made += 1


class Mixin:
    """A mixin that hears of every subclass."""

    heard = 0

    def __init_subclass__(cls) -> None:
        Mixin.heard += 1


@dataclass(frozen=True)
class Spec:
    """One class of a tree."""

    parent: int
    """Number of its parent among the classes before it, modulo their count."""
    is_mixed: bool
    is_slotted: bool


@dataclass(frozen=True)
class Tree:
    """A drawn tree; `kind` is the metaclass of all its classes."""

    kind: type
    specs: tuple[Spec, ...]

    def build(self) -> list[type]:
        """The classes, the root first."""
        classes: list[type] = [self.kind("Root", (), _entries(is_slotted=False))]
        for number, spec in enumerate(self.specs):
            parent = classes[spec.parent % len(classes)]
            bases = (parent, Mixin) if spec.is_mixed and not issubclass(parent, Mixin) else (parent,)
            classes.append(self.kind(f"Tower{number}", bases, _entries(is_slotted=spec.is_slotted)))
        return classes


trees = st.builds(
    Tree,
    st.sampled_from([type, Meta, abc.ABCMeta]),
    st.lists(st.builds(Spec, st.integers(0, 3), st.booleans(), st.booleans()), max_size=4).map(tuple),
)


def _entries(*, is_slotted: bool) -> dict[str, object]:
    def forward(self: object, x: int, *, scale: int = 1000) -> tuple[object, int]:
        """Scales."""
        return self, x * scale + len(text)

    def size(self: object) -> object:
        return self

    text = "closed over"
    slots = {"__slots__": ("held",)} if is_slotted else {}
    return {
        "__module__": __name__,
        "__doc__": "A tower of a tree.",
        "__annotations__": {"width": int},
        "forward": forward,
        "size": property(size),
        "make": classmethod(size),
        "options": {"heads": ["one", "two"]},
        "note": "".join(["no", "te"]),
        **slots,
    }


def _forward(cls: type) -> FunctionType:
    found = cls.__dict__["forward"]
    assert type(found) is FunctionType
    return found


def _set(name: str, make: Callable[[type], object]) -> Callable[[type], object]:
    return lambda cls: setattr(cls, name, make(cls))


def _copied(cls: type) -> FunctionType:
    own = _forward(cls)
    made = FunctionType(own.__code__, own.__globals__, own.__name__, own.__defaults__, own.__closure__)
    made.__kwdefaults__, made.__annotations__ = own.__kwdefaults__, own.__annotations__
    made.__doc__, made.__qualname__ = own.__doc__, own.__qualname__
    return made


def _wrap(cls: type) -> None:
    inner = _forward(cls)
    wrapped = _copied(cls)
    wrapped.__wrapped__ = inner  # type: ignore[attr-defined]  # as functools.wraps writes it
    cls.forward = wrapped  # type: ignore[attr-defined]  # that is the change


KEPT: list[type] = []


def _inherit(cls: type) -> None:
    KEPT.append(type(cls)("Later", (cls,), {"__module__": __name__}))


MUTATIONS: dict[str, tuple[Callable[[type], object], str]] = {
    "an equal text": (_set("note", lambda _: "".join(["no", "te"])), "__dict__"),
    "an equal dictionary": (_set("options", lambda _: {"heads": ["one", "two"]}), "__dict__"),
    "a list in a dictionary, in place": (lambda c: c.__dict__["options"]["heads"].append("three"), "__dict__"),
    "an equal function": (_set("forward", _copied), "__dict__"),
    "a wrapper": (_wrap, "functions"),
    "an equal property": (_set("size", lambda c: property(c.__dict__["size"].fget)), "__dict__"),
    "an equal class method": (_set("make", lambda c: classmethod(c.__dict__["make"].__func__)), "__dict__"),
    "a new entry": (_set("compiled", lambda _: True), "__dict__"),
    "an entry lost": (lambda c: delattr(c, "note"), "__dict__"),
    "a call of its own": (_set("__call__", lambda _: lambda self: self), "__dict__"),
    "a default": (lambda c: _forward(c).__kwdefaults__.update(scale=1001), "signature"),  # type: ignore[union-attr]
    "a given signature": (lambda c: setattr(_forward(c), "__signature__", inspect.signature(print)), "signature"),
    "a cell": (lambda c: setattr(_forward(c).__closure__[0], "cell_contents", ["t"]), "functions"),  # type: ignore[index]
    "a code": (lambda c: setattr(_forward(c), "__code__", _forward(c).__code__.replace(co_name="f")), "functions"),
    "a mark on a function": (lambda c: setattr(_forward(c), "is_compiled", True), "functions"),
    "an annotation": (lambda c: c.__annotations__.update(width=str), "annotations"),
    "an argument's annotation": (lambda c: _forward(c).__annotations__.pop("x"), "annotations"),
    "a docstring": (lambda c: setattr(c, "__doc__", "Other."), "docstring"),
    "a name": (lambda c: setattr(c, "__name__", "Other"), "name"),
    "no module": (lambda c: delattr(c, "__module__"), "name"),
    "a module": (lambda c: setattr(c, "__module__", "builtins"), "name"),
    "a subclass": (_inherit, "subclasses"),
}
"""What is done to one class, and the aspect that must tell of it."""


@pytest.fixture(autouse=True)
def _none_kept() -> Iterator[None]:
    yield
    KEPT.clear()


@settings(max_examples=60, deadline=None)
@given(trees, st.data())
def test_a_mutation_is_seen_where_it_is(tree: Tree, data: st.DataObject) -> None:
    """One thing in one class of the tree: seen there, in its aspect, and in no other class."""
    classes = tree.build()
    labels = {f"class {number}": cls for number, cls in enumerate(classes)}
    one = data.draw(st.sampled_from(sorted(labels)), label="class")
    name = data.draw(st.sampled_from(sorted(MUTATIONS)), label="mutation")
    mutate, aspect = MUTATIONS[name]
    before = snapshot(labels)
    counts = (Meta.made, Mixin.heard)
    assert differences(before, snapshot(labels)) == ()
    assert (Meta.made, Mixin.heard) == counts
    mutate(labels[one])
    changed = differences(before, snapshot(labels))
    assert (one, aspect) in {(each.subject, each.aspect) for each in changed}
    assert {each.subject for each in changed} == {one}


@pytest.mark.parametrize("name", MUTATIONS)
def test_every_mutation_is_seen_on_a_small_tree(name: str) -> None:
    """The same by name, on a class with a parent, a child and a sibling, all under one metaclass."""
    specs = (Spec(0, is_mixed=True, is_slotted=True), Spec(0, is_mixed=False, is_slotted=False))
    classes = Tree(Meta, (*specs, Spec(1, is_mixed=False, is_slotted=False))).build()
    labels = {f"class {number}": cls for number, cls in enumerate(classes)}
    mutate, aspect = MUTATIONS[name]
    before = snapshot(labels)
    mutate(classes[1])
    changed = differences(before, snapshot(labels))
    assert {each.subject for each in changed} == {"class 1"}
    assert aspect in {each.aspect for each in changed}
    assert Mixin in relatives(classes[1])


def _all_kinds(a: int, /, b: int, c: str = "x", *rest: int, d: int, e: float = 2.5, **more: object) -> None: ...
def _none() -> None: ...
def _keyword_only(*, a: int = 1, b: int) -> None: ...
def _positional_only(a: int, b: int = 2, /) -> None: ...


@pytest.mark.parametrize("function", [_all_kinds, _none, _keyword_only, _positional_only])
def test_a_signature_reads_as_python_says(function: FunctionType) -> None:
    """Every kind of argument, with its default, in the words of `inspect.signature`."""
    bare = FunctionType(function.__code__, {}, "bare", function.__defaults__)
    bare.__kwdefaults__ = function.__kwdefaults__
    assert signature_text(signature(function)) == str(inspect.signature(bare))


class _Slotted:
    __slots__ = ("__dict__", "empty", "forward")
    empty: object
    forward: object


def test_slots_are_attributes() -> None:
    """A slot that is filled, and one whose function is another; an instance need not be a module of torch."""
    one = _Slotted()
    one.forward = print
    before = snapshot([_Slotted], {"one": one})
    one.empty = 1
    one.forward = len
    seen = differences(before, snapshot([_Slotted], {"one": one}))
    assert {(each.aspect, each.what, each.before) for each in seen} == {
        ("attributes", "empty", "absent"),
        ("attributes", "forward", "builtin_function_or_method print"),
    }
