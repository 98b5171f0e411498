"""A group of ranks in threads of one process: what they gather, and what happens when one does not come.

A real group hangs when a rank skips a collective. Here the ranks that wait are told as soon as every other one has
come or has returned, for a rank that has returned can never come. Every call is logged by rank, so that the order
of collectives can be compared.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

import torch
from torch import Tensor

Value = TypeVar("Value")


class RankMissing(RuntimeError):
    """A collective that some rank never enters: on a real group the others would hang."""


class UnequalTensors(RuntimeError):
    """Ranks gave tensors of other shapes or dtypes to one collective: on a real group undefined, or a hang."""


@dataclass(frozen=True)
class Call:
    """One collective as one rank entered it."""

    shape: tuple[int, ...]
    dtype: torch.dtype


class ThreadedCollectives:
    """One rank's face of a `RankGroup`."""

    def __init__(self, group: RankGroup, rank: int) -> None:
        self._group = group
        self.rank = rank
        self.world_size = group.size

    def all_gather(self, tensor: Tensor) -> list[Tensor]:
        """A copy of every rank's tensor, in the order of ranks.

        Raises:
            RankMissing: a rank has returned without it, or did not come within the deadline.
            UnequalTensors: shapes or dtypes differ.
        """
        return self._group.exchange(self.rank, tensor)


class RankGroup:
    """The meeting place of so many ranks."""

    def __init__(self, size: int, *, deadline_seconds: float = 30.0) -> None:
        if size < 1:
            raise ValueError(f"size={size}: a group has at least 1 rank")
        self.size = size
        self.calls: list[list[Call]] = [[] for _ in range(size)]
        """By rank: the collectives that it entered, in order."""
        self._deadline_seconds = deadline_seconds
        self._offers: list[dict[int, Tensor]] = []
        self._gone: set[int] = set()
        self._changed = threading.Condition()

    def exchange(self, rank: int, tensor: Tensor) -> list[Tensor]:
        """Waits until every rank has entered the collective that this one enters."""
        with self._changed:
            number = len(self.calls[rank])
            self.calls[rank].append(Call(tuple(tensor.shape), tensor.dtype))
            if number == len(self._offers):
                self._offers.append({})
            offers = self._offers[number]
            offers[rank] = tensor.detach().clone()
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._settled(offers), timeout=self._deadline_seconds)
            missing = [each for each in range(self.size) if each not in offers]
        if missing:
            raise RankMissing(f"rank {rank} waits in collective {number}, which ranks {missing} do not enter")
        _require_equal(offers, number)
        return [offers[each].clone() for each in range(self.size)]

    def leave(self, rank: int) -> None:
        """The rank has returned: whoever waits for it is told."""
        with self._changed:
            self._gone.add(rank)
            self._changed.notify_all()

    def _settled(self, offers: dict[int, Tensor]) -> bool:
        return all(rank in offers or rank in self._gone for rank in range(self.size))


@dataclass(frozen=True)
class RankRun(Generic[Value]):
    """What became of every rank, by rank."""

    values: tuple[Value | None, ...]
    errors: tuple[BaseException | None, ...]
    calls: tuple[tuple[Call, ...], ...]

    def all_values(self) -> list[Value]:
        """What the ranks returned.

        Raises:
            BaseExceptionGroup: some did not return.
        """
        if raised := [error for error in self.errors if error is not None]:
            raise BaseExceptionGroup(f"{len(raised)} of {len(self.errors)} ranks failed", raised)
        return cast("list[Value]", list(self.values))


def run_on_ranks(
    size: int, work: Callable[[ThreadedCollectives], Value], *, deadline_seconds: float = 30.0
) -> RankRun[Value]:
    """Runs the work on so many ranks at once; a rank past the deadline counts as `TimeoutError` and is left behind."""
    group = RankGroup(size, deadline_seconds=deadline_seconds)
    values: list[Value | None] = [None] * size
    errors: list[BaseException | None] = [TimeoutError(f"rank {rank} has not returned") for rank in range(size)]

    def run(rank: int) -> None:
        try:
            values[rank] = work(ThreadedCollectives(group, rank))
            errors[rank] = None
        except BaseException as error:
            errors[rank] = error
        finally:
            group.leave(rank)

    threads = [threading.Thread(target=run, args=(rank,), name=f"rank {rank}", daemon=True) for rank in range(size)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + deadline_seconds
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return RankRun(tuple(values), tuple(errors), tuple(tuple(calls) for calls in group.calls))


def _require_equal(offers: dict[int, Tensor], number: int) -> None:
    forms = {rank: f"{list(offers[rank].shape)} {offers[rank].dtype}" for rank in sorted(offers)}
    if len(set(forms.values())) > 1:
        said = ", ".join(f"rank {rank}: {form}" for rank, form in forms.items())
        raise UnequalTensors(f"collective {number} was given unequal tensors ({said})")
