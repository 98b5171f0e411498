"""Faults of the inferred ladder: budgets that are left out between the model's minimum and its maximum."""

from __future__ import annotations

from dataclasses import replace

from reference.encoder_graph.config import EncoderGraphConfig
from reference.encoder_graph.manager import EncoderCudaGraphManager
from suite.faults import injection
from suite.faults.fault import Fault


def _powers_only(manager: EncoderCudaGraphManager, config: EncoderGraphConfig) -> None:
    """Infers powers of two and nothing else, so that items near the model's maximum have no graph."""
    if not config.encoder_cudagraph_token_budgets:
        budgets = tuple(budget for budget in manager.limits.budgets if budget & (budget - 1) == 0)
        manager.limits = replace(manager.limits, budgets=budgets or manager.limits.budgets)


def _minimum_left_out(manager: EncoderCudaGraphManager, config: EncoderGraphConfig) -> None:
    """Leaves the smallest inferred budget out, which the second can hold too."""
    if not config.encoder_cudagraph_token_budgets:
        budgets = manager.limits.budgets
        manager.limits = replace(manager.limits, budgets=budgets[1:] or budgets)


FAULTS = (
    Fault(
        id="ladder/powers-only",
        breaks="a model's maximum that is no power of two is left out of the inferred ladder",
        caught_by=("configuration/inferred-ladder-spans-the-range",),
        parts=injection.manager_changed(_powers_only),
    ),
    Fault(
        id="ladder/minimum-left-out",
        breaks="the inferred ladder begins at twice the model's minimum",
        caught_by=("configuration/inferred-ladder-spans-the-range",),
        parts=injection.manager_changed(_minimum_left_out),
        source="BUG-E25",
    ),
)
