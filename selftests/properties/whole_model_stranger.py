"""A loader of whole models that is not the reference: transformers' own model, with torch.compile on single instances.

It shares no code with the reference, makes no class, and knows the parts by the suite's data.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import nn
from transformers import PreTrainedConfig

from models.api import Family
from models.whole import WholeModel, whole_model
from suite.contract.case import Setup
from suite.contract.decorating import DecorationFacts, Wishes
from suite.contract.program import Component
from suite.contract.subject import Capabilities, Session
from suite.oracles.dynamo import counted

LOADS = Capabilities(loads_models=True, compile_backends=("eager",))
Forward = Callable[..., object]
_compiling = threading.RLock()


@dataclass
class Part:
    """One module of a loaded model that compiles."""

    path: str
    component: Component
    seconds: float = 0.0
    eager: bool = False
    """Whether it was called and did not trace."""


@dataclass
class Loads:
    """One loaded model: what compiles, what was counted, what was said."""

    config: PreTrainedConfig
    wishes: Wishes
    parts: list[Part] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Builds the model and compiles its parts."""
        self.whole: WholeModel = whole_model(self.config.model_type)
        self.module = self.built()
        for part in self.chosen() if self.wishes.mode != "none" else ():
            self.parts.append(part)
            module = self.module.get_submodule(part.path)
            module.forward = self.compiled(part, module)
        self.warn()

    def built(self) -> nn.Module:
        """The plain model."""
        return self.whole.build(self.config)

    def chosen(self) -> list[Part]:
        """The decoder, and encoders on request."""
        encoders = [Part(path, "encoder") for path in self.whole.encoders] if self.wishes.encoder else []
        return [Part(self.whole.decoder, "language_model"), *encoders]

    def warn(self) -> None:
        """Names the encoders that will compile, and the limits."""
        names = [type(self.module.get_submodule(each.path)).__name__ for each in self.encoders()]
        if names:
            self.warnings.append(f"{names} compile if they are one graph and the platform can; all others stay eager")

    def encoders(self) -> list[Part]:
        """The encoders that compile."""
        return [each for each in self.parts if each.component == "encoder"]

    def compiled(self, part: Part, module: nn.Module) -> Forward:
        """The forward under torch.compile, timed whenever torch traces; it is eager once torch refuses it."""
        plain = module.forward
        if self.dynamic() and part.component == "language_model":
            part.eager = True
            return plain
        whole = self.wishes.mode == "full"
        fast = torch.compile(plain, backend=self.wishes.backend, fullgraph=whole, dynamic=whole or None)

        def forward(*args: object, **kwargs: object) -> object:
            if part.eager:
                return plain(*args, **kwargs)
            with _compiling:
                return self.timed(part, fast, plain, args, kwargs)

        return forward

    def timed(self, part: Part, fast: Forward, plain: Forward, args: Any, kwargs: Any) -> object:  # noqa: ANN401
        """One call of a part."""
        begun = time.perf_counter()
        try:
            with counted() as traced:
                value = fast(*args, **kwargs)
        except Exception as error:
            if part.component != "encoder":
                raise
            part.eager = True
            self.warnings.append(f"{type(self.module.get_submodule(part.path)).__name__} stays eager: {error}")
            return plain(*args, **kwargs)
        if traced.graphs and self.wishes.mode == "full":
            part.seconds += time.perf_counter() - begun
        return value

    def dynamic(self) -> bool:
        """Whether the embedding reads a value to decide what to compute."""
        text = getattr(self.config, "text_config", self.config)
        return "dynamic" in str(getattr(text, "rope_parameters", None))

    def seconds(self, component: Component) -> float:
        """What was counted for one component."""
        return sum(each.seconds for each in self.parts if each.component == component)

    def said(self) -> tuple[str, ...]:
        """What it says that it compiles."""
        return tuple(each.path for each in self.parts if not each.eager)

    @property
    def model(self) -> nn.Module:
        """The model."""
        return self.module

    def facts(self) -> DecorationFacts:
        """What was heard so far."""
        return DecorationFacts(
            self.seconds("language_model"), self.seconds("encoder"), (), tuple(self.warnings), self.said()
        )

    def undo(self) -> None:
        """Nothing: it does not declare that it can."""

    def close(self) -> None:
        """Nothing is left to give back."""


MakeLoads = Callable[[PreTrainedConfig, Wishes], Loads]


class LoadingStranger:
    """A subject that loads models and does nothing else."""

    name = "stranger"
    version = "1"
    capabilities = LOADS

    def __init__(self, make: MakeLoads = Loads) -> None:
        self._make = make

    def load_model(self, config: object, wishes: Wishes) -> Loads:
        """A model of its own for each load."""
        return self._make(cast(PreTrainedConfig, config), wishes)

    def start(self, family: Family, setup: Setup) -> Session:
        """It encodes nothing."""
        raise NotImplementedError("a stranger that only loads models")

    def missing_method(self, family: Family, method: str) -> None:
        """It has no protocol."""

    def methods(self) -> tuple[str, ...]:
        """None."""
        return ()

    def inferred_ladder(self, family: Family, *, least: int, most: int) -> tuple[int, ...]:
        """It has no budgets."""
        return ()
