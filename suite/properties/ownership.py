"""Ownership: results belong to the caller, inputs stay the caller's."""

from __future__ import annotations

import torch

from suite.contract.case import Case
from suite.contract.guard import GuardedSubject
from suite.contract.law import law
from suite.contract.verdict import Verdict, holds, violated
from suite.oracles.eager import items
from suite.properties.run import Run, in_session


@law(
    "ownership/results-outlive-later-batches",
    source=("SPEC G6", "BUG-G15", "BUG-G16"),
    inputs="histories",
    everywhere=True,
    ignores="whether the results were right when they came",
)
def results_outlive_later_batches(case: Case, subject: GuardedSubject) -> Verdict:
    """A result stays bit for bit what it was, whatever is encoded or cleared afterwards."""

    def body(run: Run) -> Verdict:
        kept = [(number, output, output.clone()) for number, _, outputs in run.batches() for output in outputs]
        if subject.capabilities.lifecycle:
            run.session.clear()
        for number, output, copy in kept:
            if not torch.equal(output, copy):
                return violated(
                    expected=f"a result of batch {number} unchanged after all later batches",
                    actual=f"{int((output != copy).sum())} / {copy.numel()} elements changed",
                    because="the result is a view of memory that a later replay writes, not a copy",
                    evidence=run.evidence(),
                )
        return holds()

    return in_session(case, subject, body)


@law(
    "ownership/results-can-be-written",
    source=("SPEC G6", "BUG-G16"),
    inputs="mixes",
    everywhere=True,
    ignores="gradients",
)
def results_can_be_written(case: Case, subject: GuardedSubject) -> Verdict:
    """Overwriting any result changes no other result, and the same batch still equals eager afterwards."""

    def body(run: Run) -> Verdict:
        batch = case.history[0]
        outputs = run.encode(batch)
        # Results of a subject that runs in inference mode can be written in that mode alone.
        with torch.inference_mode():
            for index, output in enumerate(outputs):
                output.fill_(index)
        for index, output in enumerate(outputs):
            if not bool((output == index).all()):
                return violated(
                    expected=f"result {index} untouched by a write into a later result",
                    actual="it changed with it",
                    because="two results share memory",
                    evidence=run.evidence(),
                )
        return run.first_difference(batch, run.encode(batch)) or holds(margin=run.margin)

    return in_session(case, subject, body)


@law(
    "ownership/inputs-are-left-alone",
    source=("SPEC G6",),
    inputs="histories",
    everywhere=True,
    ignores="inputs that the subject keeps without writing to them",
)
def inputs_are_left_alone(case: Case, subject: GuardedSubject) -> Verdict:
    """Encoding a batch writes into none of the caller's pixels, neither its own nor those of batches before it."""

    def body(run: Run) -> Verdict:
        given = [items(case, batch) for batch in case.history]
        kept = [(number, item.pixels, item.pixels.clone()) for number, batch in enumerate(given) for item in batch]
        for number, (specs, batch) in enumerate(zip(case.history, given, strict=True)):
            run.encode_items(specs, batch, number=number)
        for number, pixels, copy in kept:
            if not torch.equal(pixels, copy):
                return violated(
                    expected=f"the pixels of batch {number} as they were given",
                    actual=f"{int((pixels != copy).sum())} / {copy.numel()} elements of an item changed",
                    because="a step of preparation works in place, or the caller's tensor was taken for a buffer",
                    evidence=run.evidence(),
                )
        return holds()

    return in_session(case, subject, body)
