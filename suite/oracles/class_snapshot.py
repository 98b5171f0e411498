"""Classes and instances before and after something happened to the process (SPEC D6; BUGS.md area 5).

`snapshot` looks at them without running any of their code and without keeping them alive; `differences` says what is
other later. By default nothing of what is looked at can tell that it was. Probes, which run the subject's code, are
asked for by name.

Not seen: what an object of a class of its own holds inside (a configuration that is a class attribute is compared by
identity); the content of containers deeper than two levels or longer than 256 entries; values of tensors; values of
data attributes of instances, whose presence alone counts; closures' numbers and texts; names in modules that nobody
gave. A list, tuple, dictionary or property that was deleted first and then made anew with the same parts may stand at
the old address, and then nobody can tell.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Mapping
from typing import TypeVar

from torch._dynamo.mutation_guard import install_generation_tagging_init

from suite.oracles.class_difference import Place, Snapshot, frozen
from suite.oracles.class_marks import Mark, class_name, is_class, module_of
from suite.oracles.class_probes import ask_class, ask_instance, wanted
from suite.oracles.class_reading import Facts, class_facts, is_lazy, namespace, relation_facts
from suite.oracles.instance_snapshot import global_hooks, instance_facts
from suite.oracles.transformers_registries import registry_facts

PROCESS = "the process"
_Thing = TypeVar("_Thing")


def snapshot(
    classes: Mapping[str, type] | Iterable[type],
    instances: Mapping[str, object] | Iterable[object] = (),
    *,
    modules: Iterable[str] = (),
    probes: Collection[str] = (),
) -> Snapshot:
    """Everything that can be seen of the classes, the instances, the classes' modules and transformers' registries.

    Classes and instances may be given by label: to compare a class with what decoration made of it, give both
    snapshots the same label. `modules` are names of further modules whose namespaces are looked at.

    Raises:
        TypeError: one of the classes is not a class.
        ValueError: a probe has no such name.
    """
    labels, names = _labelled_classes(classes), wanted(probes)
    facts: dict[Place, Mapping[str, Mark]] = {}
    for label, cls in labels.items():
        seen = {**class_facts(cls), "issubclass": relation_facts(cls, labels), **ask_class(cls, names)}
        _put(facts, label, seen)
    things = _labelled_instances(instances)
    for label, each in things.items():
        _put(facts, label, {**instance_facts(each, labels), **ask_instance(each, labels, names)})
    homes = _homes(labels.values(), modules)
    for name in homes:
        facts[f"module {name}", "namespace"] = namespace(name)
    facts.update({(name, "registry"): entries for name, entries in registry_facts().items()})
    facts[PROCESS, "global hooks"] = global_hooks()
    lazy = frozenset(f"module {name}" for name in homes if is_lazy(name))
    return Snapshot(frozen(facts), frozenset({*labels, *things}), lazy, frozenset(tuple(sys.modules)))


def settle_torch() -> None:
    """Has torch change `nn.Module` now, as it does once per process, when Dynamo first compiles anything.

    Dynamo replaces `__init__` and `__setstate__`. A snapshot of `nn.Module` that shall be compared across a compile is
    taken afterwards. transformers writes too, to `nn.Module` with the first model of a process and to a class of its
    own with that class's first instance: make one before.
    """
    install_generation_tagging_init()


def _put(facts: dict[Place, Mapping[str, Mark]], subject: str, seen: Facts) -> None:
    facts.update({(subject, aspect): marks for aspect, marks in seen.items()})


def _homes(classes: Iterable[type], modules: Iterable[str]) -> tuple[str, ...]:
    own = [module_of(each) for each in classes]
    return tuple(dict.fromkeys([*(name for name in own if name), *modules]))


def _labelled_classes(classes: Mapping[str, type] | Iterable[type]) -> dict[str, type]:
    if isinstance(classes, Mapping):
        labels = dict(classes)
    else:
        labels = _numbered((class_name(each) if is_class(each) else "a value", each) for each in classes)
    wrong = [f"{label} ({class_name(type(each))})" for label, each in labels.items() if not is_class(each)]
    if wrong:
        raise TypeError(f"{', '.join(wrong)}: not a class; give instances as `instances`")
    return labels


def _labelled_instances(instances: Mapping[str, object] | Iterable[object]) -> dict[str, object]:
    if isinstance(instances, Mapping):
        return dict(instances)
    return _numbered((f"an instance of {class_name(type(each))}", each) for each in instances)


def _numbered(named: Iterable[tuple[str, _Thing]]) -> dict[str, _Thing]:
    """Labels of their own: the second of a name is called so."""
    found: dict[str, _Thing] = {}
    for name, each in named:
        number = 1 + sum(label == name or label.startswith(f"{name} #") for label in found)
        found[name if number == 1 else f"{name} #{number}"] = each
    return found
