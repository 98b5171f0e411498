"""What a law on loading runs: whole models loaded one after the other in one process, as plain data."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from suite.contract.case import Kinds, typed_fields
from suite.contract.decorating import Wishes


@dataclass(frozen=True, order=True)
class ModelSpec:
    """One configuration: a name that `models.whole` knows, and what of it is other than usual."""

    name: str
    layers: int = 2
    """Of its decoder."""
    rope: str = ""
    """A shape of its rotary embedding's parameters that `models.whole` knows (BUG-H02); empty: the family's own."""

    def __str__(self) -> str:
        marks = [] if self.layers == 2 else [f"{self.layers} layers"]
        marks += [f"rope {self.rope}"] if self.rope else []
        return f"{self.name}({', '.join(marks)})" if marks else self.name


@dataclass(frozen=True, order=True)
class ModelLoad:
    """One load, and calls of what was loaded."""

    model: ModelSpec
    wishes: Wishes = field(default_factory=Wishes)
    calls: tuple[int, ...] = ()
    """Tokens of text of each call; an image or sound comes before them."""
    seed: int = 0
    """Of the weights."""

    def __str__(self) -> str:
        return f"{self.model} [{self.wishes}]: {list(self.calls) or 'no calls'}"


@dataclass(frozen=True)
class LoadCase:
    """Loads in one process, in order; all loaded models stay alive."""

    family: str
    loads: tuple[ModelLoad, ...] = ()

    def to_json(self) -> str:
        """The case as one line of JSON."""
        return json.dumps({"kind": "load", **asdict(self)}, sort_keys=True)

    def size(self) -> tuple[int, ...]:
        """Fewer loads, fewer calls, fewer tokens, plainer wishes."""
        calls = [tokens for load in self.loads for tokens in load.calls]
        wishes = sum(len(f"{load.model} {load.wishes}") for load in self.loads)
        return len(self.loads), len(calls), sum(calls), wishes

    def __str__(self) -> str:
        return f"{self.family}: " + "  then  ".join(map(str, self.loads))


_CASE: Kinds = {"family": str, "loads": list}
_LOAD: Kinds = {"model": dict, "wishes": dict, "calls": list, "seed": int}
_MODEL: Kinds = {"name": str, "layers": int, "rope": str}
_WISHES: Kinds = {"mode": str, "backend": str, "encoder": (bool, type(None))}


def load_case_from_data(data: object) -> LoadCase:
    """The case from its parsed JSON.

    Raises:
        KeyError: a field is missing.
        TypeError: a field is unknown or of the wrong type.
    """
    fields = typed_fields("case", data, _CASE)
    return LoadCase(fields["family"], tuple(map(_load, fields["loads"])))


def _load(data: object) -> ModelLoad:
    fields = typed_fields("load", data, _LOAD)
    model = ModelSpec(**typed_fields("model", fields["model"], _MODEL))
    return ModelLoad(model, wishes_from_data(fields["wishes"]), tuple(fields["calls"]), fields["seed"])


def wishes_from_data(data: object) -> Wishes:
    """Wishes from their parsed JSON.

    Raises:
        KeyError: a field is missing.
        TypeError: a field is unknown or of the wrong type.
    """
    return Wishes(**typed_fields("wishes", data, _WISHES))
