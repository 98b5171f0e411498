"""Faults of configuration: values that are not checked, replaced, or read as something else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from torch import Tensor

from models.api import Capacity, Encoder, Grid, Item
from reference.encoder_graph.buffers import StaticBuffers
from reference.encoder_graph.config import ConfigError, EncoderGraphConfig
from reference.encoder_graph.device import GraphDevice
from reference.encoder_graph.manager import BufferFactory, EncoderCudaGraphManager, ManagerFactory
from reference.encoder_graph.model import PIXELS, EncoderGraphModel
from reference.encoder_graph.packing import Packer
from reference.encoder_graph.protocol import SupportsEncoderCudaGraph
from reference.model_runner import EncoderModelRunner
from suite.contract.case import Setup
from suite.faults import injection
from suite.faults.fault import Fault
from suite.subjects.reference_parts import EMULATED, Parts, config_of


def _read_as(change: Callable[[Setup], Setup]) -> injection.MakeParts:
    """A configuration made from something else than what the user asked for."""
    return lambda: Parts(config=lambda setup: config_of(change(setup)))


def _negative_means_none(setup: Setup) -> Setup:
    """Takes the larger of the limit and zero."""
    return replace(setup, max_items=max(0, setup.max_items))


def _unknown_means_default(setup: Setup) -> Setup:
    """Looks the back end up with a default for all others."""
    return replace(setup, backend=setup.backend if setup.backend in EMULATED.backends else None)


def _without_bad_budgets(setup: Setup) -> Setup:
    """Keeps the budgets that make sense."""
    return replace(setup, budgets=tuple(budget for budget in setup.budgets if budget > 0))


def _frames_as_numbers(setup: Setup) -> Setup:
    """Takes whatever can be made a number for a limit on frames."""
    return replace(setup, max_frames=None if setup.max_frames is None else int(setup.max_frames))


def _first_budget_checked(setup: Setup) -> Setup:
    """Leaves out what makes no sense behind a first budget that does."""
    return replace(setup, budgets=setup.budgets[:1] + _without_bad_budgets(setup).budgets[1:])


def _in_steps_of_four(manager: EncoderCudaGraphManager, config: EncoderGraphConfig) -> None:
    """Infers every other power of two, to capture less."""
    if not config.encoder_cudagraph_token_budgets:
        *below, most = manager.limits.budgets
        manager.limits = replace(manager.limits, budgets=(*below[::2], most))


def _cap_dropped(manager: EncoderCudaGraphManager, config: EncoderGraphConfig) -> None:
    """Infers the limit on items without capping it by the smallest budget."""
    if not config.max_items:
        budgets = manager.limits.budgets
        manager.limits = replace(manager.limits, max_items=budgets[-1] // budgets[0])


def _ladder_extended(manager: EncoderCudaGraphManager, config: EncoderGraphConfig) -> None:
    """Adds a budget that is twice the largest, so that fewer items are oversized."""
    budgets = manager.limits.budgets
    manager.limits = replace(manager.limits, budgets=(*budgets, 2 * budgets[-1]))


class _DummyClips(EncoderGraphModel):
    """Captures on dummy clips that share the frames out evenly, which can leave none for each."""

    def prepare_encoder_cudagraph_capture_inputs(self, capacity: Capacity) -> dict[str, Tensor]:
        frames = min(capacity.frames, capacity.tokens) // capacity.items
        dummy = Grid(frames, self._sizes.merge, self._sizes.merge)
        pixels = super().prepare_encoder_cudagraph_capture_inputs(capacity)[PIXELS]
        return {PIXELS: pixels, **self._metadata([dummy] * capacity.items, capacity)}


class _AsGiven(EncoderGraphModel):
    """Takes a budget for a number of whole items, which it need not be."""

    def get_encoder_cudagraph_capacity(self, budget: int, *, max_items: int, max_frames: int) -> Capacity:
        return Capacity(tokens=budget, items=max_items, frames=max_frames)


def _always_flash(encoder: Encoder, backend: str) -> SupportsEncoderCudaGraph:
    """Leaves the back end to the model's default."""
    return EncoderGraphModel(encoder)


class _EagerInFlash(EncoderGraphModel):
    """Hands the back end on to replays; the eager path is older than the option."""

    def encoder_eager_forward(self, items: Sequence[Item]) -> list[Tensor]:
        return EncoderGraphModel(self._encoder).encoder_eager_forward(items)


class _OffLater(EncoderModelRunner):
    """Asks the flag when everything is captured, and keeps the outputs of the graphs that it then drops."""

    def __init__(
        self,
        encoder: Encoder,
        *,
        config: EncoderGraphConfig,
        device: GraphDevice,
        packing: Packer | None = None,
        buffers: BufferFactory = StaticBuffers,
        model: SupportsEncoderCudaGraph | None = None,
        manager: ManagerFactory = EncoderCudaGraphManager,
    ) -> None:
        on = replace(config, cudagraph_mm_encoder=True)
        super().__init__(
            encoder, config=on, device=device, packing=packing, buffers=buffers, model=model, manager=manager
        )
        if self.manager is not None and not config.cudagraph_mm_encoder:
            self.manager.capture()
            self.outputs = [captured.output for captured in self.manager._graphs.values()]
            self.manager.clear()
            self.manager = None


