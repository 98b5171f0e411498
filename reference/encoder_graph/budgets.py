"""The ladder of token budgets: given by the user or inferred from the model (SPEC G3)."""

from __future__ import annotations

from reference.encoder_graph.config import ConfigError, EncoderGraphConfig
from reference.encoder_graph.packing import Limits
from reference.encoder_graph.protocol import ModelGraphConfig


def powers_of_two(minimum: int, maximum: int) -> tuple[int, ...]:
    """Powers of two from the first at or above `minimum` up to `maximum`, which is always included."""
    budgets = []
    budget = 1 << (minimum - 1).bit_length()
    while budget < maximum:
        budgets.append(budget)
        budget *= 2
    return (*budgets, maximum)


def resolve_limits(config: EncoderGraphConfig, *, budget_range: tuple[int, int], model: ModelGraphConfig) -> Limits:
    """The limits that graphs are captured for, with `1 <= max_items <= min(budgets)` on every path.

    Raises:
        ConfigError: a budget below the model's smallest item, or more items than the smallest budget has
            tokens (BUG-E08).
    """
    smallest, largest = budget_range
    budgets = tuple(config.encoder_cudagraph_token_budgets) or powers_of_two(smallest, largest)
    if budgets[0] < smallest:
        raise ConfigError(
            f"encoder_cudagraph_token_budgets holds {budgets[0]}, below the model's smallest item of "
            f"{smallest} output tokens: give budgets of at least {smallest}."
        )
    max_items = config.max_items or max(1, min(budgets[-1] // budgets[0], budgets[0]))
    if max_items > budgets[0]:
        raise ConfigError(
            f"{max_items} items per batch do not fit the smallest budget of {budgets[0]} tokens: give at "
            f"most {budgets[0]} items, or drop the budgets below {max_items}."
        )
    return Limits(budgets=budgets, max_items=max_items, max_frames=_resolve_frames(config, max_items, model=model))


def _resolve_frames(config: EncoderGraphConfig, max_items: int, *, model: ModelGraphConfig) -> int:
    """0 disables video, so that only one frame per image is left; None allows full items (BUG-E13)."""
    wanted = config.encoder_cudagraph_max_frames_per_batch
    if wanted is None:
        return max_items * model.max_frames_per_item
    return wanted or max_items
