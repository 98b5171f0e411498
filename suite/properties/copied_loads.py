"""Copies of a loaded model: what they must answer, and that they share nothing with it."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable, Mapping
from typing import Any, cast

import torch
from torch import nn

from suite.contract.calls import SubjectFailed
from suite.contract.verdict import Verdict, violated
from suite.oracles.programs import difference
from suite.oracles.running import running
from suite.properties.loads import LOADED, LoadedBeside
from suite.properties.watched_loads import as_now, strangers_in, told

WAYS: Mapping[str, Callable[[nn.Module], nn.Module]] = {
    "copy.deepcopy": copy.deepcopy,
    "pickle": lambda model: cast(nn.Module, pickle.loads(pickle.dumps(model))),
}
"""How a model is copied."""
CLEAR_CHARACTERS = 40
"""A refusal of fewer characters cannot name both a class and a remedy."""


def saved_state_wrong(beside: LoadedBeside, tokens: int) -> Verdict | None:
    """A violation if the state, saved and read again, does not make the plain model answer alike."""

    def through_a_file() -> dict[str, torch.Tensor]:
        file = io.BytesIO()
        torch.save(beside.loaded.model.state_dict(), file)
        file.seek(0)
        return cast("dict[str, torch.Tensor]", torch.load(file))

    state = beside.loaded.ask("torch.save of the state", through_a_file)
    wanted = beside.twin.model.state_dict()
    if list(state) != list(wanted):
        return violated(
            expected=f"{beside}: the saved state has the plain model's names",
            actual=told(sorted(state.keys() ^ wanted.keys())),
            because="decoration moved weights into modules of its own",
        )
    beside.twin.model.load_state_dict(state)
    return beside.wrong(0, tokens)


def copy_wrong(beside: LoadedBeside, way: str, tokens: int, *, promised: bool) -> Verdict | None:
    """A violation if a copy does not work, or hurts the original; what is not promised may be refused clearly."""
    model = beside.loaded.model
    if not _plain_copies(beside.twin.model, way):
        return None
    try:
        twin = beside.loaded.ask(f"{way} of the model", lambda: WAYS[way](model))
    except SubjectFailed as failure:
        if promised:
            raise
        return _unclear(failure, way)
    if odd := strangers_in(twin, beside.twin.model):
        return violated(expected=f"a {way} of the plain classes", actual=told(odd), because="it is rebuilt wrongly")
    if verdict := _answer_wrong(beside, twin, tokens, f"the {way}"):
        return verdict
    if promised and (verdict := _compiles_less(beside, twin, way, tokens)):
        return verdict
    return _shares(beside, twin, way, tokens)


def _plain_copies(model: nn.Module, way: str) -> bool:
    """Whether transformers' own model can be copied so: hooks that it installs in a call may forbid it."""
    try:
        WAYS[way](model)
    except Exception:
        return False
    return True


def _unclear(failure: SubjectFailed, way: str) -> Verdict | None:
    text = str(failure.__cause__)
    if len(text) > CLEAR_CHARACTERS and "object has no attribute" not in text:
        return None
    return violated(
        expected=f"{way} works, or is refused in a sentence with the reason and the remedy",
        actual=f"{type(failure.__cause__).__name__}: {text}",
        because="something that cannot be copied is part of the module, and nobody says so",
    )


def _answer_wrong(beside: LoadedBeside, model: nn.Module, tokens: int, what: str) -> Verdict | None:
    """A violation if a model does not answer as the twin."""
    inputs = beside.twin.inputs(tokens)
    got = cast(Any, beside.loaded.ask(f"a call of {what}", lambda: model(**inputs))).logits
    found = difference(LOADED, got, beside.twin.logits(tokens), output=0, call=0)
    if not found.mismatched:
        return None
    return violated(
        expected=f"{what} of {beside} answers as the plain model with its weights",
        actual=f"{found.mismatched} of {found.total} logits differ, by at most {found.max_abs:.3g}",
        because="it runs the program, or the weights, of another instance",
    )


def _compiles_less(beside: LoadedBeside, twin: nn.Module, way: str, tokens: int) -> Verdict | None:
    with running(twin, beside.twin.model) as ran:
        beside.loaded.ask(f"a call of the {way}", lambda: twin(**beside.twin.inputs(tokens)))
    lost = set(ran) & beside.compiled(tokens)
    if not lost:
        return None
    warned = told(beside.loaded.facts().warnings[-2:]) or "nothing"
    return violated(
        expected=f"the {way} of {beside} compiles what the original compiles",
        actual=f"Python runs {told(sorted(lost))}; the log warned of {warned}",
        because="the configuration of the original, or how its class was decorated, is lost on the way",
    )


def _shares(beside: LoadedBeside, twin: nn.Module, way: str, tokens: int) -> Verdict | None:
    """With other weights in the copy, each of the two answers with its own."""
    mine = {each.data_ptr() for each in beside.loaded.model.parameters()}
    if both := [name for name, each in twin.named_parameters() if each.data_ptr() in mine]:
        return violated(
            expected=f"parameters of the {way} are its own",
            actual=f"shared with the original: {told(both)}",
            because="the copy is shallow",
        )
    with as_now(beside.twin.model):
        with torch.no_grad():
            for each in twin.parameters():
                each.mul_(0.5)
        beside.twin.model.load_state_dict(twin.state_dict())
        if verdict := _answer_wrong(beside, twin, tokens, f"the {way} with weights of its own"):
            return verdict
    return _answer_wrong(beside, beside.loaded.model, tokens, f"the original after its {way} got other weights")
