"""The decoration facets of the reference: what is decorated compiles, and what is refused says so."""

from __future__ import annotations

from typing import cast

import pytest
import torch
from torch import Tensor, nn
from transformers import AutoConfig

from models.whole import whole_model
from suite.contract.calls import SubjectFailed
from suite.contract.decorating import Options, Wishes
from suite.contract.subject import Refused
from suite.driver.ticket import guarded
from suite.oracles.running import running
from suite.subjects.reference import ReferenceSubject


class _Block(nn.Module):
    def __init__(self, width: int, *, bias: bool = True) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width, bias=bias)

    def forward(self, rows: Tensor) -> Tensor:
        return torch.relu(self.linear(rows))


def test_a_decorated_class_compiles() -> None:
    """Seconds go to the component that was named, and a class that cannot be decorated is refused."""
    subject = guarded(ReferenceSubject())
    with subject.workbench(Wishes()) as bench:
        decorated = bench.decorate(_Block, Options("language_model"))
        block = bench.build(decorated, 4, bias=False)
        rows = torch.ones(3, 4)
        bench.ask("a call", lambda: block(rows))
        with running(block, _Block(4)) as ran:
            bench.ask("a call", lambda: block(rows))
        assert not ran
        assert bench.facts().language_model_seconds > 0.0
        assert bench.facts().encoder_seconds == 0.0
        assert bench.undo(decorated) is _Block
        with pytest.raises(Refused, match="Identity"):
            bench.decorate(nn.Identity, Options(), {"absent": 0})
        with pytest.raises(SubjectFailed, match="raised"):
            bench.ask("a wrong call", lambda: block(torch.ones(3, 5)))


@pytest.mark.parametrize("encoder", [None, True])
def test_a_loaded_model_compiles_its_parts(encoder: bool | None) -> None:
    """By default the decoder alone; the plain model of the same weights answers alike."""
    whole = whole_model("llava")
    with guarded(ReferenceSubject()).loaded(whole.config(), Wishes(encoder=encoder)) as load:
        plain = whole.build()
        plain.load_state_dict(load.model.state_dict())
        inputs = whole.inputs(3)
        load.logits(inputs)
        with running(load.model, plain) as ran:
            got = load.logits(inputs)
        facts = load.facts()
        assert "model.language_model" not in ran
        assert ("model.vision_tower" in ran) is not encoder
        assert set(facts.compiled) == {"model.language_model", *(["model.vision_tower"] if encoder else [])}
        assert bool(facts.warnings) is bool(encoder)
        with torch.no_grad():
            torch.testing.assert_close(got, cast(Tensor, plain(**inputs).logits))
        load.undo()
        with running(load.model, plain) as ran:
            load.logits(inputs)
        assert "model.language_model" in ran
    torch.compiler.reset()


def test_a_model_without_a_decoder_is_refused() -> None:
    """In the reference's own words."""
    config = AutoConfig.for_model("vit")
    with pytest.raises(Refused, match="ViT"), guarded(ReferenceSubject()).loaded(config, Wishes()):
        pass
