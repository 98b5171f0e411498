"""One configured, captured manager of vLLM, watched from outside."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import torch
from torch import Tensor

import models
from models.api import Encoder, Family, Item
from suite.contract.case import Setup
from suite.contract.subject import AdapterBroken, Bounds, Counts, DeviceFacts, Launch, Refused, Where
from suite.emulator.device import EmulatedDevice
from suite.subjects.observation import Observer
from suite.subjects.vllm.batches import mm_kwargs_of
from suite.subjects.vllm.config import config_of
from suite.subjects.vllm.engine import Engine
from suite.subjects.vllm.observed import observed
from suite.subjects.vllm.replaced import without_a_gpu

ModelMaker = Callable[[Encoder], object]
"""Makes a model of the protocol of an encoder of the zoo."""
Surroundings = Callable[[], contextlib.AbstractContextManager[None]]
"""What a model needs around it while a session lives."""


class VllmSession:
    """What vLLM's model runner does with its encoder-graph manager, and no more."""

    def __init__(
        self,
        family: Family,
        setup: Setup,
        engine: Engine,
        maker: ModelMaker,
        *,
        surroundings: Surroundings = contextlib.nullcontext,
    ) -> None:
        self._engine = engine
        self._family = family
        self._stack = contextlib.ExitStack()
        self._observer = Observer()
        self._device = EmulatedDevice()
        encoder = models.build(family.name)
        model = observed(maker(encoder), self._observer)
        self._stack.enter_context(surroundings())
        self._stack.enter_context(without_a_gpu(engine, self._device, self._observer))
        try:
            config = config_of(setup, family, engine)
            self._manager: Any = engine.manager(config, encoder.device, encoder.dtype, model)
        except (ValueError, NotImplementedError) as error:
            self._stack.close()
            raise Refused(str(error)) from error
        except BaseException:
            self._stack.close()
            raise

    def encode(self, items: Sequence[Item]) -> Sequence[Tensor]:
        """One `[tokens, width]` per item: each run of one modality is a batch, as the engine groups them."""
        self._observer.begin(items)
        outputs: list[Tensor] = []
        with torch.inference_mode():
            for modality, run in groupby(items, key=lambda item: item.modality):
                if not self._manager.supports_modality(modality):
                    raise AdapterBroken(f"family {self._family.name} declares {modality}, and its model does not")
                outputs += self._manager.execute(mm_kwargs_of(list(run)))
        return outputs

    def capture(self) -> None:
        """Captures all graphs, in one new pool where the engine shares one."""
        with torch.inference_mode():
            pool = [torch.cuda.graph_pool_handle()] if self._engine.dialect.shared_pool else []
            self._manager.capture(*pool)

    def close(self) -> None:
        """Drops the manager with its graphs, and leaves the emulator."""
        self._manager = None
        self._stack.close()

    def bounds(self) -> Bounds:
        """The manager's limits; of frames there is one where the family takes clips."""
        frames = self._manager.max_frames_per_batch if "video" in self._family.modalities else None
        return Bounds(tuple(self._manager.token_budgets), self._manager.max_batch_size, frames)

    def launches(self) -> Sequence[Launch]:
        """What was seen in the last batch."""
        return tuple(self._observer.launches)

    def promised_ratio(self, items: Sequence[Item]) -> float | None:
        """The engine promises nothing."""
        return None

    def counts(self) -> Counts:
        """The manager's statistics; it counts no failures, because it catches none."""
        seen = self._manager.get_cumulative_stats()
        return Counts(
            hits=seen["graph_hits"],
            misses=seen["graph_misses"],
            replay_failures=0,
            hit_rate=seen["hit_rate"],
            budgets=tuple(seen["token_budgets"]),
            graphs=seen["num_budgets"],
        )

    def fail_next(self, where: Where, *, after: int = 0) -> None:
        """Plants one failure."""
        self._observer.arm(where, after=after)

    def facts(self) -> DeviceFacts:
        """What the emulator saw."""
        seen = self._device.facts
        return DeviceFacts(
            graphs_alive=seen.graphs_alive,
            retained_bytes=seen.retained_bytes,
            refused=seen.refused,
            escaped=tuple(f"{escape.label} born at {escape.site}" for escape in seen.escaped),
            baked_numbers=seen.baked_numbers.sites,
            cold_captures=tuple(self._observer.cold_captures),
        )

    def padded_eager(self, items: Sequence[Item]) -> Sequence[Tensor]:
        """Not offered."""
        raise AdapterBroken("the capability `padded_eager` is not declared")

    def clear(self) -> None:
        """Not offered."""
        raise AdapterBroken("the capability `lifecycle` is not declared")

    def memory(self) -> dict[int, int]:
        """Not offered."""
        raise AdapterBroken("the capability `memory_report` is not declared")
