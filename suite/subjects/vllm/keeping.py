"""vLLM's own store of encoder outputs as it is installed, beside the manager whose outputs it is given.

The engine keeps in two places: its scheduler knows which results there are and how many embeddings they have, its
worker has the tensors. Both are the release's. What lies between them is played: one step for each result, with one
request of one item, which ends with the step.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import count
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from models.api import Family, Item
from suite.contract.keeping import Bound
from suite.contract.subject import AdapterBroken
from suite.subjects.vllm.engine import imported, quietly
from suite.subjects.vllm.session import VllmSession

SCHEDULED = "vllm.v1.core.encoder_cache_manager"
WORKED = "vllm.v1.worker.gpu.mm.encoder_cache"
SCHEDULER_METHODS = ("check_and_update_cache", "can_allocate", "allocate", "free", "get_freed_mm_hashes", "reset")
WORKER_METHODS = ("free_encoder_cache", "reset_encoder_cache")


@dataclass(frozen=True)
class Store:
    """The two halves of one release; its classes carry no types."""

    scheduled: type[Any]
    """The scheduler's `EncoderCacheManager`, made with a number of embeddings, `cache_size`."""
    worked: type[Any]
    """The worker's `EncoderCache`; keeps tensors in `encoder_outputs`."""


@cache
def installed_store() -> Store | None:
    """The store of this environment's release; None if it has none in two halves.

    Raises:
        EngineMissing: it has one, which imports what is not there.
    """
    with quietly():
        if find_spec(SCHEDULED) is None or find_spec(WORKED) is None:
            return None
        scheduler, worker = imported(SCHEDULED), imported(WORKED)
    return store_of(getattr(scheduler, "EncoderCacheManager", None), getattr(worker, "EncoderCache", None))


def store_of(scheduled: type[Any] | None, worked: type[Any] | None) -> Store | None:
    """The store of two classes; None if one is missing, or is used in another way."""
    if scheduled is None or worked is None:
        return None
    known = all(hasattr(scheduled, name) for name in SCHEDULER_METHODS)
    return Store(scheduled, worked) if known and all(hasattr(worked, name) for name in WORKER_METHODS) else None


class VllmKeeping:
    """A manager of graphs and a store, used as scheduler and model runner use them: results are put as they come."""

    def __init__(self, session: VllmSession, store: Store, family: Family, *, embeddings: int) -> None:
        self._session = session
        self._family = family
        self._scheduled = store.scheduled(cache_size=embeddings)
        self._worked = store.worked()
        self._numbers = count()

    def encode(self, items: Sequence[Item]) -> Sequence[Tensor]:
        """What the manager gives; the store is not asked."""
        return self._session.encode(items)

    def put(self, item: Item, result: Tensor) -> None:
        """Room is made first, then the worker forgets what had to go, then it keeps the result: the engine's order."""
        scheduled = self._scheduled
        with self._request(item) as request:
            if scheduled.check_and_update_cache(request, 0):
                return
            if not scheduled.can_allocate(request, 0, scheduled.cache_size, 0):
                return
            scheduled.allocate(request, 0)
            for key in scheduled.get_freed_mm_hashes():
                self._worked.free_encoder_cache(key)
            self._worked.encoder_outputs[_key(item)] = result

    def get(self, item: Item) -> Tensor | None:
        """The worker's tensor, if the scheduler says that there is one."""
        with self._request(item) as request:
            if not self._scheduled.check_and_update_cache(request, 0):
                return None
            kept: Tensor = self._worked.encoder_outputs[_key(item)]
            return kept

    def drop(self, item: Item) -> None:
        """Not offered."""
        raise AdapterBroken("the capability `drops_kept` is not declared: vLLM throws out for room, or everything")

    def clear(self) -> None:
        """As when weights are updated."""
        self._scheduled.reset()
        self._worked.reset_encoder_cache()

    def holds(self) -> Sequence[Tensor]:
        """The worker's tensors."""
        return list(self._worked.encoder_outputs.values())

    def bound(self) -> Bound:
        """Embeddings: what the suite calls output tokens."""
        return Bound(tokens=self._scheduled.cache_size)

    def close(self) -> None:
        """Drops the store and the manager."""
        try:
            self.clear()
        finally:
            self._session.close()

    @contextmanager
    def _request(self, item: Item) -> Iterator[object]:
        """A request for one item with the fields that the scheduler's half reads, over when the block ends."""
        tokens = self._family.sizes.tokens(item.grid)
        request = SimpleNamespace(
            request_id=f"request {next(self._numbers)}",
            mm_features=[SimpleNamespace(identifier=_key(item))],
            get_num_encoder_embeds=lambda _input_id: tokens,
        )
        try:
            yield request
        finally:
            self._scheduled.free(request)


def _key(item: Item) -> str:
    """A name for the whole content: which hash the engine makes of an image is not what is judged here."""
    about = f"{item.modality} {item.grid} {tuple(item.pixels.shape)}".encode()
    return hashlib.sha256(about + item.pixels.contiguous().view(torch.uint8).numpy().tobytes()).hexdigest()
