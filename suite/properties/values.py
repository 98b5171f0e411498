"""Values: the fast form gives the numbers of plain eager."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from suite.contract.case import Case
from suite.contract.guard import GuardedSubject
from suite.contract.law import law
from suite.contract.verdict import Verdict, holds
from suite.oracles.eager import items
from suite.properties.run import Run, in_session


def _all_equal_eager(case: Case, subject: GuardedSubject) -> Verdict:
    def body(run: Run) -> Verdict:
        return run.first_wrong() or run.failed_replay() or holds(noise=run.noise(), margin=run.margin)

    return in_session(case, subject, body)


@law(
    "values/replay-equals-eager",
    source=("SPEC G5", "SPEC G6", "SPEC G9", "BUG-E01", "BUG-E03", "BUG-G13"),
    inputs="histories",
    everywhere=True,
    ignores="how the batch was packed, and differences within the tolerance of the dtype",
)
def replay_equals_eager(case: Case, subject: GuardedSubject) -> Verdict:
    """Every item of every batch of any history equals its solo run through the bare tower in eager."""
    return _all_equal_eager(case, subject)


@law(
    "values/same-total-other-boundaries",
    source=("SPEC G5", "BUG-E03", "BUG-G09"),
    inputs="twins",
    everywhere=True,
    ignores="batches whose totals differ: the general law has them",
)
def same_total_other_boundaries(case: Case, subject: GuardedSubject) -> Verdict:
    """Batches of equal token totals but other item boundaries each give their own items' eager values."""
    return _all_equal_eager(case, subject)


@law(
    "values/photographs",
    source=("SPEC G6", "BUG-E04"),
    inputs="photographs",
    everywhere=True,
    ignores="what the photographs show",
)
def photographs(case: Case, subject: GuardedSubject) -> Verdict:
    """Real photographs through the family's own image processor equal their solo runs in eager."""
    return _all_equal_eager(case, subject)


@law(
    "values/videos",
    source=("SPEC G5", "BUG-E12", "BUG-E13"),
    inputs="videos",
    needs=("video",),
    everywhere=True,
    ignores="which clips were replayed and which ran in eager",
)
def videos(case: Case, subject: GuardedSubject) -> Verdict:
    """Clips of any number of frames, alone and among images, equal their solo runs in eager."""
    return _all_equal_eager(case, subject)


@law(
    "values/strides-do-not-matter",
    source=("SPEC G6",),
    inputs="mixes",
    ignores="other dtypes and devices of the pixels",
)
def strides_do_not_matter(case: Case, subject: GuardedSubject) -> Verdict:
    """Pixels given as a strided view of a larger tensor give the same as contiguous ones."""

    def body(run: Run) -> Verdict:
        batch = case.history[0]
        strided = [replace(item, pixels=_strided(item.pixels)) for item in items(case, batch)]
        return run.first_difference(batch, run.encode_items(batch, strided)) or holds(margin=run.margin)

    return in_session(case, subject, body)


def _strided(pixels: Tensor) -> Tensor:
    """The same values, every second row of a tensor whose other rows are NaN."""
    wide = torch.full((2 * len(pixels), *pixels.shape[1:]), float("nan"), dtype=pixels.dtype)
    wide[::2] = pixels
    return wide[::2]


@law(
    "values/every-backend",
    source=("SPEC G10", "BUG-E14"),
    inputs="backends",
    needs=("backends",),
    everywhere=True,
    ignores="back ends that the subject does not declare",
)
def every_backend(case: Case, subject: GuardedSubject) -> Verdict:
    """With each attention back end that the subject declares, every item equals its solo run in eager."""
    return _all_equal_eager(case, subject)
