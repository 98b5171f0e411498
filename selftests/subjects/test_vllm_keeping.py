"""vLLM's store of outputs without vLLM: two invented halves, used in the engine's order, beside an invented manager."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import closing
from typing import Any

import pytest
from torch import Tensor

from models.api import Grid
from models.families import family
from selftests.properties.hunting import hunt
from selftests.subjects.invented_vllm import ENGINES
from suite.contract.case import ItemSpec, Setup, draw_pixels
from suite.contract.subject import AdapterBroken
from suite.contract.verdict import Outcome
from suite.subjects.vllm.dialect import AXES
from suite.subjects.vllm.keeping import Store, store_of
from suite.subjects.vllm.subject import VllmSubject

TOY = family("toy")
SETUP = Setup(budgets=(2, 6), max_items=2)
SMALL = ItemSpec(Grid(1, 2, 2), seed=1)


class Scheduled:
    """Names with sizes, the one that was free first in front; one that a request uses stays."""

    def __init__(self, cache_size: int) -> None:
        self.cache_size = cache_size
        self.reset()

    def reset(self) -> None:
        """Nothing is known."""
        self.known: OrderedDict[str, int] = OrderedDict()
        self.users: dict[str, str] = {}
        self.gone: list[str] = []

    def check_and_update_cache(self, request: Any, input_id: int) -> bool:  # noqa: ANN401 - a namespace of the adapter
        """Whether it is known; the request then uses it."""
        key = request.mm_features[input_id].identifier
        if key in self.known:
            self.users[request.request_id] = key
        return key in self.known

    def can_allocate(self, request: Any, input_id: int, budget: int, scheduled: int) -> bool:  # noqa: ANN401 - as above
        """Whether there is room, which is made."""
        size = request.get_num_encoder_embeds(input_id) + scheduled
        if size > min(self.cache_size, budget):
            return False
        while sum(self.known.values()) + size > self.cache_size:
            self.gone.append(self.known.popitem(last=False)[0])
        return True

    def allocate(self, request: Any, input_id: int) -> None:  # noqa: ANN401 - as above
        """It is known."""
        key = request.mm_features[input_id].identifier
        self.known[key] = request.get_num_encoder_embeds(input_id)
        self.users[request.request_id] = key

    def free(self, request: Any) -> None:  # noqa: ANN401 - as above
        """The request uses nothing any more."""
        if key := self.users.pop(request.request_id, None):
            self.known.move_to_end(key)

    def get_freed_mm_hashes(self) -> list[str]:
        """What went since the last call."""
        gone, self.gone = self.gone, []
        return gone


class Worked:
    """Tensors by name."""

    def __init__(self) -> None:
        self.encoder_outputs: dict[str, Tensor] = {}

    def free_encoder_cache(self, key: str) -> None:
        """Forgets one."""
        self.encoder_outputs.pop(key, None)

    def reset_encoder_cache(self) -> None:
        """Forgets all."""
        self.encoder_outputs.clear()


class _NeverTells(Scheduled):
    """What goes is not told to the worker."""

    def get_freed_mm_hashes(self) -> list[str]:
        return []


class _FirstComeFirstGone(Scheduled):
    """Use changes no order."""

    def free(self, request: Any) -> None:  # noqa: ANN401 - as above
        self.users.pop(request.request_id, None)


class _CountsItems(Scheduled):
    """Everything counts as one embedding."""

    def allocate(self, request: Any, input_id: int) -> None:  # noqa: ANN401 - as above
        super().allocate(request, input_id)
        self.known[request.mm_features[input_id].identifier] = 1


def _subject(scheduled: type[Scheduled] = Scheduled) -> VllmSubject:
    return VllmSubject(ENGINES[AXES.letter], store=Store(scheduled, Worked))


def test_a_store_is_told_by_its_methods() -> None:
    """A half that is missing, or is used in another way, is no store, and nothing is declared."""
    assert store_of(Scheduled, Worked) == Store(Scheduled, Worked)
    assert store_of(None, Worked) is None
    assert store_of(Scheduled, None) is None
    assert store_of(Worked, Worked) is None
    assert store_of(Scheduled, Scheduled) is None
    plain = VllmSubject(ENGINES[AXES.letter])
    assert not plain.capabilities.keeps_outputs
    with pytest.raises(AdapterBroken, match="no store of outputs"):
        plain.start_keeping(TOY, SETUP, 0)


def test_results_are_put_as_they_come() -> None:
    """The very tensor is kept, the bound is of whole embeddings, and single items cannot be dropped."""
    assert not _subject().capabilities.drops_kept
    row = TOY.width * 4
    item = draw_pixels(SMALL, TOY)
    tokens = TOY.sizes.tokens(item.grid)
    with closing(_subject().start_keeping(TOY, SETUP, tokens * row + row - 1)) as session:
        assert session.bound().tokens == tokens
        assert session.bound().bytes is None
        (result,) = session.encode([item])
        session.put(item, result)
        assert session.get(item) is result
        assert session.holds() == [result]
        with pytest.raises(AdapterBroken, match="drops_kept"):
            session.drop(item)
        session.clear()
        assert session.get(item) is None
        assert not session.holds()


@pytest.mark.parametrize(
    "name",
    [
        "gets-the-items-own-result",
        "answers-only-what-was-put",
        "held-within-its-bound",
        "a-result-pins-no-batch",
        "results-outlive-their-entries",
        "keeps-what-fits",
        "least-recently-used-goes-first",
    ],
)
def test_no_law_catches_a_sound_store(name: str) -> None:
    """The facet hands over items, sizes and tensors as they are."""
    found = hunt(f"kept_outputs/{name}", _subject(), examples=8)
    assert found.verdict.outcome is Outcome.HOLDS, found.verdict


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("held-within-its-bound", _NeverTells),
        ("held-within-its-bound", _CountsItems),
        ("least-recently-used-goes-first", _FirstComeFirstGone),
    ],
)
def test_a_broken_half_is_caught(name: str, broken: type[Scheduled]) -> None:
    """The two halves are judged together, and a bound of tokens binds."""
    assert hunt(f"kept_outputs/{name}", _subject(broken), examples=60).verdict.outcome is Outcome.VIOLATED
