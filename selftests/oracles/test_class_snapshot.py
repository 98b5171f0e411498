"""Every aspect of a class and an instance is seen to change, alone where it can, and what changes nothing is quiet."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pytest
import torch
import transformers
from torch import nn
from torch.nn.modules.module import register_module_forward_hook
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.models.auto.modeling_auto import MODEL_MAPPING

from suite.oracles.class_aspects import ASPECTS, PROBES, ROWS
from suite.oracles.class_difference import Change, differences, rows
from suite.oracles.class_snapshot import snapshot

HOME = "invented_towers"
SOURCE = '''
import abc
from torch import nn

class Answering(type):
    answers = True
    def __instancecheck__(cls, instance):
        return cls.answers

class Asked(metaclass=Answering):
    pass

class Shape(abc.ABC):
    pass

class Root:
    pass

class Parent(Root):
    """A parent."""
    heads = ["one"]

class Child(Parent):
    """A child."""
    def forward(self, x: int, width: int = 1) -> int:
        """Forward."""
        return x
    @property
    def size(self):
        return 3

class Grandchild(Child):
    pass

class Tower(nn.Module):
    note = "plain"
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(2, 2)
        self.register_buffer("seen", self.inner.weight.new_zeros(2))
        self.written = "plain"
    def forward(self, x):
        self.calls = getattr(self, "calls", 0) + 1
        return self.inner(x)
    def extra_repr(self):
        return self.written
    def state_dict(self, *args, **kwargs):
        found = super().state_dict(*args, **kwargs)
        if self.written != "plain":
            found["more"] = print if self.written == "unsavable" else self.inner.bias
        return found
    def __reduce_ex__(self, protocol):
        if self.written == "stubborn":
            raise TypeError("cannot be copied")
        return super().__reduce_ex__(protocol)
'''


@dataclass
class World:
    """Invented classes with an instance, and what is looked at."""

    home: ModuleType
    path: Path
    tower: nn.Module
    classes: Mapping[str, type]
    undo: list[Callable[[], object]] = field(default_factory=list)
    kept: list[object] = field(default_factory=list)
    """What a change made and holds."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A module of its own, written to a file and imported."""
    path = tmp_path / f"{HOME}.py"
    path.write_text(SOURCE)
    home = sys.modules[HOME] = ModuleType(HOME)
    home.__file__ = str(path)
    exec(compile(SOURCE, str(path), "exec"), vars(home))
    names = ("Shape", "Parent", "Child", "Grandchild", "Tower", "Asked")
    made = World(home, path, home.Tower(), {name: vars(home)[name] for name in names})
    made.tower(torch.ones(1, 2))
    yield made
    for undo in made.undo:
        undo()
    del sys.modules[HOME]
    linecache.checkcache()


def _set(path: str, value: object) -> Callable[[World], None]:
    """Sets what a dotted path below the module leads to."""

    def change(world: World) -> None:
        *owners, name = path.split(".")
        at: object = world.home
        for each in owners:
            at = getattr(at, each)
        setattr(at, name, value)

    return change


def _other_body() -> Callable[..., int]:
    found: dict[str, Callable[..., int]] = {}
    exec("def forward(self, x, width): return x + width", found)
    return found["forward"]


def _look_at(label: str, cls: Callable[[World], type]) -> Callable[[World], None]:
    """From now on, another class stands under the label."""

    def change(world: World) -> None:
        world.classes = {**world.classes, label: cls(world)}

    return change


def _twin(world: World) -> type:
    child = world.home.Child
    return type(child.__name__, child.__bases__, dict(child.__dict__))


def _slotted(_: World) -> type:
    return type("Shape", (), {"__slots__": (), "__module__": HOME})


def _register_attention(world: World) -> None:
    ALL_ATTENTION_FUNCTIONS["invented"] = print
    world.undo.append(lambda: ALL_ATTENTION_FUNCTIONS.pop("invented"))


def _rename_model(world: World) -> None:
    names = vars(MODEL_MAPPING)["_model_mapping"]
    before = names["bert"]
    names["bert"] = "OtherModel"
    world.undo.append(lambda: names.update(bert=before))


def _register_model(world: World) -> None:
    config = type("InventedConfig", (transformers.PreTrainedConfig,), {"model_type": "invented", "__module__": HOME})
    MODEL_MAPPING.register(config, world.home.Tower)
    world.undo.append(lambda: vars(MODEL_MAPPING)["_extra_content"].pop(config))


def _global_hook(world: World) -> None:
    world.undo.append(register_module_forward_hook(lambda *_: None).remove)


def _move(world: World) -> None:
    world.home.Child.__bases__ = (world.home.Root,)


def _edit(world: World) -> None:
    world.path.write_text(SOURCE.replace("Forward.", "Backward."))


def _new_parameter(world: World) -> None:
    inner = world.tower.get_submodule("inner")
    inner.weight = nn.Parameter(inner.get_parameter("weight").detach().clone())


class _Linear(nn.Linear):
    pass


