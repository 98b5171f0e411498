"""Strange models by the name that a case carries, and plain twins of those that can be repaired."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.whole.strange import STRANGE, Interruption, Strange
from suite.contract.loading import ModelSpec
from suite.oracles.class_reading import relatives

__all__ = ["Interruption", "Strange", "classes_of", "plain_logits", "strange"]


def strange(spec: ModelSpec) -> Strange:
    """The strange thing of that name.

    Raises:
        ValueError: there is none.
    """
    if spec.name not in STRANGE:
        raise ValueError(f"nothing strange is called {spec.name!r}: choose one of {', '.join(STRANGE)}")
    return STRANGE[spec.name]


def classes_of(odd: Strange) -> tuple[type, ...]:
    """The classes of the model and the configuration with their relatives; none for what has no classes of its own."""
    if odd.model is None:
        return ()
    own: tuple[type, ...] = (odd.model, type(odd.make()))
    found = {id(each): each for cls in own for each in relatives(cls)}
    return tuple(found.values())


def plain_logits(odd: Strange, config: object, model: nn.Module, inputs: dict[str, Tensor]) -> Tensor:
    """What the plain model answers with the weights of another one, `[1, tokens, vocabulary]`."""
    plain = odd.build(config)
    plain.load_state_dict(model.state_dict())
    with torch.no_grad():
        logits: Tensor = plain(**inputs).logits
    return logits