class _RoundedDown(EncoderGraphModel):
    """Gives every item an equal share of the budget, rounded down."""

    def get_encoder_cudagraph_capacity(self, budget: int, *, max_items: int, max_frames: int) -> Capacity:
        return super().get_encoder_cudagraph_capacity(
            max_items * (budget // max_items), max_items=max_items, max_frames=max_frames
        )


def _eight_frames(setup: Setup) -> EncoderGraphConfig:
    """A constant stands in for the user's frame limit (BUG-E13)."""
    return config_of(replace(setup, max_frames=setup.max_frames and 8))


FAULTS = (
    Fault(
        id="configuration/negative-means-none",
        breaks="a negative limit on items is taken for no limit given",
        caught_by=("configuration/bad-values-are-refused",),
        parts=_read_as(_negative_means_none),
    ),
    Fault(
        id="configuration/unknown-backend-means-default",
        breaks="an attention back end that does not exist is silently replaced",
        caught_by=("configuration/bad-values-are-refused",),
        parts=_read_as(_unknown_means_default),
        source="BUG-E24",
    ),
    Fault(
        id="configuration/bad-budgets-left-out",
        breaks="budgets of zero and less are dropped without a word",
        caught_by=("configuration/bad-values-are-refused",),
        parts=_read_as(_without_bad_budgets),
    ),
    Fault(
        id="configuration/cap-dropped",
        breaks="the inferred limit on items can exceed the smallest budget",
        caught_by=("configuration/items-fit-the-smallest-budget",),
        parts=injection.manager_changed(_cap_dropped),
        source="BUG-E08",
    ),
    Fault(
        id="configuration/ladder-extended",
        breaks="a budget is captured that the user did not ask for",
        caught_by=("configuration/ladder-is-sound",),
        parts=injection.manager_changed(_ladder_extended),
    ),
    Fault(
        id="configuration/four-items-at-most",
        breaks="the user's limit on items is replaced by a constant",
        caught_by=("configuration/ladder-is-sound",),
        parts=_read_as(lambda setup: replace(setup, max_items=min(setup.max_items, 4))),
        source="BUG-E13",
    ),
    Fault(
        id="configuration/terse",
        breaks="a refusal names neither value nor remedy",
        caught_by=("configuration/accepted-means-it-runs", "configuration/bad-values-are-refused"),
        parts=injection.manager_refusing(ConfigError, text="invalid value"),
    ),
    Fault(
        id="configuration/methods-not-named",
        breaks="a model that lacks methods is refused without naming them",
        caught_by=("configuration/missing-method-is-named",),
        parts=injection.manager_refusing(TypeError, text="the model does not implement the protocol"),
        source="BUG-E18",
    ),
    Fault(
        id="configuration/dummy-clips",
        breaks="fewer frames than items are accepted and cannot be captured",
        caught_by=("configuration/accepted-means-it-runs",),
        parts=injection.model(_DummyClips),
        source="BUG-E12",
    ),
    Fault(
        id="configuration/rounded-down",
        breaks="a graph holds fewer tokens than its budget when the items do not divide it",
        caught_by=("fallback/report-is-true",),
        parts=injection.model(_RoundedDown),
        source="BUG-E09",
    ),
    Fault(
        id="configuration/flag-ignored",
        breaks="graphs are captured although they are switched off",
        caught_by=("configuration/off-changes-nothing",),
        parts=_read_as(lambda setup: replace(setup, enabled=True)),
    ),
    Fault(
        id="configuration/zero-frames-means-infer",
        breaks="a frame limit of zero is taken for no limit given",
        caught_by=("fallback/video-can-be-off",),
        parts=_read_as(lambda setup: replace(setup, max_frames=setup.max_frames or None)),
        source="BUG-E13",
        sampled=True,
    ),
    Fault(
        id="configuration/eight-frames",
        breaks="any frame limit of the user means eight",
        caught_by=("configuration/ladder-is-sound",),
        parts=lambda: Parts(config=_eight_frames),
        source="BUG-E13",
    ),
    Fault(
        id="configuration/frames-as-numbers",
        breaks="a limit on frames that is no whole number is made one",
        caught_by=("configuration/bad-values-are-refused",),
        parts=_read_as(_frames_as_numbers),
    ),
    Fault(
        id="configuration/first-budget-checked",
        breaks="bad budgets behind a good one are dropped without a word",
        caught_by=("configuration/bad-values-are-refused",),
        parts=_read_as(_first_budget_checked),
    ),
    Fault(
        id="configuration/in-steps-of-four",
        breaks="every other power of two is left out of the inferred ladder",
        caught_by=("configuration/ladder-is-sound",),
        parts=injection.manager_changed(_in_steps_of_four),
        source="BUG-E25",
    ),
    Fault(
        id="configuration/as-given",
        breaks="a budget that is no multiple of an item's tokens is accepted and cannot be captured",
        caught_by=("configuration/accepted-means-it-runs",),
        parts=injection.model(_AsGiven),
        source="BUG-E09",
        family="gemma3",
    ),
    Fault(
        id="configuration/off-later",
        breaks="with graphs off their outputs are held all the same",
        caught_by=("configuration/off-changes-nothing",),
        parts=lambda: Parts(runner=_OffLater),
    ),
    Fault(
        id="configuration/always-flash",
        breaks="an attention back end is accepted, and another one runs",
        caught_by=("configuration/asked-backend-runs",),
        parts=lambda: Parts(model=_always_flash),
        source="BUG-E24",
    ),
    Fault(
        id="configuration/eager-in-flash",
        breaks="what runs in eager does not use the attention back end that was asked for",
        caught_by=("configuration/asked-backend-runs",),
        parts=injection.model(_EagerInFlash),
        source="BUG-E24",
    ),
)
