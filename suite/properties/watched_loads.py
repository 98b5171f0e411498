"""A plain model with the classes behind it, watched while a subject loads another one, and what must not change."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import Tensor, nn

from suite.contract.loading import ModelSpec
from suite.contract.verdict import DecorationSheet, Verdict, violated
from suite.oracles.class_aspects import Row
from suite.oracles.class_difference import Change, Snapshot, differences
from suite.oracles.class_reading import relatives
from suite.oracles.class_snapshot import snapshot
from suite.oracles.decoration_sheet import rows_in, sheet_of
from suite.oracles.instance_snapshot import HOOK_KINDS
from suite.oracles.programs import difference
from suite.oracles.running import running
from suite.oracles.whole_models import PlainTwin, plain_model
from suite.properties.changed_classes import is_dynamos
from suite.properties.loads import LoadedBeside

TOKENS = 5
"""Of a call that only has to be some call."""
MOST_TOLD = 4


@dataclass
class Plain:
    """A plain model, and how it answers."""

    spec: ModelSpec
    model: nn.Module
    twin: PlainTwin

    @classmethod
    def of(cls, spec: ModelSpec) -> Plain:
        """A new one with weights of its own, called once: transformers writes to its classes in a first call."""
        made = cls(spec, plain_model(spec), PlainTwin(spec))
        made.answer()
        return made

    def answer(self, tokens: int = TOKENS) -> tuple[Tensor, frozenset[str]]:
        """Logits, and the paths of the modules that Python ran."""
        with torch.no_grad(), running(self.model, self.twin.model) as ran:
            logits: Tensor = cast(Any, self.model)(**self.twin.inputs(tokens)).logits
        return logits, frozenset(ran)

    def answers_otherwise(self, want: Tensor, ran: frozenset[str], *, strict: bool, what: str) -> Verdict | None:
        """A violation if it answers otherwise than before, or (strictly) not to the bit and in Python."""
        got, runs = self.answer()
        if strict and runs != ran:
            return violated(
                expected=f"Python runs {what} as before the load",
                actual=f"otherwise: {told(sorted(runs ^ ran))}",
                because="the load compiles for a class, not for its own model",
            )
        if torch.equal(got, want) if strict else not difference("plain", got, want, output=0, call=0).mismatched:
            return None
        return violated(
            expected=f"{what} answers as before the load",
            actual=f"differs by at most {float((got - want).abs().max()):.3g}",
            because="it runs the program of the loaded model, or lost what it computes with",
        )


@dataclass
class Watched:
    """Classes and plain instances as they were."""

    classes: tuple[type, ...]
    instances: Mapping[str, nn.Module] = field(default_factory=dict)
    before: Snapshot = field(init=False)

    def __post_init__(self) -> None:
        """Look at them."""
        self.before = self._now()

    def _now(self) -> Snapshot:
        return snapshot(self.classes, self.instances)

    def changes(self) -> tuple[Change, ...]:
        """What is other by now; what torch's tracer writes for itself is left out."""
        found = differences(self.before, self._now())
        return tuple(each for each in found if not is_dynamos(each))

    def sheet(self, title: str, changes: Iterable[Change], *, allowed: Collection[Row] = ()) -> DecorationSheet:
        """Changes that were found here, over the rows that were looked at, for the report."""
        return sheet_of(title, changes, allowed=allowed, looked_at=rows_in(self.before))


def classes_behind(*models: nn.Module) -> tuple[type, ...]:
    """The classes of all modules, with everyone whom a change of one of them could hurt."""
    kinds = {type(module) for model in models for module in model.modules()}
    found = {id(each): each for kind in kinds for each in relatives(kind)}
    # In an order of their own: two snapshots number classes of one name alike.
    return tuple(sorted(found.values(), key=lambda each: (each.__module__, each.__qualname__)))


