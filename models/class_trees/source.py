"""The source of a class tree: real classes of torch modules, each hard for a decorator in a way of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from textwrap import indent

from models.class_trees.shape import ANNOTATIONS, Shape

BAD = ("NoModule", "NoForward", "NoTensor", "Final")
"""Classes of every tree that cannot be decorated, or not by a subclass."""

_HEAD = '''
from typing import TYPE_CHECKING, Annotated, Optional, Union
import torch
from torch import Tensor, nn
from torch.nn import functional
if TYPE_CHECKING:
    from torch import FloatTensor

class Trouble(Exception):
    """Raised on purpose."""

class Meta(type):
    """Counts what is made."""
    def __call__(cls, *args, **kwargs):
        journal.note("made", cls.__name__)
        return super().__call__(*args, **kwargs)

class Closed(type):
    """Lets nobody derive from its classes."""
    def __new__(meta, name, bases, members, **keywords):
        if any(isinstance(base, Closed) for base in bases):
            raise TypeError("this class is closed")
        return super().__new__(meta, name, bases, members, **keywords)

class Mixin:
    """Adds an offset."""
    offset = 0.25
    def shifted(self, rows):
        return rows + self.offset

def halved(module, arguments, output):
    return output * 0.5

def remade(cls, width, state):
    made = cls(width)
    made.load_state_dict(state)
    return made

class NoModule:
    """No module of torch."""
    def forward(self, rows: Tensor) -> Tensor:
        return rows

class NoForward(nn.Module):
    """A module that cannot be called."""

class NoTensor(nn.Module):
    """Takes no tensor."""
    def forward(self, times: int = 1) -> int:
        return times

class Final(nn.Module, metaclass=Closed):
    """Refuses subclasses."""
    def forward(self, rows: Tensor) -> Tensor:
        return rows + 1.0
'''

_FEATURES: Mapping[str, str] = {
    "registry": """
registry = {}
def __init_subclass__(cls, *, kind, **keywords):
    super().__init_subclass__(**keywords)
    Root.registry[cls.__name__] = kind
""",
    "new": """
def __new__(cls, *args, **kwargs):
    journal.note("new", cls.__name__, *args, *sorted(kwargs.items()))
    made = super().__new__(cls)
    made.born = True
    return made
""",
    "call": """
def __call__(self, *args, **kwargs):
    return super().__call__(*args, **kwargs) + 1.0
""",
    "state": """
def __getstate__(self):
    return {**self.__dict__, "packed": True}
def __setstate__(self, state):
    state = dict(state)
    assert state.pop("packed")
    super().__setstate__(state)
""",
    "reduce": """
def __reduce__(self):
    return remade, (type(self), self.weight.shape[0], self.state_dict())
""",
    "slots": '__slots__ = ("label",)\n',
}
"""What a feature writes into the root's body."""


def source(shape: Shape) -> str:
    """The text of a module with the tree's classes; `journal` must be put into it before it is executed."""
    future = "from __future__ import annotations\n" if shape.annotation == "future" else ""
    classes = [_root(shape), *(_below(shape, name, base) for base, name in shape.edges()), _deriving(shape)]
    return "\n".join([future or '"""A tree of classes."""', _HEAD, *classes])


def _root(shape: Shape) -> str:
    bases = ["Mixin"] * ("mixin" in shape.features) + ["nn.Module"]
    bases += ["metaclass=Meta"] * ("metaclass" in shape.features)
    features = [text for name, text in _FEATURES.items() if name in shape.features]
    return _class(
        "Root", bases, "The root of the tree.", [_CONSTANTS, *features, _root_init(shape), _root_forward(shape)]
    )


_CONSTANTS = '''
scale = 0.75
@property
def gain(self):
    """Twice the scale."""
    return self.scale * 2.0
@staticmethod
def squashed(rows):
    return torch.tanh(rows)
'''


def _class(name: str, bases: Iterable[str], about: str, parts: Iterable[str]) -> str:
    body = "\n".join([f'"""{about}"""', *(part.strip("\n") for part in parts)])
    return f"class {name}({', '.join(bases)}):\n{indent(body, '    ')}\n"