class _Other(nn.Module):
    pass


EQUAL_TEXT = "".join(["pl", "ain"])
Case = tuple[Callable[[World], object], frozenset[str]]


def _case(change: Callable[[World], object], *also: str) -> Case:
    return change, frozenset(also)


CASES: dict[str, Case] = {
    "class": _case(_look_at("Child", _twin), "issubclass", "subclasses"),
    "name": _case(_set("Child.__name__", "Kid")),
    "metaclass": _case(lambda w: setattr(w.home.Asked, "__class__", type("Meta", (w.home.Answering,), {}))),
    "bases": _case(lambda w: setattr(w.home.Child, "__bases__", (w.home.Parent, w.home.Root))),
    "MRO": _case(lambda w: setattr(w.home.Parent, "__bases__", (type("New", (w.home.Root,), {}),)), "bases"),
    "__dict__": _case(_set("Tower.note", EQUAL_TEXT)),
    "functions": _case(lambda w: _set("Child.forward.__code__", _other_body().__code__)(w)),
    "signature": _case(_set("Child.forward.__defaults__", (2,))),
    "annotations": _case(lambda w: w.home.Child.forward.__annotations__.update(x=str)),
    "docstring": _case(_set("Child.forward.__doc__", "Other.")),
    "weak references": _case(
        _look_at("Shape", _slotted), "class", "metaclass", "__dict__", "MRO", "bases", "name", "issubclass"
    ),
    "source": _case(_edit),
    "issubclass": _case(_move, "bases", "MRO", "subclasses"),
    "registered subclasses": _case(lambda w: w.home.Shape.register(_Other)),
    "subclasses": _case(lambda w: w.kept.append(type("New", (w.home.Child,), {}))),
    "namespace": _case(_set("Child", type("Child", (), {}))),
    "registry": _case(_register_attention),
    "global hooks": _case(_global_hook),
    "instance class": _case(lambda w: setattr(w.tower.inner, "__class__", _Linear)),
    "attributes": _case(lambda w: setattr(w.tower, "forward", print)),
    "training": _case(lambda w: w.tower.get_submodule("inner").eval()),
    "repr": _case(lambda w: setattr(w.tower, "written", "other")),
    "hooks": _case(lambda w: w.tower.get_submodule("inner").register_forward_pre_hook(lambda *_: None)),
    "parameters": _case(_new_parameter),
    "state_dict keys": _case(lambda w: w.tower.register_buffer("more", torch.zeros(1))),
    "isinstance": _case(lambda w: setattr(w.tower, "__class__", _Other), "instance class"),
    "state_dict": _case(lambda w: setattr(w.tower, "written", "other")),
    "isinstance when asked": _case(_set("Answering.answers", False)),
    "pickling": _case(lambda w: setattr(w.tower, "written", "stubborn")),
    "deep copy": _case(lambda w: setattr(w.tower, "written", "stubborn")),
    "saved state": _case(lambda w: setattr(w.tower, "written", "unsavable")),
}
"""For each aspect, a change of it, and the aspects that cannot but change with it."""


def _seen(world: World, change: Callable[[World], object], *probes: str) -> tuple[Change, ...]:
    before = snapshot(world.classes, {"tower": world.tower}, probes=probes)
    assert differences(before, snapshot(world.classes, {"tower": world.tower}, probes=probes)) == ()
    change(world)
    return differences(before, snapshot(world.classes, {"tower": world.tower}, probes=probes))


@pytest.mark.parametrize("aspect", CASES)
def test_a_change_is_seen(world: World, aspect: str) -> None:
    """The aspect that was changed is reported, and no other but those that must go with it."""
    change, also = CASES[aspect]
    seen = _seen(world, change, *({aspect} & set(PROBES)))
    assert aspect in {each.aspect for each in seen}
    assert {each.aspect for each in seen} <= {aspect, *also}
    assert all(each.before != each.after for each in seen)
    assert ASPECTS[aspect].row in rows(seen)


def test_every_aspect_is_tried() -> None:
    """No aspect is left out above, and every one belongs to a row."""
    assert set(CASES) == set(ASPECTS)
    assert {aspect.row for aspect in ASPECTS.values()} == set(ROWS)


@pytest.mark.parametrize(
    ("change", "subject", "what", "after"),
    [
        (_register_attention, "transformers.modeling_utils.ALL_ATTENTION_FUNCTIONS", "invented", "print"),
        (_rename_model, "transformers.models.auto.modeling_auto.MODEL_MAPPING", "bert", "OtherModel"),
        (_register_model, "transformers.models.auto.modeling_auto.MODEL_MAPPING", "InventedConfig", f"{HOME}.Tower"),
    ],
)
def test_registries_are_read(
    world: World, change: Callable[[World], None], subject: str, what: str, after: str
) -> None:
    """An attention function of one module, a name in an automatic mapping, and a class that was registered."""
    (seen,) = _seen(world, change)
    assert (seen.subject, seen.aspect) == (subject, "registry")
    assert what in seen.what
    assert after in seen.after
