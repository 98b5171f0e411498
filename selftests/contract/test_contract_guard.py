"""Whatever a subject does wrong is one exception with one sentence; what is not its fault is left alone."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor

from models.api import Item
from selftests.contract.invented import CASE, honest, items_of, raising, subject
from suite.contract.calls import FLOOD_CHARACTERS, SubjectFailed
from suite.contract.guard import GuardedSession
from suite.contract.subject import AdapterBroken, Capabilities, Disturbance, Refused, Session

Answer = Callable[[Sequence[Item]], object]


def _instead(change: Callable[[list[Tensor]], object]) -> Answer:
    return lambda items: change(honest(items))


def _with_row(value: float, *, token: int) -> Answer:
    def answer(items: Sequence[Item]) -> object:
        outputs = honest(items)
        outputs[1][token, 3] = value
        return outputs

    return answer


def _prints_for_ever(items: Sequence[Item]) -> object:
    while items:
        sys.stdout.write("x" * 4096)
    return []


RUBBISH: dict[str, tuple[Answer, str]] = {
    "nothing": (_instead(lambda _: None), "encode returned NoneType, not a sequence of tensors"),
    "a tensor": (_instead(torch.cat), "encode returned Tensor, not a sequence of tensors"),
    "a generator": (_instead(iter), "encode returned list_iterator, not a sequence of tensors"),
    "too few": (_instead(lambda outputs: outputs[:1]), "encode returned 1 results for 2 items"),
    "too many": (_instead(lambda outputs: outputs * 2), "encode returned 4 results for 2 items"),
    "a number": (_instead(lambda outputs: [outputs[0], 1.0]), "encode returned float for item 1, not a tensor"),
    "a wrong shape": (
        _instead(lambda outputs: outputs[::-1]),
        "item 0 (2x2) came back with shape (2, 16), not (1, 16)",
    ),
    "one dimension more": (
        _instead(lambda outputs: [output[None] for output in outputs]),
        "item 0 (2x2) came back with shape (1, 1, 16), not (1, 16)",
    ),
    "a wrong dtype": (
        _instead(lambda outputs: [outputs[0], outputs[1].double()]),
        "item 1 (2x4) came back with dtype torch.float64, not torch.float32",
    ),
    "a wrong device": (
        _instead(lambda outputs: [output.to("meta") for output in outputs]),
        "item 0 (2x2) came back with device meta, not cpu",
    ),
    "NaN": (
        _with_row(math.nan, token=1),
        "item 1 (2x4) came back with NaN or Inf in 1 of 2 tokens, first at token 1",
    ),
    "Inf": (
        _with_row(-math.inf, token=0),
        "item 1 (2x4) came back with NaN or Inf in 1 of 2 tokens, first at token 0",
    ),
    "an exception": (raising(KeyError("budget")), "encode raised KeyError: 'budget'"),
    "an exit": (raising(SystemExit(3)), "encode raised SystemExit: 3"),
    "a flood": (
        _prints_for_ever,
        f"encode raised Flood: printed more than {FLOOD_CHARACTERS} characters in one call",
    ),
}


@pytest.mark.parametrize("name", RUBBISH)
def test_rubbish_is_the_subjects_failure(name: str) -> None:
    """Each kind gives `SubjectFailed` with exactly one sentence."""
    answer, sentence = RUBBISH[name]
    with (
        pytest.raises(SubjectFailed) as failure,
        subject(encode=answer).session("toy", CASE.setup) as session,
    ):
        session.encode(items_of(CASE))
    assert str(failure.value) == sentence


def test_an_honest_answer_passes() -> None:
    """A list or a tuple of tensors of the right form is handed on as a list."""
    for form in (list, tuple):
        with subject(encode=_instead(form)).session("toy", CASE.setup) as session:
            outputs = session.encode(items_of(CASE))
        assert [tuple(output.shape) for output in outputs] == [(1, 16), (2, 16)]


def test_not_a_number_may_answer_not_a_number() -> None:
    """An item whose own pixels are NaN may come back as NaN."""
    items = items_of(CASE)
    items[1].pixels.fill_(math.nan)
    with subject(encode=_with_row(math.nan, token=0)).session("toy", CASE.setup) as session:
        assert bool(session.encode(items)[1].isnan().any())


def test_the_padded_arm_may_be_not_a_number() -> None:
    """The arm is there to find NaN, so it is not refused for it."""
    with subject(padded_eager=_with_row(math.nan, token=1)).session("toy", CASE.setup) as session:
        assert bool(session.padded_eager(items_of(CASE))[1].isnan().any())


CALLS: dict[str, Callable[[GuardedSession], object]] = {
    "encode": lambda session: session.encode(items_of(CASE)),
    "padded_eager": lambda session: session.padded_eager(items_of(CASE)),
    "promised_ratio": lambda session: session.promised_ratio(items_of(CASE)),
    "bounds": lambda session: session.bounds(),
    "launches": lambda session: session.launches(),
    "counts": lambda session: session.counts(),
    "facts": lambda session: session.facts(),
    "memory": lambda session: session.memory(),
    "clear": lambda session: session.clear(),
    "capture": lambda session: session.capture(),
    "close": lambda session: session.close(),
    "fail_next": lambda session: session.fail_next("replay"),
}


@pytest.mark.parametrize("name", CALLS)
def test_every_call_is_guarded(name: str) -> None:
    """An exception of any method of a session is named after the method."""
    broken = subject(**{name: raising(OSError("gone"))})
    with pytest.raises(SubjectFailed) as failure, broken.session("toy", CASE.setup) as session:
        CALLS[name](session)
    assert str(failure.value) == f"{name} raised OSError: gone"


def test_every_method_of_a_session_is_called_above() -> None:
    """A method that is added to the protocol is guarded, too, or this test names it."""
    methods = {name for name in vars(Session) if not name.startswith("_")}
    assert set(CALLS) == methods
    assert methods <= set(dir(GuardedSession))


def test_a_failing_start_is_the_subjects_failure() -> None:
    """Starting is a call like any other, and so are starting without a method and with another range."""
    with (
        pytest.raises(SubjectFailed, match=r"^start raised OSError: gone$"),
        subject(start=raising(OSError("gone"))).session("toy", CASE.setup),
    ):
        pass
    with pytest.raises(SubjectFailed, match=r"^start without first raised OSError: gone$"):
        subject(missing_method=raising(OSError("gone"))).missing_method("toy", "first")
    with pytest.raises(SubjectFailed, match=r"^start of a model with budgets from 1 to 9 raised OSError: gone$"):
        subject(inferred_ladder=raising(OSError("gone"))).inferred_ladder("toy", least=1, most=9)


@pytest.mark.parametrize("error", [Refused("no"), AdapterBroken("no"), Disturbance("no")], ids=repr)
def test_what_has_a_meaning_passes(error: Exception) -> None:
    """A refusal, a broken adapter and a planted failure reach the law as they are."""
    with pytest.raises(type(error)), subject(encode=raising(error)).session("toy", CASE.setup) as session:
        session.encode(items_of(CASE))


def test_printing_a_little_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    """What a subject prints does not reach the screen, and is no violation until it floods."""

    def chatty(items: Sequence[Item]) -> list[Tensor]:
        sys.stdout.write("loading\n")
        sys.stderr.write("warning\n")
        return honest(items)

    with subject(encode=chatty).session("toy", CASE.setup) as session:
        session.encode(items_of(CASE))
    assert capsys.readouterr() == ("", "")


class _TimeOut(BaseException):
    """As a time-out arrives: no `Exception`."""


def test_a_time_out_names_the_call_that_hung() -> None:
    """It passes through, and the guard still knows the call although the session was closed meanwhile."""
    hanging = subject(encode=raising(_TimeOut()))
    with pytest.raises(_TimeOut), hanging.session("toy", CASE.setup) as session:
        session.encode(items_of(CASE))
    assert hanging.guard.inside == "encode"


def test_a_time_out_outside_names_nothing() -> None:
    """A law that hangs is not the subject's doing, nor is one that hangs after an earlier case did."""
    hanging = subject(encode=raising(_TimeOut()))
    with pytest.raises(_TimeOut), hanging.session("toy", CASE.setup) as session:
        session.encode(items_of(CASE))
    with pytest.raises(_TimeOut), hanging.session("toy", CASE.setup):
        raise _TimeOut
    assert hanging.guard.inside is None


