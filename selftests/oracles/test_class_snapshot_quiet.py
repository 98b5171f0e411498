"""A snapshot runs nothing, holds nothing, and reports nothing where nothing changed; its words and its errors."""

from __future__ import annotations

import abc
import copy
import gc
import inspect
import pickle
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import ClassVar

import pytest
import torch
from torch import nn

from suite.oracles.class_aspects import PROBES
from suite.oracles.class_difference import Change, differences, outside, rows
from suite.oracles.class_probes import survivors
from suite.oracles.class_reading import relatives
from suite.oracles.class_snapshot import snapshot
from suite.oracles.instance_snapshot import HOOK_KINDS

LOG: list[str] = []
"""What the touchy classes below were asked."""


def _noted(name: str) -> Callable[..., object]:
    def note(*_: object, **__: object) -> object:
        LOG.append(name)
        raise AssertionError(f"{name} was called")

    return note


LISTENED = (
    *("__getattribute__", "__getattr__", "__eq__", "__hash__", "__repr__", "__str__", "__iter__", "__len__"),
    *("__bool__", "__get__", "__dir__", "__contains__", "__reduce_ex__", "__deepcopy__", "__call__"),
)


@pytest.fixture
def touchy() -> Iterator[tuple[type, object]]:
    """A class whose metaclass, attributes and instance complain of whatever is asked of them."""
    asked = ("__instancecheck__", "__subclasscheck__", "__subclasses__", "mro", "__prepare__")
    meta = type("Meta", (type,), {})
    value = type("Value", (), {name: _noted(f"value {name}") for name in LISTENED})()
    entries = {
        "__module__": "touchy",
        "__slots__": ("held", "unset", "__dict__", "__weakref__"),
        "__init_subclass__": _noted("__init_subclass__"),
        "__class__": property(_noted("__class__")),
        "value": value,
        "values": [value, {"one": value}, (value,)],
        "ask": property(_noted("property")),
        "forward": lambda _, x=value: x,
    }
    cls = meta("Touchy", (), entries)
    one = cls()
    one.held = value
    one.free = value
    for name in LISTENED:
        setattr(cls, name, _noted(f"instance {name}"))
    for name in (*asked, *LISTENED):
        if name != "__call__":
            setattr(meta, name, _noted(f"class {name}"))
    LOG.clear()
    yield cls, one
    for name in (*asked, *LISTENED):
        if name != "__call__":
            type.__delattr__(meta, name)


def test_nothing_of_the_subject_runs(touchy: tuple[type, object]) -> None:
    """Metaclass, properties, descriptors, comparisons and `__getattr__` are left alone, and a change is seen yet."""
    cls, one = touchy
    before = snapshot({"touchy": cls}, {"one": one})
    assert differences(before, snapshot({"touchy": cls}, {"one": one})) == ()
    type.__setattr__(cls, "forward", lambda self: self)
    changed = differences(before, snapshot({"touchy": cls}, {"one": one}))
    assert {(each.aspect, each.what) for each in changed} >= {("__dict__", "forward"), ("signature", "forward")}
    assert LOG == []


class Base:
    """A base."""

    sizes: ClassVar[list[int]] = [1]

    def forward(self, x: int) -> int:
        """The same."""
        return x


class Shape(abc.ABC):
    """An abstract class, whose cache of answers may fill."""

    @abc.abstractmethod
    def area(self) -> int:
        """Square patches."""


class Tower(nn.Module):
    """A small module, which caches what it computed."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Counts as a side."""
        y: torch.Tensor = self.inner(x)
        self.last = y.detach()
        return y


def _use_plainly(tower: Tower) -> None:
    """Builds, calls, copies, asks, and inherits elsewhere."""
    Tower()(torch.ones(3, 2)).sum().backward()
    tower(torch.ones(3, 2)).sum().backward()
    pickle.loads(pickle.dumps(copy.deepcopy(tower)))
    torch.nn.utils.clip_grad_norm_(tower.parameters(), 1.0)
    inspect.signature(Base), inspect.getsource(Tower), repr(tower), dir(Tower), hash(Base)
    assert isinstance(tower, nn.Module)
    assert not issubclass(Base, Shape)
    assert Shape.__annotations__ == {}
    type("Elsewhere", (Shape,), {})
    snapshot(relatives(Tower), [tower], probes=PROBES)


def test_use_is_no_change() -> None:
    """Of classes, parents and earlier instances, nothing is reported after plain use, whatever probe is asked."""
    tower = Tower()
    tower(torch.ones(3, 2))
    classes = (*relatives(Tower), Base)
    before = snapshot(classes, [tower], modules=["torch.nn"], probes=PROBES)
    _use_plainly(tower)
    assert differences(before, snapshot(classes, [tower], modules=["torch.nn"], probes=PROBES)) == ()


def _throw_away() -> list[object]:
    cls = type("Thrown", (Tower,), {"forward": lambda _, x: x, "sizes": [Base]})
    one = cls()
    one.register_forward_hook(lambda *_: None)
    HELD.append(snapshot([cls, Tower], [one], probes=PROBES))
    return [cls, one]


HELD: list[object] = []


def test_a_snapshot_keeps_nothing_alive() -> None:
    """Classes, their functions and instances go when nobody else holds them; what is held is named."""
    assert survivors(_throw_away) == ()
    HELD.clear()
    assert survivors(lambda: [Base, *_throw_away()]) == (f"class {__name__}.Base",)
    HELD.clear()


def test_what_cannot_be_watched_is_refused() -> None:
    """Of a number, nobody can say whether it is gone."""
    with pytest.raises(TypeError, match="weak reference"):
        survivors(lambda: [1])


