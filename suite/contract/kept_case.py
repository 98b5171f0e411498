"""What a law about a cache of encoder outputs runs: batches, puts, gets and drops under a capacity, as plain data."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Literal

from suite.contract.case import (
    Batch,
    ItemSpec,
    Kinds,
    Setup,
    batches_from_data,
    batches_text,
    setup_from_data,
    typed_fields,
)

Deed = Literal["keep", "encode", "get", "drop", "clear"]
DEEDS: tuple[Deed, ...] = ("keep", "encode", "get", "drop", "clear")


@dataclass(frozen=True, order=True)
class Step:
    """One thing that is done, with each item of a batch in turn."""

    does: Deed
    """Encode the batch and put each result; encode it and put none; get or drop each item; or clear the cache."""
    batch: Batch = ()

    def __str__(self) -> str:
        return self.does if self.does == "clear" else f"{self.does} {batches_text((self.batch,))[1:-1]}"


@dataclass(frozen=True)
class KeptCase:
    """Steps through one session with one cache, in order."""

    family: str
    capacity: int = 0
    """Of the cache, in output tokens."""
    setup: Setup = field(default_factory=Setup)
    steps: tuple[Step, ...] = ()

    def to_json(self) -> str:
        """The case as one line of JSON."""
        return json.dumps({"kind": "kept", **asdict(self)}, sort_keys=True)

    def size(self) -> tuple[int, ...]:
        """Fewer items, fewer steps, fewer patches, a smaller capacity, graphs off."""
        items = [spec for step in self.steps for spec in step.batch]
        patches = sum(spec.grid.patches for spec in items)
        return len(items), len(self.steps), patches, self.capacity, int(self.setup.enabled)

    def pool(self) -> tuple[ItemSpec, ...]:
        """Every item that occurs, once, in the order of its first occurrence."""
        return tuple(dict.fromkeys(spec for step in self.steps for spec in step.batch))

    def __str__(self) -> str:
        graphs = f"budgets {list(self.setup.budgets)}" if self.setup.enabled else "graphs off"
        steps = ", ".join(str(step) for step in self.steps)
        return f"{self.family}: a cache of {self.capacity} tokens, {steps or 'no steps'}  {graphs}"


_CASE: Kinds = {"family": str, "capacity": int, "setup": dict, "steps": list}
_STEP: Kinds = {"does": str, "batch": list}


def kept_case_from_data(data: object) -> KeptCase:
    """The case from its parsed JSON.

    Raises:
        KeyError: a field is missing.
        TypeError: a field is unknown or of the wrong type, the capacity is negative, or a step does something else.
    """
    fields = typed_fields("case", data, _CASE)
    if fields["capacity"] < 0:
        raise TypeError(f"capacity of the case is {fields['capacity']}, and should be 0 or more")
    steps = tuple(_step(each) for each in fields["steps"])
    return KeptCase(fields["family"], fields["capacity"], setup_from_data(fields["setup"]), steps)


def _step(data: object) -> Step:
    fields = typed_fields("step", data, _STEP)
    if fields["does"] not in DEEDS:
        raise TypeError(f"does of the step is {fields['does']!r}; choose one of {', '.join(DEEDS)}")
    (batch,) = batches_from_data([fields["batch"]])
    return Step(fields["does"], batch)
