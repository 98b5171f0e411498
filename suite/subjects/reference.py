"""The reference as a subject: every part that a fault may replace comes in through `Parts`."""

from __future__ import annotations

from dataclasses import replace

import reference
from models.api import Family
from reference.encoder_graph.manager import EncoderCudaGraphManager
from reference.encoder_graph.protocol import missing_methods
from suite.contract.case import Setup
from suite.contract.subject import (
    Refused,
)
from suite.emulator.device import EmulatedDevice
from suite.subjects.observation import ObservedModel, Observer
from suite.subjects.reference_compiling import CompilesPrograms
from suite.subjects.reference_decorating import Decorates
from suite.subjects.reference_engine import StartsEngines
from suite.subjects.reference_keeping import ReferenceKeeping
from suite.subjects.reference_parts import EMULATED, Parts, config_of
from suite.subjects.reference_rank_processes import ReferenceRankProcesses
from suite.subjects.reference_session import ReferenceSession, Route
from suite.subjects.reference_sharding import ReferenceRanks
from suite.subjects.reference_startup import Benchmarks


class ReferenceSubject(CompilesPrograms, Decorates, StartsEngines, Benchmarks):
    """The reference, or a broken form of it, on one route to graphs."""

    def __init__(
        self,
        *,
        name: str = "reference",
        route: Route = "injected",
        parts: Parts | None = None,
        isolated: bool = False,
    ) -> None:
        self.name = name
        self.version = reference.__version__
        self._route: Route = route
        self._parts = parts or Parts()
        CompilesPrograms.__init__(self, self._parts.compilation)
        Decorates.__init__(self, self._parts.decoration)
        Benchmarks.__init__(self, self._parts.startup)
        StartsEngines.__init__(self, self._parts.engine)
        # The shim routes torch.cuda to one emulator at a time.
        self.capabilities = replace(
            EMULATED,
            isolated=isolated,
            several_sessions=route != "shim",
            imported_as=self._parts.decoration.imported_as,
        )
        if route == "cuda":
            self.capabilities = replace(
                self.capabilities,
                observable=False,
                buffers_observed=False,
                ranks=False,
                rank_processes=False,
                device="cuda",
            )

    def start(self, family: Family, setup: Setup) -> ReferenceSession:
        """A captured session.

        Raises:
            Refused: the configuration is refused.
        """
        session = ReferenceSession(family, setup, route=self._route, parts=self._parts)
        try:
            session.capture()
        except BaseException:
            session.close()
            raise
        return session

    def start_ranks(self, family: Family, setup: Setup, ranks: int) -> ReferenceRanks:
        """A captured session over ranks in threads; the emulator is the device whatever the route.

        Raises:
            Refused: the configuration is refused.
        """
        return ReferenceRanks(family, setup, ranks=ranks, parts=self._parts)

    def start_rank_processes(self, family: Family, setup: Setup, ranks: int) -> ReferenceRankProcesses:
        """The same with a process for each rank, forked from this one and joined over gloo.

        Raises:
            Refused: the configuration is refused.
        """
        return ReferenceRankProcesses(family, setup, ranks=ranks, parts=self._parts)

    def start_keeping(self, family: Family, setup: Setup, capacity_bytes: int) -> ReferenceKeeping:
        """A captured session with a cache of outputs.

        Raises:
            Refused: the configuration is refused.
        """
        return ReferenceKeeping(self.start(family, setup), self._parts.outputs(capacity_bytes))

    def missing_method(self, family: Family, method: str) -> None:
        """Puts a model without the method before the manager."""
        try:
            self._manager_of(family, method, None)
        except TypeError as error:
            raise Refused(str(error)) from error

    def inferred_ladder(self, family: Family, *, least: int, most: int) -> tuple[int, ...]:
        """The manager's, before a model that states this range."""
        manager = self._manager_of(family, "get_encoder_cudagraph_budget_range", lambda: (least, most))
        return manager.limits.budgets

    def _manager_of(self, family: Family, method: str, instead: object) -> EncoderCudaGraphManager:
        """A manager, nothing said by the user, before a model with something else in place of one method."""
        device = EmulatedDevice()
        model = ObservedModel(self._parts.model(self._parts.encoder(family.name, device.device), "flash"), Observer())
        setattr(model, method, instead)
        return self._parts.manager(
            model,
            config=config_of(Setup()),
            device=device,
            packer=self._parts.packer("greedy"),
            buffers=self._parts.buffers,
        )

    def methods(self) -> tuple[str, ...]:
        """The protocol's method names."""
        return tuple(missing_methods(object()))