def told(things: Iterable[object]) -> str:
    """The first few, in one line."""
    every = [str(each) for each in things]
    more = f", and {len(every) - MOST_TOLD} more" if len(every) > MOST_TOLD else ""
    return "; ".join(every[:MOST_TOLD]) + more


def unwanted(
    title: str, changes: Collection[Change], *, allowed: Collection[Row] = (), what: str, because: str
) -> Verdict | None:
    """A violation if something changed in a row that must stay as it is."""
    wrong = [each for each in changes if each.row not in allowed]
    if not wrong:
        return None
    return violated(
        expected=f"{what} of {title}: all as before",
        actual=told(wrong),
        because=because,
        decoration=sheet_of(title, changes, allowed=allowed, looked_at=()),
    )


def run_all(beside: LoadedBeside, calls: Iterable[int] | None = None) -> None:
    """Calls the loaded model, whatever it answers."""
    for tokens in beside.load.calls if calls is None else calls:
        beside.loaded.logits(beside.twin.inputs(tokens))


def sharing(model: nn.Module) -> tuple[tuple[str, ...], ...]:
    """Names of parameters that are one and the same, group by group."""
    groups: dict[int, list[str]] = {}
    for name, each in model.named_parameters(remove_duplicate=False):
        groups.setdefault(id(each), []).append(name)
    return tuple(tuple(names) for names in groups.values() if len(names) > 1)


def shape_of_state(model: nn.Module) -> dict[str, object]:
    """Everything about a model's state but its values, by what it is."""
    return {
        "state_dict, in order": [(name, *_form(each)) for name, each in model.state_dict().items()],
        "parameters": [(name, *_form(each), each.requires_grad) for name, each in model.named_parameters()],
        "buffers": [(name, *_form(each)) for name, each in model.named_buffers()],
        "modules": [path for path, _ in model.named_modules()],
        "tied weights": sharing(model),
        "training": [path for path, each in model.named_modules() if each.training],
    }


def _form(tensor: Tensor) -> tuple[object, ...]:
    return tuple(tensor.shape), tensor.dtype, tensor.device.type


def strangers_in(model: nn.Module, plain: nn.Module) -> list[str]:
    """Paths of the modules that are no instance of the class that the plain model has there."""
    return [
        f"{path or 'the model'}: {type(model.get_submodule(path)).__qualname__} is no {type(each).__qualname__}"
        for path, each in plain.named_modules()
        if not isinstance(model.get_submodule(path), type(each))
    ]


def unlike_plain(model: nn.Module, plain: nn.Module) -> list[str]:
    """What is other in the modules of a model than in those of a plain one that was called alike."""
    found: list[str] = []
    for path, each in plain.named_modules():
        mine, his = (_outside(one) for one in (model.get_submodule(path), each))
        found += [f"{path or 'the model'}: {what}" for what in his if mine[what] != his[what]]
    return found


def _outside(module: nn.Module) -> dict[str, object]:
    hooks = {kind: len(vars(module)[kind]) for kind in HOOK_KINDS}
    return {"class": type(module), "attributes": set(vars(module)), "hooks": hooks, "training": module.training}


@contextlib.contextmanager
def as_now(*models: nn.Module) -> Iterator[None]:
    """Puts the values of all parameters back at the end."""
    kept = [(each, each.detach().clone()) for model in models for each in model.parameters()]
    try:
        yield
    finally:
        with torch.no_grad():
            for each, value in kept:
                each.copy_(value)


def facts_of(config: Any, place: str = "") -> dict[str, str]:  # noqa: ANN401 - a configuration of transformers
    """Every setting of a configuration and of those inside of it, by its dotted name, as text."""
    found: dict[str, str] = {}
    for name, value in vars(config).items():
        if hasattr(value, "to_dict"):
            found.update(facts_of(value, f"{place}{name}."))
        else:
            found[f"{place}{name}"] = repr(value)
    return found


def different(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """Names whose values are not equal."""
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))
