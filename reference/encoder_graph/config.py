"""What a user may say about encoder graphs, checked where it is said (SPEC G1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

TP_MODES = ("weights", "data")
"""How several ranks run one encoder: each item on every rank, or each item on one rank (SPEC G8)."""


class ConfigError(ValueError):
    """A configuration value that cannot work: the text names the value, the valid ones and the remedy."""


@dataclass(frozen=True, kw_only=True)
class EncoderGraphConfig:
    """The user's wishes, in vLLM's names (SPEC G1). Empty, 0 and None mean: infer.

    Raises:
        ConfigError: for a value of the wrong type or range, or for both names of the item limit at once.
    """

    cudagraph_mm_encoder: bool = False
    encoder_cudagraph_token_budgets: Sequence[int] = ()
    """Token budgets, one graph each; kept sorted and without duplicates. Empty: inferred from the model."""
    encoder_cudagraph_max_images_per_batch: int = 0
    encoder_cudagraph_max_vision_items_per_batch: int = 0
    """Later vLLM's name for the same limit; giving both is refused."""
    encoder_cudagraph_max_frames_per_batch: int | None = None
    """Frames over all items of one replay. None: inferred. 0: videos stay eager (BUG-E13)."""
    mm_encoder_attn_backend: str = "flash"
    mm_encoder_tp_mode: str = "weights"
    """`data`: items are shared out over the ranks and gathered. `weights`: every rank runs every item; the
    towers of the zoo are whole on each rank."""

    def __post_init__(self) -> None:
        _require_bool("cudagraph_mm_encoder", self.cudagraph_mm_encoder)
        budgets = _clean_budgets(self.encoder_cudagraph_token_budgets)
        object.__setattr__(self, "encoder_cudagraph_token_budgets", budgets)
        _require_count("encoder_cudagraph_max_images_per_batch", self.encoder_cudagraph_max_images_per_batch)
        _require_count(
            "encoder_cudagraph_max_vision_items_per_batch", self.encoder_cudagraph_max_vision_items_per_batch
        )
        if self.encoder_cudagraph_max_frames_per_batch is not None:
            _require_count("encoder_cudagraph_max_frames_per_batch", self.encoder_cudagraph_max_frames_per_batch)
        if self.encoder_cudagraph_max_images_per_batch and self.encoder_cudagraph_max_vision_items_per_batch:
            raise ConfigError(
                "encoder_cudagraph_max_images_per_batch="
                f"{self.encoder_cudagraph_max_images_per_batch} and "
                "encoder_cudagraph_max_vision_items_per_batch="
                f"{self.encoder_cudagraph_max_vision_items_per_batch} name the same limit: give one of them."
            )

        if self.mm_encoder_tp_mode not in TP_MODES:
            raise ConfigError(
                f"mm_encoder_tp_mode={self.mm_encoder_tp_mode!r} does not exist: choose 'data' to share items out "
                "over the ranks, or 'weights' to run each item on every rank."
            )

    @property
    def max_items(self) -> int:
        """The limit on items of one replay under either name; 0 means: infer."""
        return self.encoder_cudagraph_max_images_per_batch or self.encoder_cudagraph_max_vision_items_per_batch


def _require_bool(name: str, value: object) -> None:
    if not isinstance(value, bool):
        raise ConfigError(f"{name}={value!r} is not a flag: give True or False.")


def _require_count(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ConfigError(f"{name}={value!r} is not a limit: give a whole number from 0 up.")


def _clean_budgets(value: object) -> tuple[int, ...]:
    """Sorted and deduplicated, or refused with the first bad entry (SPEC G3)."""
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise ConfigError(
            f"encoder_cudagraph_token_budgets={value!r} is not a list of whole numbers: "
            "give [] to infer, or for example [256, 1024, 4096]."
        )
    for budget in value:
        if isinstance(budget, bool) or not isinstance(budget, int) or budget < 1:
            raise ConfigError(
                f"encoder_cudagraph_token_budgets holds {budget!r}: each budget is a whole number of at "
                "least 1 output token."
            )
    return tuple(sorted(set(value)))
