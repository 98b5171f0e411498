"""Ranks in processes that are not the reference's: processes that sleep, and one loop that does the work for them.

What laws see of a process is whether it is there, and what its rank answers. Both are honest here.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from models.api import Family, Item
from selftests.properties.sharding_stranger import Share, Shares, Stranger
from suite.contract.case import Setup
from suite.contract.shard_case import ENDINGS, Plant
from suite.contract.sharding import RankAnswer, SeenCollective
from suite.contract.subject import Capabilities

IN_PROCESSES = Capabilities(rank_processes=True)


class ProcessShares(Shares):
    """A session over ranks, each with a process that sleeps."""

    def __init__(self, family: Family, ranks: int) -> None:
        super().__init__(family, ranks)
        self.kept: list[list[Sequence[Tensor] | None]] = []
        self.processes = [subprocess.Popen(["sleep", "100"]) for _ in range(ranks)]

    def encode(self, items: Sequence[Item], plant: Plant | None = None) -> list[RankAnswer]:
        """One answer per rank, which are copies of what it keeps."""
        shares = self.share_out([self.family.sizes.rows(item.grid) for item in items])
        if plant is not None and plant.what in ENDINGS:
            answers = self.without(plant) if self.comes_to(plant, shares) else super().encode(items)
        else:
            answers = super().encode(items, plant)
        self.kept.append([answer.outputs for answer in answers])
        return [_copied(answer) for answer in answers]

    def comes_to(self, plant: Plant, shares: Sequence[Share]) -> bool:
        """Whether its rank gets so far: there is one collective, and an encoder for who has items."""
        return plant.at == "before" or (plant.at == "encoding" and bool(shares[plant.rank]))

    def without(self, plant: Plant) -> list[RankAnswer]:
        """What ranks answer if one of them dies or hangs."""
        if plant.what == "dies":
            self.processes[plant.rank].kill()
        return [
            RankAnswer(error=RuntimeError("gone"), stuck=plant.what == "hangs")
            if rank == plant.rank
            else self.alone(plant)
            for rank in range(self.ranks)
        ]

    def alone(self, plant: Plant) -> RankAnswer:
        """What another rank then answers."""
        return RankAnswer(error=RuntimeError(f"no word from rank {plant.rank}"))

    def held(self, batch: int) -> list[RankAnswer]:
        """What ranks keep."""
        return [_copied(RankAnswer(outputs=outputs)) for outputs in self.kept[batch]]

    def mark(self, batch: int, *, rank: int) -> list[RankAnswer]:
        """Writes into what one of them keeps."""
        for place, output in enumerate(self.kept[batch][rank] or ()):
            output.fill_(place)
        return self.held(batch)

    def close(self) -> None:
        """Ends all processes, and asks for each."""
        for process in self.processes:
            process.kill()
            process.wait()


def _copied(answer: RankAnswer) -> RankAnswer:
    return replace(answer, outputs=None if answer.outputs is None else [each.clone() for each in answer.outputs])


class ProcessStranger(Stranger):
    """A subject that only shares out over processes."""

    def __init__(self, shares: type[ProcessShares] = ProcessShares) -> None:
        super().__init__()
        self.capabilities = IN_PROCESSES
        self._in_processes = shares

    def start_rank_processes(self, family: Family, setup: Setup, ranks: int) -> ProcessShares:
        """Graphs are nothing to it."""
        return self._in_processes(family, ranks)


class _SwapsRows(ProcessShares):
    def given(self, rank: int, share: Share, whole: Sequence[Tensor]) -> Sequence[Tensor]:
        return [output.flip(0) for output in super().given(rank, share, whole)]


class _OtherBits(ProcessShares):
    def given(self, rank: int, share: Share, whole: Sequence[Tensor]) -> Sequence[Tensor]:
        return [torch.nextafter(output, output + rank) for output in whole]


class _IdleStaysAway(ProcessShares):
    def met(self, share: Share, items: Sequence[Item]) -> tuple[SeenCollective, ...]:
        return super().met(share, items) if share else ()


class _TakesBack(ProcessShares):
    def encode(self, items: Sequence[Item], plant: Plant | None = None) -> list[RankAnswer]:
        for outputs in self.kept[-1] if self.kept else ():
            for output in outputs or ():
                output.zero_()
        return super().encode(items, plant)


class _OneForAll(ProcessShares):
    def given(self, rank: int, share: Share, whole: Sequence[Tensor]) -> Sequence[Tensor]:
        return whole


class _Silent(ProcessShares):
    def refusal(self, rank: int, share: Share, plant: Plant) -> RankAnswer:
        told = super().refusal(rank, share, plant)
        return told if rank == plant.rank else RankAnswer(outputs=[], collectives=told.collectives)


class _AnswersNothing(ProcessShares):
    def alone(self, plant: Plant) -> RankAnswer:
        return RankAnswer(outputs=[])


class _WaitsForEver(ProcessShares):
    def alone(self, plant: Plant) -> RankAnswer:
        return replace(super().alone(plant), stuck=plant.what == "hangs")


class _LeavesOne(ProcessShares):
    def close(self) -> None:
        left, *others = self.processes
        # Otherwise Python itself would say that it is left.
        left.returncode = 0
        for process in others:
            process.kill()
            process.wait()


BROKEN_PROCESSES: dict[str, type[ProcessShares]] = {
    "sharding_processes/equals-eager-on-every-rank": _SwapsRows,
    "sharding_processes/ranks-hold-equal-bits": _OtherBits,
    "sharding_processes/same-collectives-on-every-rank": _IdleStaysAway,
    "sharding_processes/results-outlive-later-batches": _TakesBack,
    "sharding_processes/results-can-be-written": _OneForAll,
    "sharding_processes/failure-is-told-on-every-rank": _Silent,
    "sharding_processes/death-is-noticed-on-every-rank": _AnswersNothing,
    "sharding_processes/silence-is-noticed-on-every-rank": _WaitsForEver,
    "sharding_processes/no-process-is-left": _LeavesOne,
}
"""By law: a session that does the one thing wrongly that the law is about."""
