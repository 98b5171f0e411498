"""What is learnt of classes and instances by using them: copies, pickles, saved state, source, garbage.

Probes run code of the subject and take milliseconds. An answer is a text: what came out, or how it failed.
"""

from __future__ import annotations

import copy
import gc
import inspect
import io
import pickle
import re
import weakref
import zlib
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

import torch
from torch import nn

from suite.oracles.class_aspects import ASPECTS, PROBES
from suite.oracles.class_marks import Mark, class_name, word
from suite.oracles.instance_snapshot import HOOK_KINDS, fields, is_module, modules_below

_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")


def source(cls: type) -> str:
    """The source, as its first line and a checksum."""
    lines = inspect.getsource(cls)
    return f"{lines.strip().splitlines()[0]} ({len(lines)} characters, checksum {zlib.crc32(lines.encode()):08x})"


def representation(instance: object) -> str:
    """`repr`, without addresses."""
    return _ADDRESS.sub("0x…", repr(instance))


def state(instance: nn.Module) -> str:
    """What `state_dict` answers: names and shapes, in order."""
    return ", ".join(f"{name} {_shape(value)}" for name, value in instance.state_dict().items()) or "empty"


def pickled(instance: object) -> str:
    """What comes back out of a pickle, beside what went in."""
    return _beside(instance, pickle.loads(pickle.dumps(instance)))


def deep_copied(instance: object) -> str:
    """A deep copy beside its original."""
    return _beside(instance, copy.deepcopy(instance))


def saved(instance: nn.Module) -> str:
    """The state through `torch.save` and `torch.load`, which admits data alone. It is not loaded into the instance."""
    file = io.BytesIO()
    before = instance.state_dict()
    torch.save(before, file)
    file.seek(0)
    after = torch.load(file, weights_only=True)
    if list(after) != list(before):
        return f"other keys: {', '.join(after)}"
    is_equal = all(_is_equal(value, after[name]) for name, value in before.items())
    return f"{len(after)} entries, {'equal' if is_equal else 'other values'}"


def _beside(one: object, other: object) -> str:
    ours, theirs = _tensors(one), _tensors(other)
    if list(ours) != list(theirs):
        return f"{class_name(type(other))} with other tensors: {', '.join(theirs) or 'none'}"
    is_equal = all(map(_is_equal, ours.values(), theirs.values()))
    shared = [name for name, value in ours.items() if value is theirs[name]]
    words = [class_name(type(other)), f"{len(ours)} tensors", "equal" if is_equal else "other values"]
    return ", ".join([*words, f"{_hooks(other)} hooks", *(f"shares {name}" for name in shared)])


def _tensors(instance: object) -> dict[str, torch.Tensor]:
    return {
        f"{path}.{name}": value
        for path, module in modules_below(instance)
        if is_module(module)
        for kind in ("_parameters", "_buffers")
        for name, value in fields(module)[kind].items()
        if value is not None
    }


def _hooks(instance: object) -> int:
    modules = [fields(each) for _, each in modules_below(instance) if is_module(each)]
    return sum(len(own[kind]) for own in modules for kind in HOOK_KINDS if kind in own)


def _is_equal(one: object, other: object) -> bool:
    """NaN equals itself, and on the meta device there are no values."""
    if not isinstance(one, torch.Tensor) or not isinstance(other, torch.Tensor):
        return one == other
    if one.is_meta or other.is_meta:
        return one.is_meta and other.is_meta and one.shape == other.shape
    return one.dtype == other.dtype and torch.allclose(one, other, rtol=0, atol=0, equal_nan=True)


def _shape(value: object) -> str:
    return f"{tuple(value.shape)}" if isinstance(value, torch.Tensor) else class_name(type(value))


_OF_INSTANCES: Mapping[str, Callable[[Any], str]] = {
    "repr": representation,
    "state_dict": state,
    "pickling": pickled,
    "deep copy": deep_copied,
    "saved state": saved,
}


def wanted(names: Collection[str]) -> tuple[str, ...]:
    """The probes of these names.

    Raises:
        ValueError: a name is not of a probe.
    """
    unknown = sorted(set(names) - set(PROBES))
    if unknown:
        raise ValueError(f"no probe is called {', '.join(unknown)}: choose from {', '.join(PROBES)}")
    return tuple(name for name in PROBES if name in names)


def ask_class(cls: type, names: Collection[str]) -> dict[str, dict[str, Mark]]:
    """Answers about a class, by aspect."""
    return {"source": {"answer": word(_answer(source, cls))}} if "source" in names else {}


def ask_instance(instance: object, labels: Mapping[str, type], names: Collection[str]) -> dict[str, dict[str, Mark]]:
    """Answers about an instance, by aspect; `labels` are the classes that it may be one of."""
    found = {
        name: {"answer": word(_answer(_OF_INSTANCES[name], instance))}
        for name in names
        if ASPECTS[name].of == "instance" and name in _OF_INSTANCES
    }
    if "isinstance when asked" in names:
        found["isinstance when asked"] = {
            label: word(_answer(partial(_is_one, cls), instance)) for label, cls in labels.items()
        }
    return found


def _is_one(cls: type, instance: object) -> str:
    return "yes" if isinstance(instance, cls) else "no"


def _answer(ask: Callable[[Any], str], about: object) -> str:
    """What came out; a subject's failure is an answer too."""
    try:
        return ask(about)
    except Exception as failure:
        lines = str(failure).strip().splitlines()
        return _ADDRESS.sub("0x…", f"fails: {type(failure).__name__}: {lines[0] if lines else ''}")


def survivors(make: Callable[[], Collection[object]]) -> tuple[str, ...]:
    """Names of the objects that `make` hands over and that live on when nobody holds them.

    One garbage collection (tens of milliseconds and more): not for every example. What lives on in a cache is held by
    somebody too, so a class that was compiled is free only after `torch.compiler.reset()`.

    Raises:
        TypeError: something handed over cannot be referenced weakly, so nobody can tell.
    """
    watched = [(_label(each), weakref.ref(each)) for each in make()]
    gc.collect()
    return tuple(name for name, reference in watched if reference() is not None)


def _label(each: object) -> str:
    return f"class {class_name(each)}" if isinstance(each, type) else f"an instance of {class_name(type(each))}"
