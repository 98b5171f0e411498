"""Faults of form: answers that are not what was asked for, which no law should have to expect."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from models.api import Item
from reference.model_runner import EncoderModelRunner
from suite.faults.fault import Fault
from suite.subjects.reference_parts import Parts


class _NotANumber(EncoderModelRunner):
    """Divides nothing by nothing in the last token."""

    def execute_mm_encoder(self, items: Sequence[Item]) -> list[Tensor]:
        outputs = super().execute_mm_encoder(items)
        for output in outputs:
            output[-1] = output[-1] / 0 * 0
        return outputs


class _WholeBuffer(EncoderModelRunner):
    """Keeps a token of padding with every item."""

    def execute_mm_encoder(self, items: Sequence[Item]) -> list[Tensor]:
        return [torch.cat([output, output[-1:]]) for output in super().execute_mm_encoder(items)]


class _OtherDtype(EncoderModelRunner):
    """Answers in the dtype of the language model."""

    def execute_mm_encoder(self, items: Sequence[Item]) -> list[Tensor]:
        return [output.to(torch.bfloat16) for output in super().execute_mm_encoder(items)]


class _OtherDevice(EncoderModelRunner):
    """Answers with tensors that have no values."""

    def execute_mm_encoder(self, items: Sequence[Item]) -> list[Tensor]:
        return [output.to("meta") for output in super().execute_mm_encoder(items)]


class _TooFew(EncoderModelRunner):
    """Loses the last result of a batch."""

    def execute_mm_encoder(self, items: Sequence[Item]) -> list[Tensor]:
        return super().execute_mm_encoder(items)[:-1]


class _OneTensor(EncoderModelRunner):
    """Answers with one tensor for the batch, whose length happens to be taken for a number of results."""

    def execute_mm_encoder(self, items: Sequence[Item]) -> list[Tensor]:
        outputs = super().execute_mm_encoder(items)
        return cast("list[Tensor]", torch.cat(outputs) if outputs else None)


class _Lists(EncoderModelRunner):
    """Answers with lists of numbers."""

    def execute_mm_encoder(self, items: Sequence[Item]) -> list[Tensor]:
        return cast("list[Tensor]", [output.tolist() for output in super().execute_mm_encoder(items)])


class _Floods(EncoderModelRunner):
    """Prints every value that it computes, and does not stop."""

    def execute_mm_encoder(self, items: Sequence[Item]) -> list[Tensor]:
        outputs = super().execute_mm_encoder(items)
        while True:
            print(outputs)


class _Exits(EncoderModelRunner):
    """Takes itself for a program and ends it."""

    def execute_mm_encoder(self, items: Sequence[Item]) -> list[Tensor]:
        sys.exit("the encoder gives up")


def _fault(name: str, kind: type[EncoderModelRunner], *, breaks: str) -> Fault:
    """A fault of form: the values law meets it first."""
    return Fault(
        id=f"rubbish/{name}",
        breaks=breaks,
        caught_by=("values/replay-equals-eager",),
        parts=lambda: Parts(runner=kind),
    )


FAULTS = (
    _fault("not-a-number", _NotANumber, breaks="one token of every result is NaN"),
    _fault("whole-buffer", _WholeBuffer, breaks="every result has a token too many"),
    _fault("other-dtype", _OtherDtype, breaks="results come in another dtype"),
    _fault("other-device", _OtherDevice, breaks="results are on another device"),
    _fault("too-few", _TooFew, breaks="a batch has one result too few"),
    _fault("one-tensor", _OneTensor, breaks="a tensor comes instead of a list of tensors"),
    _fault("lists", _Lists, breaks="lists of numbers come instead of tensors"),
    _fault("exits", _Exits, breaks="a call raises SystemExit"),
    _fault("floods", _Floods, breaks="a call prints without end"),
)
