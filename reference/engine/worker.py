"""One rank's worker: an encoder with its graphs, a language model, and the seconds of compiling both (SPEC T5)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from models.api import Encoder, Grid, Item
from reference.compilation.compiled_forward import CompileServices
from reference.compilation.config import CompilationConfig
from reference.compilation.decorator import support_torch_compile
from reference.compilation.recipes import configure
from reference.engine.errors import EngineConfigError
from reference.engine.language import LanguageModel
from reference.engine.place import CAPTURE, Place
from reference.engine.times import CompilationTimes
from reference.model_runner import EncoderModelRunner


class EngineWorker:
    """What one rank runs. Everything that it is made of comes from outside.

    `config` is the worker's own: the driver's never sees what is compiled here (BUG-T01).
    """

    def __init__(
        self,
        *,
        place: Place,
        encoder: Encoder,
        runner: EncoderModelRunner,
        language: LanguageModel,
        config: CompilationConfig,
        services: CompileServices,
        let_go: Sequence[Callable[[], None]] = (),
    ) -> None:
        self.place = place
        self.encoder = encoder
        self.runner = runner
        self.language = language
        self.config = config
        self.services = services
        self._let_go = list(let_go)

    def compile_or_warm_up_model(self) -> CompilationTimes:
        """Compiles, warms up, captures, and returns the seconds of compiling since the worker was made (SPEC T5).

        The counters are read last: a capture may compile too.
        """
        self.warm_up()
        self.place.enter(CAPTURE)
        self.capture_model()
        return self.compilation_times()

    def warm_up(self) -> None:
        """Runs both parts once. The encoder runs alone: no rank waits for another here."""
        self.language.warm_up()
        self.runner.model.encoder_eager_forward([smallest_item(self.encoder)])

    def capture_model(self) -> None:
        """Captures the encoder's graphs; with graphs off, nothing happens (SPEC G11)."""
        self.runner.capture_model()

    def compilation_times(self) -> CompilationTimes:
        """Seconds so far, by component."""
        return CompilationTimes(self.config.compilation_time, self.config.encoder_compilation_time)

    def counters(self) -> dict[str, int]:
        """What compiling did so far, counted (SPEC C3)."""
        return self.services.counter.snapshot()

    def execute_mm_encoder(self, items: Sequence[Item]) -> list[Tensor]:
        """One `[tokens, out_hidden_size]` per item, in order."""
        return self.runner.execute_mm_encoder(items)

    def execute_model(self, ids: Tensor, items: Sequence[Item] = ()) -> Tensor:
        """`ids [tokens]` to hidden states `[tokens, width]`; each item's rows stand where the placeholders are.

        Raises:
            ValueError: there are more or fewer rows than placeholders.
        """
        return self.language.forward(ids, self.execute_mm_encoder(items))

    def shutdown(self) -> None:
        """Destroys graphs, and leaves the group of ranks."""
        if self.runner.manager is not None:
            self.runner.manager.clear()
        while self._let_go:
            self._let_go.pop()()


class _HasModule(Protocol):
    """An encoder whose network can be replaced."""

    module: nn.Module


def compiled_encoder(encoder: Encoder, config: CompilationConfig, services: CompileServices) -> Encoder:
    """The encoder with a network of its own that compiles at its first call; the one given stays in eager.

    Raises:
        EngineConfigError: the encoder has no `module` that could be compiled.
    """
    if not isinstance(getattr(encoder, "module", None), nn.Module):
        raise EngineConfigError(
            f"{type(encoder).__name__} has no torch module under 'module': leave compile_mm_encoder off."
        )
    twin = copy.copy(encoder)
    network = copy.deepcopy(_module(encoder))
    network.__class__ = support_torch_compile(type(network), is_encoder=True)
    configure(network, config, services)
    vars(twin)["module"] = network
    return twin


def _module(encoder: object) -> nn.Module:
    has: _HasModule = encoder  # type: ignore[assignment]  # asked for just before
    return has.module


def smallest_item(encoder: Encoder) -> Item:
    """An item of zeros, as small as the family takes."""
    sizes = encoder.family.sizes
    height, width = sizes.tile or (sizes.merge, sizes.merge)
    grid = Grid(1, height, width)
    return Item(grid, torch.zeros(sizes.rows(grid), *encoder.family.row_shape))
