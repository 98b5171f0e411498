"""What an instance is now, read without running any code of its own: no `state_dict()`, no `__getattr__`.

An instance that is a `torch.nn.Module` is read with all modules below it, each by its path. A subject's instance is
mostly one; any other object has a class and attributes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import BuiltinFunctionType, FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as torch_module

from suite.oracles.class_marks import Mark, is_class, mark, word
from suite.oracles.class_reading import Facts, ancestors, own_entries, relation_facts

HOOK_KINDS = (
    "_forward_pre_hooks",
    "_forward_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called",
    "_forward_pre_hooks_with_kwargs",
    "_backward_pre_hooks",
    "_backward_hooks",
    "_state_dict_hooks",
    "_state_dict_pre_hooks",
    "_load_state_dict_pre_hooks",
    "_load_state_dict_post_hooks",
)
"""Fields of a module that hold hooks."""
TENSOR_HOOK_KINDS = ("_backward_hooks", "_post_accumulate_grad_hooks")
TOLD_ELSEWHERE = frozenset(
    {*HOOK_KINDS, "_parameters", "_buffers", "_modules", "training", "_non_persistent_buffers_set"}
)
_WHAT_RUNS = (FunctionType, MethodType, BuiltinFunctionType, ModuleType)


def instance_facts(instance: object, labels: Mapping[str, type]) -> Facts:
    """Everything about an instance; `labels` are the classes that it may be one of."""
    facts: Facts = {
        "instance class": {},
        "attributes": {},
        "training": {},
        "hooks": {},
        "parameters": {},
        "state_dict keys": {},
        "isinstance": relation_facts(type(instance), labels),
    }
    for path, module in modules_below(instance):
        _add_module(facts, path, module)
    return facts


def modules_below(instance: object) -> Iterator[tuple[str, object]]:
    """The instance at the path of no letters, and every module below it at its own, each once."""
    seen: set[int] = set()
    waiting = [("", instance)]
    while waiting:
        path, each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield path, each
        below = _modules(each)
        waiting.extend((_joined(path, name), inner) for name, inner in reversed(below) if inner is not None)


def is_module(instance: object) -> bool:
    """Whether it is a module of torch whose `__init__` has begun."""
    return issubclass(type(instance), nn.Module) and "_modules" in object.__getattribute__(instance, "__dict__")


def _modules(instance: object) -> list[tuple[str, object]]:
    return list(object.__getattribute__(instance, "__dict__")["_modules"].items()) if is_module(instance) else []


def fields(instance: object) -> dict[str, Any]:
    """The instance's `__dict__`, with what its slots hold."""
    slots = {
        name: value.__get__(instance)
        for cls in ancestors(type(instance))
        if "__slots__" in own_entries(cls)
        for name, value in own_entries(cls).items()
        if type(value) is MemberDescriptorType and _is_set(value, instance)
    }
    try:
        own: dict[str, Any] = object.__getattribute__(instance, "__dict__")
    except AttributeError:
        return slots
    return {**slots, **own}


def _is_set(member: MemberDescriptorType, instance: object) -> bool:
    try:
        member.__get__(instance)
    except AttributeError:
        return False
    return True


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _add_module(facts: Facts, path: str, instance: object) -> None:
    own = fields(instance)
    place = path or "itself"
    facts["instance class"][place] = mark(type(instance))
    for name, value in own.items():
        if name not in TOLD_ELSEWHERE:
            facts["attributes"][_joined(path, name)] = _attribute(value)
    if not is_module(instance):
        return
    facts["training"][place] = mark(own.get("training"))
    for kind in HOOK_KINDS:
        _add_hooks(facts, f"{place}: {kind}", own.get(kind))
    _add_tensors(facts, path, own)


def _attribute(value: object) -> Mark:
    """What runs is compared by identity. Of other values the presence counts: a call may cache and count."""
    runs = is_class(value) or issubclass(type(value), _WHAT_RUNS)
    return mark(value, depth=0) if runs else word("some value")


def _add_hooks(facts: Facts, place: str, hooks: Mapping[object, object] | None) -> None:
    if hooks:
        facts["hooks"].update({f"{place} #{n}": mark(each, depth=1) for n, each in enumerate(hooks.values())})


def _add_tensors(facts: Facts, path: str, own: Mapping[str, Any]) -> None:
    for name, value in own["_parameters"].items():
        if value is None:
            continue
        key = _joined(path, name)
        facts["parameters"][key] = _tensor(value)
        facts["state_dict keys"][key] = word("parameter")
        for kind in TENSOR_HOOK_KINDS:
            _add_hooks(facts, f"{key}: {kind}", _tensor_hooks(value, kind))
    kept = [name for name in own["_buffers"] if name not in own["_non_persistent_buffers_set"]]
    for name in kept:
        if own["_buffers"][name] is not None:
            facts["state_dict keys"][_joined(path, name)] = word("buffer")


def _tensor(value: torch.Tensor) -> Mark:
    """Which tensor it is, and what it is like; a tensor of a strange class is asked nothing."""
    if type(value) not in (nn.Parameter, torch.Tensor):
        return mark(value)
    likeness = word(f"{value.dtype} {tuple(value.shape)} on {value.device}, requires_grad={value.requires_grad}")
    return Mark("parameter", "", None, 0, (mark(value), likeness))


def _tensor_hooks(value: torch.Tensor, kind: str) -> Mapping[object, object] | None:
    """Hooks on a tensor, in C or in its `__dict__`."""
    if type(value) not in (nn.Parameter, torch.Tensor):
        return None
    found: Mapping[object, object] | None = getattr(value, kind)
    return found


def global_hooks() -> dict[str, Mark]:
    """Hooks that fire for every module of the process."""
    found: dict[str, Mark] = {}
    for kind, hooks in vars(torch_module).items():
        if kind.startswith("_global_") and kind.endswith("hooks"):
            found.update({f"{kind} #{n}": mark(each, depth=1) for n, each in enumerate(hooks.values())})
    return found
