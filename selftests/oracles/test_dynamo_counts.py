"""What torch is spared while a subject runs, and that it is put back."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch._dynamo import guards

from suite.oracles.dynamo import TIMER, counted, untimed_guards


def _traced() -> tuple[Tensor, str]:
    def forward(x: Tensor) -> Tensor:
        return x + 1

    torch.compiler.reset()
    with counted() as seen, torch.no_grad():
        made = torch.compile(forward, backend="eager")(torch.ones(3))
    return made, str(seen)


def test_guards_are_not_timed_and_nothing_else_changes() -> None:
    """The same values and counts; afterwards, whatever happened, torch times them again."""
    before, plain = getattr(guards, TIMER), _traced()
    with untimed_guards():
        assert getattr(guards, TIMER) is not before
        spared = _traced()
    with pytest.raises(RuntimeError, match="planted"), untimed_guards():
        raise RuntimeError("planted")
    assert getattr(guards, TIMER) is before
    assert torch.equal(plain[0], spared[0])
    assert plain[1] == spared[1]
    torch.compiler.reset()