def test_an_old_address_does_not_hide_a_new_function() -> None:
    """A function that was deleted, and another of the same text at its address, are two."""
    cls = type("Refilled", (), {})
    found: dict[str, object] = {}
    for _ in range(20):
        exec("def forward(self): return 1", found)
        cls.forward = found.pop("forward")  # type: ignore[attr-defined]
        before = snapshot([cls])
        del cls.forward  # type: ignore[attr-defined]
        exec("def forward(self): return 1", found)
        cls.forward = found.pop("forward")  # type: ignore[attr-defined]
        assert "__dict__" in {each.aspect for each in differences(before, snapshot([cls]))}


def test_a_collected_subclass_is_no_change() -> None:
    """Subclasses are the living ones, before and after."""
    made = type("Brief", (Base,), {})
    watch, before = weakref.ref(made), snapshot([Base])
    after_none = snapshot({f"{__name__}.Base": Base})
    del made
    gc.collect()
    assert watch() is None
    assert differences(before, snapshot([Base])) == differences(before, after_none) == ()


def test_words() -> None:
    """A change says where, what was and what is; equal texts are told apart."""
    cls = type("Worded", (), {"__module__": __name__, "sizes": [1], "step": lambda self: self, "fixed": (1, "a")})
    step = cls.__dict__["step"]
    before = snapshot({"worded": cls})
    cls.sizes.append("two")  # type: ignore[attr-defined]
    cls.step = lambda self: self  # type: ignore[attr-defined]
    cls.step.__qualname__ = step.__qualname__  # type: ignore[attr-defined]
    del cls.fixed  # type: ignore[attr-defined]
    changes = [each for each in differences(before, snapshot({"worded": cls})) if each.aspect == "__dict__"]
    name = step.__qualname__
    assert changes == [
        Change("worded", "__dict__", "sizes", "[1]", "[1, 'two']"),
        Change("worded", "__dict__", "step", f"function {name}", f"function {name}, another one"),
        Change("worded", "__dict__", "fixed", "(1, 'a')", "absent"),
    ]
    assert str(changes[0]) == "worded: __dict__: sizes: was [1], is [1, 'two']"
    assert rows(changes) == {"class"}
    assert outside(changes, {"class"}) == ()
    assert outside(changes, {"hooks"}) == tuple(changes)


@pytest.mark.parametrize("kind", HOOK_KINDS)
def test_every_kind_of_hook_is_seen(kind: str) -> None:
    """A hook deep in the tree, of each kind that torch has."""
    tower = Tower()
    before = snapshot([], {"tower": tower})
    vars(tower.inner[1])[kind][7] = print
    (change,) = differences(before, snapshot([], {"tower": tower}))
    expected = ("hooks", f"inner.1: {kind} #0", "absent")
    assert (change.aspect, change.what, change.before) == expected


def test_torch_has_no_other_kind_of_hook() -> None:
    """A torch with another kind is noticed here."""
    own = {name for name, value in vars(nn.Linear(1, 1)).items() if isinstance(value, OrderedDict) and "hook" in name}
    assert {name for name in vars(nn.Linear(1, 1)) if "hooks" in name} == set(HOOK_KINDS)
    assert own == set(HOOK_KINDS)


def test_hooks_of_a_parameter_are_seen() -> None:
    """Both kinds, by the parameter's name."""
    tower = Tower()
    before, weight = snapshot([], {"tower": tower}), tower.get_parameter("inner.0.weight")
    weight.register_hook(lambda grad: grad)
    weight.register_post_accumulate_grad_hook(lambda _: None)
    seen = differences(before, snapshot([], {"tower": tower}))
    assert [each.what.partition(" #")[0] for each in seen] == [
        "inner.0.weight: _backward_hooks",
        "inner.0.weight: _post_accumulate_grad_hooks",
    ]


def test_relatives_are_a_family() -> None:
    """Parents, metaclass, descendants and siblings of the same module, each once; no sibling from elsewhere."""
    meta = type("Meta", (type,), {"__module__": "tree"})
    root = meta("Root", (), {"__module__": "tree"})
    left, right = (meta(name, (root,), {"__module__": "tree"}) for name in ("Left", "Right"))
    strange = meta("Strange", (root,), {"__module__": "elsewhere"})
    leaf = meta("Leaf", (left, right), {"__module__": "elsewhere"})
    assert set(relatives(left)) == {left, root, leaf, right, meta}
    assert len(relatives(left)) == 5
    assert strange in relatives(root)


def test_errors_name_the_value_and_the_remedy() -> None:
    """An instance for a class, a probe that is none, and two snapshots that cannot be compared."""
    with pytest.raises(TypeError, match=r"a value \(builtins.int\): not a class; give instances as `instances`"):
        snapshot([3])  # type: ignore[list-item]  # that is what is tried
    with pytest.raises(ValueError, match="no probe is called pickle: choose from source, repr"):
        snapshot([Base], probes=["pickle"])
    with pytest.raises(ValueError, match="tower: in one of the snapshots alone; take both of the same labels"):
        differences(snapshot({"tower": Base}), snapshot({}))
    with pytest.raises(ValueError, match="source: asked in one of the snapshots alone; ask both the same probes"):
        differences(snapshot([Base], probes=["source"]), snapshot([Base]))


def test_equal_names_are_numbered() -> None:
    """Two classes of one name are two subjects."""
    twins = [type("Twin", (), {"__module__": "twins"}) for _ in range(3)]
    assert snapshot(twins).subjects == {"twins.Twin", "twins.Twin #2", "twins.Twin #3"}