_ARGUMENTS = "width: int = 4, seed: int = 0, *, prefix: str = '', config: object = None"
_PASSED = "width, seed, prefix=prefix, config=config"


def _root_init(shape: Shape) -> str:
    lines = [
        'journal.note("init", "Root", width, seed, prefix, config)',
        "super().__init__()",
        'if seed < 0:\n    raise Trouble(f"seed {seed} is below zero")',
        "generator = torch.Generator().manual_seed(seed)",
        "self.weight = nn.Parameter(torch.randn(width, width, generator=generator), requires_grad=False)",
    ]
    lines += ["self.tied = self.weight"] * ("tied" in shape.features)
    lines += ["self.register_buffer('calls', torch.zeros(1))"] * ("counts" in shape.features)
    lines += ["self.register_forward_hook(halved)"] * ("hooks" in shape.features)
    lines += ["self.label = prefix"] * ("slots" in shape.features)
    return f"def __init__(self, {_ARGUMENTS}) -> None:\n{indent(chr(10).join(lines), '    ')}"


def _root_forward(shape: Shape) -> str:
    lines = [
        '"""Rows `[n, width]` to `[n, width]`."""',
        'if times == 13:\n    raise Trouble("thirteen times")',
        "made = functional.linear(rows, self.weight) * times * self.gain",
        "if more is not None:\n    made = made + more",
    ]
    lines += ["made = made + functional.linear(rows, self.tied.t())"] * ("tied" in shape.features)
    lines += ["made = self.shifted(made)"] * ("mixin" in shape.features)
    lines += ["for each in rest:\n    made = made * each"] * ("rest" in shape.features)
    lines += ["if shift is not None:\n    made = made - shift"] * ("keyword" in shape.features)
    lines += ["self.calls.add_(1.0)"] * ("counts" in shape.features)
    return _forward(shape, [*lines, "return self.squashed(made)"])


def _forward(shape: Shape, lines: Iterable[str]) -> str:
    return f"def forward(self, {parameters(shape)}) -> Tensor:\n{indent(chr(10).join(lines), '    ')}"


def parameters(shape: Shape) -> str:
    """What every forward of the tree takes, as text."""
    first, other = ANNOTATIONS[shape.annotation]
    taken = [f"rows: {first}", *["/"] * ("positional" in shape.features), f"more: {other} = None", "times: int = 2"]
    taken += ["*rest: Tensor"] * ("rest" in shape.features)
    if "keyword" in shape.features:
        taken += [*["*"] * ("rest" not in shape.features), f"shift: {other} = None"]
    return ", ".join(taken)


def _to_super(shape: Shape) -> str:
    passed = ["rows", "more", "times", *["*rest"] * ("rest" in shape.features)]
    passed += ["shift=shift"] * ("keyword" in shape.features)
    return f"super().forward({', '.join(passed)})"


def _below(shape: Shape, name: str, base: str) -> str:
    kind = [f"kind='{name.lower()}'"] * ("registry" in shape.features)
    if name == "Sibling":
        return _class(name, [base, *kind], "Beside the others, as its base.", [])
    init = [
        f'journal.note("init", "{name}")',
        f"super().__init__({_PASSED})",
        f"self.extra_{name.lower()} = nn.Parameter(torch.full((width,), 0.5), requires_grad=False)",
    ]
    parts = [f"def __init__(self, {_ARGUMENTS}) -> None:\n{indent(chr(10).join(init), '    ')}"]
    if shape.forward == "super":
        added = f"return {_to_super(shape)} + rows * self.extra_{name.lower()}"
        parts.append(_forward(shape, [f'"""As {base} does, and more."""', added]))
    return _class(name, [base, *kind], f"Derives from {base}.", parts)


def _deriving(shape: Shape) -> str:
    kind = ["kind='derived'"] * ("registry" in shape.features)
    forward = _forward(shape, [f"return {_to_super(shape)} * 2.0"])
    derived = _class("Derived", ["base", *kind], "Made by a user.", [forward])
    return f"def derived(base):\n{indent(derived, '    ')}    return Derived\n"
