"""vLLM as a subject."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from functools import partial

import torch

import models
from models.api import Family
from suite.contract.case import Setup
from suite.contract.decorating import Wishes
from suite.contract.observed_start import Script
from suite.contract.replacement import Replacement
from suite.contract.scripting import ScriptPart
from suite.contract.startup import Ended
from suite.contract.startup_case import StartupCase
from suite.contract.subject import AdapterBroken, Capabilities, Refused
from suite.contract.timeline import Ledger, Timeline
from suite.subjects.vllm.callers import accounting
from suite.subjects.vllm.config import config_of
from suite.subjects.vllm.decorating import VllmWorkbench
from suite.subjects.vllm.decorator import compile_engine
from suite.subjects.vllm.engine import Engine
from suite.subjects.vllm.keeping import Store, VllmKeeping
from suite.subjects.vllm.ledger import keep_ledger
from suite.subjects.vllm.loading import VllmLoad
from suite.subjects.vllm.model import zoo_model
from suite.subjects.vllm.ranks import VllmRanks
from suite.subjects.vllm.replaced import REPLACEMENTS, ZOO
from suite.subjects.vllm.script import ranks_part, script_part
from suite.subjects.vllm.session import ModelMaker, Surroundings, VllmSession
from suite.subjects.vllm.startup import METRICS, benchmark, command

CAPABILITIES = Capabilities(
    token_budgets=True,
    statistics=True,
    configurable=True,
    observable=True,
    infers_ladder=True,
    video=True,
    ranks=True,
)
"""Of its graphs."""
DECORATING = replace(CAPABILITIES, decorates=True, compile_modes=("none", "full"))
"""With its decorator."""


def accounting_of(capabilities: Capabilities) -> Capabilities:
    """The same with what this release has of the accounting of compile time."""
    return replace(
        capabilities,
        ledger=accounting() is not None,
        startup_benchmark=command() is not None,
        startup_metrics=tuple(METRICS.values()) if command() else (),
    )


def keeping_of(capabilities: Capabilities, store: Store | None) -> Capabilities:
    """The same with the store of outputs, where there is one; of its order the engine says that the oldest go first."""
    return replace(capabilities, keeps_outputs=store is not None, keeps_least_recent_last=store is not None)


class VllmSubject:
    """The encoder-graph manager of the vLLM that is installed, unmodified, on the emulator."""

    def __init__(
        self,
        engine: Engine,
        *,
        maker: ModelMaker | None = None,
        capabilities: Capabilities = CAPABILITIES,
        surroundings: Surroundings = contextlib.nullcontext,
        beside: tuple[Replacement, ...] = (),
        store: Store | None = None,
    ) -> None:
        self.name = "vllm"
        self.version = engine.version
        # A model that is not ours states a range of its own.
        known = keeping_of(capabilities, store)
        self.capabilities = known if maker is None else replace(known, infers_ladder=False)
        self._engine = engine
        self._zoo = partial(zoo_model, dialect=engine.dialect, protocol=engine.protocol, shapes=engine.shapes)
        self._maker = maker or self._zoo
        self.replacements = (*(each for each in REPLACEMENTS if maker is None or each is not ZOO), *beside)
        self._surroundings = surroundings
        self._store = store

    def start(self, family: Family, setup: Setup) -> VllmSession:
        """A captured session.

        Raises:
            Refused: the engine refuses the configuration.
        """
        session = VllmSession(family, setup, self._engine, self._maker, surroundings=self._surroundings)
        try:
            session.capture()
        except BaseException:
            session.close()
            raise
        return session

    def start_ranks(self, family: Family, setup: Setup, ranks: int) -> VllmRanks:
        """A captured session over ranks in threads.

        Raises:
            Refused: the engine refuses the configuration.
        """
        return VllmRanks(family, setup, self._engine, ranks=ranks, maker=self._maker)

    def start_keeping(self, family: Family, setup: Setup, capacity_bytes: int) -> VllmKeeping:
        """A captured session, and the release's store beside it with room for so many bytes of whole embeddings.

        Raises:
            Refused: the engine refuses the configuration.
            AdapterBroken: the release has no store.
        """
        if self._store is None:
            raise AdapterBroken("the release has no store of outputs: `keeps_outputs` is not declared")
        embeddings = capacity_bytes // (family.width * torch.float32.itemsize)
        return VllmKeeping(self.start(family, setup), self._store, family, embeddings=embeddings)

    def workbench(self, wishes: Wishes) -> VllmWorkbench:
        """One configuration of the engine, under which classes are decorated and instances made.

        Raises:
            Refused: the engine refuses the wishes.
        """
        return VllmWorkbench(wishes, compile_engine())

    def load_model(self, config: object, wishes: Wishes) -> VllmLoad:
        """A model whose classes the engine's Transformers backend decorated.

        Raises:
            Refused: the engine refuses the configuration or the wishes.
        """
        return VllmLoad(config, wishes, compile_engine())

    def script(self, family: Family, setup: Setup) -> ScriptPart:
        """The manager by itself, with the zoo's model.

        Raises:
            ValueError: the model is the user's: only a name that can be imported could stand in a script.
        """
        if self._maker is not self._zoo:
            raise ValueError("no script puts a model of yours before vLLM: replay the case, or leave the model out")
        return script_part(family, setup)

    def script_over_ranks(self, family: Family, setup: Setup, ranks: int) -> ScriptPart:
        """A manager for each rank, with the zoo's model.

        Raises:
            ValueError: as `script`.
        """
        if self._maker is not self._zoo:
            raise ValueError("no script puts a model of yours before vLLM: replay the case, or leave the model out")
        return ranks_part(setup, ranks)

    def keep_ledger(self, timeline: Timeline) -> Ledger:
        """The timeline through the release's callers and monitor."""
        engine = accounting()
        if engine is None:
            raise AdapterBroken("the capability `ledger` is not declared")
        return keep_ledger(timeline, engine)

    def benchmark(self, case: StartupCase, script: Script) -> Ended:
        """The release's benchmark, over scripted starts in this process."""
        found = command()
        if found is None:
            raise AdapterBroken("the capability `startup_benchmark` is not declared")
        return benchmark(case, script, found)

    def inferred_ladder(self, family: Family, *, least: int, most: int) -> tuple[int, ...]:
        """The manager's, before a model that states this range."""
        engine = self._engine
        encoder = models.build(family.name)
        model = self._zoo(encoder)
        model.range = (least, most)
        try:
            manager = engine.manager(config_of(Setup(), family, engine), encoder.device, encoder.dtype, model)
        except ValueError as error:
            raise Refused(str(error)) from error
        return tuple(manager.token_budgets)

    def missing_method(self, family: Family, method: str) -> None:
        """Not offered: a model without the whole protocol runs in eager without a word."""
        raise AdapterBroken("the capability `model_protocol` is not declared")

    def methods(self) -> tuple[str, ...]:
        """Not offered."""
        raise AdapterBroken("the capability `model_protocol` is not declared")
