"""Whole models as transformers makes them: configurations, and plain twins with a subject's weights."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any, cast

import torch
from torch import Tensor, nn

from models.whole import WholeModel, whole_model
from models.whole.rope import DYNAMIC, with_rope
from suite.contract.loading import ModelSpec
from suite.oracles.running import running


def config_of(spec: ModelSpec) -> object:
    """A new configuration of transformers."""
    whole = whole_model(spec.name)
    return with_rope(whole.with_layers(spec.layers), spec.rope)


def plain_model(spec: ModelSpec) -> nn.Module:
    """A new plain model with random weights of its own; torch's random numbers stay as they are."""
    with torch.random.fork_rng(devices=()):
        return whole_model(spec.name).build(cast(Any, config_of(spec)))


class PlainTwin:
    """The plain model of a specification, which takes over the weights of a subject's model."""

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec
        self.whole: WholeModel = whole_model(spec.name)
        # Some rotary embeddings remember the longest text so far: theirs are new ones.
        self.model = plain_model(spec) if spec.rope else _kept(spec)

    def follow(self, model: nn.Module) -> str | None:
        """Takes over the weights; says what is wrong if the state has other names or shapes."""
        wanted = {name: tuple(value.shape) for name, value in self.model.state_dict().items()}
        state = model.state_dict()
        given = {name: tuple(value.shape) for name, value in state.items()}
        if wanted != given:
            odd = sorted(name for name in {*wanted, *given} if wanted.get(name) != given.get(name))
            return f"its state_dict differs from the plain model's in {', '.join(odd[:4])}"
        self.model.load_state_dict(state)
        return None

    def inputs(self, tokens: int) -> dict[str, Tensor]:
        """The inputs of a call with so many tokens of text, new ones."""
        return self.whole.inputs(tokens)

    @property
    def remembers(self) -> bool:
        """Whether its rotary embedding depends on the longest text so far."""
        return self.spec.rope in DYNAMIC

    def traces(self, path: str, tokens: int, *, whole: bool = True) -> bool:
        """Whether torch.compile alone keeps one module of a new model from running in Python (SPEC D5).

        As one graph, or else as stock torch.compile does it, which may break it into several, or give up. Torch forgets
        all programs before: what it makes of a forward depends on how often it has seen it.
        """
        torch.compiler.reset()
        model: Any = plain_model(self.spec)
        module: Any = model.get_submodule(path)
        module.forward = torch.compile(module.forward, backend="eager", fullgraph=whole)
        try:
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model(**self.inputs(tokens))
                with running(model, self.model) as ran:
                    model(**self.inputs(tokens))
        except Exception:
            return False
        return not ran[path]

    def logits(self, tokens: int) -> Tensor:
        """Eager's answer, `[1, tokens, vocabulary]`."""
        with torch.no_grad():
            answer: Tensor = cast(Any, self.model)(**self.inputs(tokens)).logits
        return answer


@cache
def _kept(spec: ModelSpec) -> nn.Module:
    """Built once per process: only its weights are ever written to."""
    return plain_model(spec)
