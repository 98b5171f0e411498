"""What a law about ranks runs: a history of batches over so many ranks, as plain data."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Literal

from suite.contract.case import Batch, Kinds, Setup, batches_from_data, batches_text, setup_from_data, typed_fields

PlantKind = Literal["raises", "dtype", "width", "dies", "hangs"]
PLANTS: tuple[PlantKind, ...] = ("raises", "dtype", "width", "dies", "hangs")
ENDINGS: tuple[PlantKind, ...] = ("dies", "hangs")
"""What only a rank with a process of its own can do."""
Stage = Literal["before", "encoding", "between"]
STAGES: tuple[Stage, ...] = ("before", "encoding", "between")
"""Of one batch on one rank: before its encoder and any collective, in its encoder, before its second collective."""
MOST_RANKS = 8


@dataclass(frozen=True, order=True)
class Plant:
    """Something that goes wrong on one rank in one batch."""

    rank: int
    batch: int = 0
    what: PlantKind = "raises"
    """The encoder raises, or its outputs have another dtype or width than those of the other ranks.

    With processes, the rank may also be killed, or wait for ever.
    """
    at: Stage = "encoding"
    """Where it dies or hangs."""

    def __str__(self) -> str:
        if self.what in ENDINGS:
            return f"rank {self.rank} {self.what} ({self.at}) in batch {self.batch}"
        does = "raises" if self.what == "raises" else f"gives another {self.what}"
        return f"rank {self.rank} {does} in batch {self.batch}"


@dataclass(frozen=True)
class ShardCase:
    """Batches that go through one session over ranks, in order."""

    family: str
    ranks: int = 1
    setup: Setup = field(default_factory=Setup)
    history: tuple[Batch, ...] = ()
    plant: Plant | None = None

    def to_json(self) -> str:
        """The case as one line of JSON."""
        return json.dumps({"kind": "shards", **asdict(self)}, sort_keys=True)

    def size(self) -> tuple[int, ...]:
        """Fewer items, fewer batches, fewer ranks, fewer patches, graphs off, no plant."""
        items = [item for batch in self.history for item in batch]
        patches = sum(item.grid.patches for item in items)
        wishes = (int(self.setup.enabled), int(self.plant is not None))
        return len(items), len(self.history), self.ranks, patches, *wishes

    def __str__(self) -> str:
        graphs = f"  budgets {list(self.setup.budgets)}" if self.setup.enabled else "  graphs off"
        plant = f"  {self.plant}" if self.plant else ""
        ranks = "1 rank" if self.ranks == 1 else f"{self.ranks} ranks"
        return f"{self.family}: {ranks}, history {batches_text(self.history)}{graphs}{plant}"


_CASE: Kinds = {"family": str, "ranks": int, "setup": dict, "history": list, "plant": (dict, type(None))}
_PLANT: Kinds = {"rank": int, "batch": int, "what": str, "at": str}


def shard_case_from_data(data: object) -> ShardCase:
    """The case from its parsed JSON.

    Raises:
        KeyError: a field is missing.
        TypeError: a field is unknown or of the wrong type, or there are less than 1 or more than 8 ranks.
    """
    fields = typed_fields("case", data, _CASE)
    if not 1 <= fields["ranks"] <= MOST_RANKS:
        raise TypeError(f"ranks of the case is {fields['ranks']}, and should be from 1 to {MOST_RANKS}")
    plant = None if fields["plant"] is None else _plant(fields["plant"])
    return ShardCase(
        fields["family"], fields["ranks"], setup_from_data(fields["setup"]), batches_from_data(fields["history"]), plant
    )


def _plant(data: object) -> Plant:
    fields = typed_fields("plant", data, _PLANT)
    if fields["what"] not in PLANTS:
        raise TypeError(f"what of the plant is {fields['what']!r}; choose one of {', '.join(PLANTS)}")
    if fields["at"] not in STAGES:
        raise TypeError(f"at of the plant is {fields['at']!r}; choose one of {', '.join(STAGES)}")
    return Plant(**fields)