def test_a_session_is_closed_whatever_happens() -> None:
    """After an answer, after an exception of the law, and after one of the subject."""
    closed: list[int] = []
    for error in (None, ZeroDivisionError(), _TimeOut()):
        given = subject(close=lambda: closed.append(1))
        try:
            with given.session("toy", CASE.setup):
                if error is not None:
                    raise error
        except (ZeroDivisionError, _TimeOut):
            continue
    assert len(closed) == 3


def test_a_close_that_fails_hides_no_earlier_failure() -> None:
    """The first failure is told, also when closing fails after it; alone, the failure to close is told."""
    broken = subject(encode=raising(OSError("first")), close=raising(OSError("second")))
    with (
        pytest.raises(SubjectFailed, match=r"^encode raised OSError: first$"),
        broken.session("toy", CASE.setup) as session,
    ):
        session.encode(items_of(CASE))
    with pytest.raises(SubjectFailed, match=r"^close raised OSError: second$"), broken.session("toy", CASE.setup):
        pass


def test_a_capability_that_does_not_exist_is_refused() -> None:
    """A law that asks for a misspelt capability fails at once, with the valid names."""
    with pytest.raises(ValueError, match="no capability 'token_budget'; valid: token_budgets, statistics, "):
        Capabilities().has("token_budget")
