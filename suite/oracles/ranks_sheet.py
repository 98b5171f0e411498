"""What the ranks made of a batch, as the sheet that the report draws: whose items, how many rows, how even."""

from __future__ import annotations

from collections.abc import Sequence

from suite.contract.case import Batch
from suite.contract.sharding import RankAnswer
from suite.contract.sheets import RankShare, SharedBatch, SharedItem
from suite.oracles.makespan import EXACT_ITEMS, greedy_bound, least_makespan
from suite.oracles.sizes import rows, tokens

MOST_LETTERS = 300
"""Of what a rank raised."""


def shared_batch(family: str, number: int, batch: Batch, answers: Sequence[RankAnswer]) -> SharedBatch:
    """The shares of one batch as they were observed, beside the best there is; ranks may have failed.

    What was encoded counts, not what came back: an item that two ranks encoded stands with both.
    """
    items = [(index, rows(family, spec.grid), tokens(family, spec.grid)) for index, spec in enumerate(batch)]
    own = [[items[index] for index in answer.encoded if 0 <= index < len(items)] for answer in answers]
    most = max((_tokens(each) for each in own), default=0)
    everywhere = {index for answer in answers for index in answer.encoded}
    return SharedBatch(
        number=number,
        bound=float(greedy_bound(len(answers))),
        best=least_makespan([size for _, size, _ in items], len(answers)) if len(items) <= EXACT_ITEMS else None,
        ranks=tuple(
            RankShare(
                rank=rank,
                items=tuple(share),
                load=sum(size for _, size, _ in share),
                padding=most - _tokens(share),
                error=_said(answer.error),
                strangers=len(answer.encoded) - len(share),
            )
            for rank, (answer, share) in enumerate(zip(answers, own, strict=True))
        ),
        nowhere=tuple(each for each in items if each[0] not in everywhere),
    )


def _tokens(share: Sequence[SharedItem]) -> int:
    return sum(tokens for _, _, tokens in share)


def _said(error: BaseException | None) -> str | None:
    return None if error is None else f"{type(error).__name__}: {error}"[:MOST_LETTERS]
