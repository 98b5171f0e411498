"""What a user may say, and the sentence for what cannot work (SPEC G1, G3)."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.encoder_graph.budgets import powers_of_two, resolve_limits
from reference.encoder_graph.config import ConfigError, EncoderGraphConfig
from reference.encoder_graph.plan import Limits
from reference.encoder_graph.protocol import ModelGraphConfig
from selftests.reference.plain import config, manager

BUDGETS = "encoder_cudagraph_token_budgets"
IMAGES = "encoder_cudagraph_max_images_per_batch"
ITEMS = "encoder_cudagraph_max_vision_items_per_batch"
FRAMES = "encoder_cudagraph_max_frames_per_batch"
MODE = "mm_encoder_tp_mode"
MODES = "choose 'data' to share items out over the ranks, or 'weights' to run each item on every rank."
EACH = "each budget is a whole number of at least 1 output token."
MODEL = ModelGraphConfig(("image", "video"), "pixels", frozenset(), 16, ("flash",), max_frames_per_item=4)


@pytest.mark.parametrize(
    ("wishes", "sentence"),
    [
        ({"cudagraph_mm_encoder": 1}, "cudagraph_mm_encoder=1 is not a flag: give True or False."),
        ({BUDGETS: [64, 0]}, f"{BUDGETS} holds 0: {EACH}"),
        ({BUDGETS: [-3, 64]}, f"{BUDGETS} holds -3: {EACH}"),
        ({BUDGETS: [64.0]}, f"{BUDGETS} holds 64.0: {EACH}"),
        ({BUDGETS: [True]}, f"{BUDGETS} holds True: {EACH}"),
        ({BUDGETS: ["64"]}, f"{BUDGETS} holds '64': {EACH}"),
        (
            {BUDGETS: "64"},
            f"{BUDGETS}='64' is not a list of whole numbers: give [] to infer, or for example [256, 1024, 4096].",
        ),
        (
            {BUDGETS: {64}},
            f"{BUDGETS}={{64}} is not a list of whole numbers: give [] to infer, or for example [256, 1024, 4096].",
        ),
        ({IMAGES: -1}, f"{IMAGES}=-1 is not a limit: give a whole number from 0 up."),
        ({IMAGES: 2.5}, f"{IMAGES}=2.5 is not a limit: give a whole number from 0 up."),
        ({ITEMS: -1}, f"{ITEMS}=-1 is not a limit: give a whole number from 0 up."),
        ({FRAMES: -1}, f"{FRAMES}=-1 is not a limit: give a whole number from 0 up."),
        ({FRAMES: True}, f"{FRAMES}=True is not a limit: give a whole number from 0 up."),
        ({IMAGES: 3, ITEMS: 4}, f"{IMAGES}=3 and {ITEMS}=4 name the same limit: give one of them."),
        ({MODE: "tensor"}, f"{MODE}='tensor' does not exist: {MODES}"),
        ({MODE: None}, f"{MODE}=None does not exist: {MODES}"),
        ({IMAGES: 4, ITEMS: 4}, f"{IMAGES}=4 and {ITEMS}=4 name the same limit: give one of them."),
    ],
)
def test_a_bad_value_is_refused_where_it_is_said(wishes: dict[str, object], sentence: str) -> None:
    """At construction, with the name, the value and the remedy."""
    with pytest.raises(ConfigError) as refusal:
        EncoderGraphConfig(**wishes)  # type: ignore[arg-type]  # wrong types are what is tested
    assert str(refusal.value) == sentence


def test_the_defaults_are_vllms() -> None:
    """Off, nothing given, everything inferred."""
    plain = EncoderGraphConfig()
    assert plain.cudagraph_mm_encoder is False
    assert plain.mm_encoder_tp_mode == "weights"
    assert (tuple(plain.encoder_cudagraph_token_budgets), plain.max_items) == ((), 0)
    assert plain.encoder_cudagraph_max_frames_per_batch is None


def test_budgets_are_sorted_and_unique() -> None:
    """In any order, any number of times, as list or tuple."""
    for given_ in ([64, 16, 64], (16, 64), [64, 16]):
        assert config(**{BUDGETS: given_}).encoder_cudagraph_token_budgets == (16, 64)


def test_either_name_of_the_item_limit_counts() -> None:
    """The later name is an alias of the first."""
    assert config(**{IMAGES: 3}).max_items == config(**{ITEMS: 3}).max_items == 3


@pytest.mark.parametrize(
    ("minimum", "maximum", "ladder"),
    [
        (1, 1, (1,)),
        (1, 8, (1, 2, 4, 8)),
        (1, 9, (1, 2, 4, 8, 9)),
        (3, 20, (4, 8, 16, 20)),
        (4, 256, (4, 8, 16, 32, 64, 128, 256)),
        (7, 7, (7,)),
        (5, 6, (6,)),
    ],
)
def test_an_inferred_ladder(minimum: int, maximum: int, ladder: tuple[int, ...]) -> None:
    """Powers of two, and the maximum whatever it is."""
    assert powers_of_two(minimum, maximum) == ladder


@given(st.integers(1, 500), st.integers(0, 5000))
def test_an_inferred_ladder_is_sound(minimum: int, more: int) -> None:
    """Ascending and unique, from the minimum up to exactly the maximum, no step above a factor of two."""
    ladder = powers_of_two(minimum, minimum + more)
    assert list(ladder) == sorted(set(ladder))
    assert minimum <= ladder[0] < 2 * minimum
    assert ladder[-1] == minimum + more
    assert all(upper <= 2 * lower for lower, upper in pairwise(ladder))


def _limits(**wishes: object) -> Limits:
    return resolve_limits(config(**wishes), budget_range=(4, 64), model=MODEL)


def test_limits_are_inferred() -> None:
    """The ladder of the model, items up to the smallest budget, frames for full items."""
    assert _limits() == Limits((4, 8, 16, 32, 64), max_items=4, max_frames=16)
    assert _limits(**{BUDGETS: [8, 16]}) == Limits((8, 16), max_items=2, max_frames=8)


def test_limits_given_by_the_user_are_kept() -> None:
    """Nothing that was given is replaced; no frames for video still leaves one frame per image."""
    assert _limits(**{BUDGETS: [8], IMAGES: 8, FRAMES: 5}) == Limits((8,), max_items=8, max_frames=5)
    assert _limits(**{BUDGETS: [8], ITEMS: 3, FRAMES: 0}) == Limits((8,), max_items=3, max_frames=3)


@given(
    st.lists(st.integers(4, 64), max_size=4),
    st.integers(0, 12),
    st.none() | st.integers(0, 12),
)
def test_items_never_outnumber_tokens(budgets: list[int], items: int, frames: int | None) -> None:
    """On every path, or a sentence that says what to do."""
    smallest = min(budgets, default=4)
    wishes: dict[str, object] = {BUDGETS: budgets, IMAGES: items, FRAMES: frames}
    if items > smallest:
        with pytest.raises(ConfigError) as refusal:
            _limits(**wishes)
        assert str(refusal.value) == (
            f"{items} items per batch do not fit the smallest budget of {smallest} tokens: give at most "
            f"{smallest} items, or drop the budgets below {items}."
        )
        return
    found = _limits(**wishes)
    assert 1 <= found.max_items <= min(found.budgets)
    assert found.max_frames is not None
    assert found.max_frames >= 1


def test_a_budget_below_the_smallest_item_is_refused() -> None:
    """No item could ever use it."""
    with pytest.raises(ConfigError) as refusal:
        _limits(**{BUDGETS: [3, 8]})
    assert str(refusal.value) == (
        f"{BUDGETS} holds 3, below the model's smallest item of 4 output tokens: give budgets of at least 4."
    )


def test_a_back_end_that_the_model_cannot_feed_is_refused() -> None:
    """At start-up, with those that it can (SPEC G10)."""
    with pytest.raises(ConfigError, match="mm_encoder_attn_backend='flashinfer': the model can build metadata for "):
        manager(mm_encoder_attn_backend="flashinfer")
