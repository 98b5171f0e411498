"""The adapter of vLLM before an engine of our own: every dialect is driven, watched, and left as it was."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

import pytest
import torch
from torch import Tensor

import models
from models.api import Encoder, Grid
from models.families import FAMILIES, family
from models.towers import build_tower
from selftests.subjects.invented_vllm import ENGINES, engine
from suite.contract.case import Case, ItemSpec, Setup, draw_pixels
from suite.contract.judge import judge
from suite.contract.law import Law
from suite.contract.shard_case import Plant
from suite.contract.subject import AdapterBroken, Disturbance, Launch, Refused
from suite.driver.catalogue import law_named
from suite.driver.ticket import guarded
from suite.subjects.vllm.dialect import AXES, PER_ITEM
from suite.subjects.vllm.engine import Engine
from suite.subjects.vllm.model import OneMapping
from suite.subjects.vllm.replaced import REPLACEMENTS
from suite.subjects.vllm.subject import VllmSubject

TOY = family("toy")
IMAGES = (ItemSpec(Grid(1, 4, 4), seed=1), ItemSpec(Grid(1, 2, 2), seed=2), ItemSpec(Grid(1, 4, 8), seed=3))
CLIP = ItemSpec(Grid(2, 2, 2), seed=4, modality="video")
SETUP = Setup(budgets=(2, 6), max_items=2)


def _specs(name: str) -> Sequence[ItemSpec]:
    tile = family(name).sizes.tile
    return IMAGES if tile is None else [ItemSpec(Grid(tiles, *tile), seed=tiles) for tiles in (1, 2)]


def _encoded(one: Engine, name: str, specs: Sequence[ItemSpec]) -> tuple[Sequence[Tensor], Sequence[Launch]]:
    known = family(name)
    setup = Setup(budgets=tuple(budget * known.sizes.unit for budget in SETUP.budgets), max_items=2)
    with closing(VllmSubject(one).start(known, setup)) as session:
        return session.encode([draw_pixels(spec, known) for spec in specs]), session.launches()


@pytest.mark.parametrize("name", [each.name for each in FAMILIES])
@pytest.mark.parametrize("letter", ENGINES)
def test_every_tower_in_every_dialect(letter: str, name: str) -> None:
    """Each item gives what it gives alone, also beside stale rows and in a graph larger than itself."""
    specs = _specs(name)
    outputs, _ = _encoded(ENGINES[letter], name, [*specs, *specs[::-1]])
    tower = build_tower(name)
    for output, spec in zip(outputs, [*specs, *specs[::-1]], strict=True):
        item = draw_pixels(spec, family(name))
        torch.testing.assert_close(output, tower.encode(item.pixels, item.grid), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("letter", ENGINES)
def test_launches_are_observed(letter: str) -> None:
    """Items by their place in the whole batch, though the engine is given each modality by itself."""
    _, launches = _encoded(ENGINES[letter], "toy", [IMAGES[0], CLIP, IMAGES[1], IMAGES[2]])
    assert [(launch.items, launch.budget) for launch in launches] == [((0,), 6), ((1,), 2), ((2,), 2), ((3,), None)]
    assert {launch.kernels for launch in launches} == {frozenset({"flash"})}


@pytest.mark.parametrize("letter", ENGINES)
def test_the_device_is_seen_and_names_are_put_back(letter: str) -> None:
    """One warm graph per budget; afterwards nothing that was replaced is left."""
    one = ENGINES[letter]
    before = (torch.cuda.CUDAGraph, torch.cuda.graph, one.module.current_stream)
    with closing(VllmSubject(one).start(TOY, SETUP)) as session:
        facts = session.facts()
        assert torch.cuda.CUDAGraph is not before[0]
    assert (facts.graphs_alive, facts.refused, facts.escaped, facts.cold_captures) == (2, (), (), ())
    assert (torch.cuda.CUDAGraph, torch.cuda.graph, one.module.current_stream) == before


def test_a_refusal_is_the_engines() -> None:
    """In its words, and the names are put back after it."""
    with pytest.raises(Refused, match="token budget 0 is below 1"):
        VllmSubject(ENGINES["A"]).start(TOY, Setup(budgets=(0, 4)))
    assert "Emulated" not in torch.cuda.Stream.__name__


def test_a_range_that_a_law_states_reaches_the_engine() -> None:
    """The invented engine takes its two ends for the ladder."""
    assert VllmSubject(ENGINES["E"]).inferred_ladder(TOY, least=4, most=24) == (4, 24)


@pytest.mark.parametrize("where", ["eager", "replay"])
def test_planted_failures_strike_once(where: str) -> None:
    """Where they are told to, and the session goes on."""
    with closing(VllmSubject(ENGINES["D"]).start(TOY, SETUP)) as session:
        items = [draw_pixels(spec, TOY) for spec in IMAGES]
        session.fail_next("eager" if where == "eager" else "replay")
        with pytest.raises(Disturbance, match=where):
            session.encode(items)
        assert len(session.encode(items)) == len(items)


def _verdict(law: Law, one: Engine) -> str:
    case = Case("toy", SETUP, (IMAGES, (ItemSpec(Grid(1, 4, 4), seed=9),)))
    return judge(law, case, guarded(VllmSubject(one))).outcome.value


def test_laws_find_an_engine_that_hands_its_buffers_out() -> None:
    """The sound one holds; the same engine without its copies is caught by a general law."""
    law = law_named("ownership/results-outlive-later-batches")
    assert _verdict(law, engine(AXES)) == "holds"
    assert _verdict(law, engine(AXES, hand_out=staticmethod(lambda rows: rows))) == "violated"


def test_a_model_of_ones_own_is_watched_too() -> None:
    """Made of an encoder of the zoo, as `--model` has it; what it computes is what comes out."""

    class Louder(OneMapping):
        def encoder_cudagraph_forward(self, inputs: dict[str, Tensor], path: str = "default") -> Tensor:
            return 2 * super().encoder_cudagraph_forward(inputs, path)

    one = ENGINES["E"]

    def louder(encoder: Encoder) -> object:
        return Louder(encoder, one.shapes)

    items = [draw_pixels(spec, TOY) for spec in IMAGES[:2]]
    with closing(VllmSubject(one, maker=louder).start(TOY, SETUP)) as session:
        outputs, launches = session.encode(items), session.launches()
    want = models.build("toy")
    for output, item in zip(outputs, items, strict=True):
        torch.testing.assert_close(output, 2 * want.forward(item.pixels, want.metadata([item.grid])))
    assert [launch.budget for launch in launches] == [6, 2]


@pytest.mark.parametrize("setup", [SETUP, Setup(enabled=False)], ids=["graphs", "eager"])
@pytest.mark.parametrize("letter", ENGINES)
def test_every_rank_has_every_item_and_is_watched(letter: str, setup: Setup) -> None:
    """Dealt like cards: which rank was given what, and one collective for each run of one modality."""
    specs = [*IMAGES, CLIP]
    items, want = [draw_pixels(spec, TOY) for spec in specs], build_tower("toy")
    with closing(VllmSubject(ENGINES[letter]).start_ranks(TOY, setup, 2)) as session:
        answers = session.encode(items)
    assert [answer.encoded for answer in answers] == [(0, 2, 3), (1,)]
    assert [[seen.shape for seen in answer.collectives] for answer in answers] == [[(12, 16), (2, 16)]] * 2
    for answer in answers:
        assert answer.error is None
        for output, item in zip(answer.outputs or (), items, strict=True):
            torch.testing.assert_close(output, want.encode(item.pixels, item.grid), rtol=1e-4, atol=1e-4)


def test_more_tiles_than_an_item_has_are_shared_out() -> None:
    """Without graphs tiles are shared out, not items: a rank may be given more of them than the largest item has."""
    known = family("gemma3")
    most = Grid(known.sizes.max_frames, *(known.sizes.tile or ()))
    items = [draw_pixels(ItemSpec(most, seed=seed), known) for seed in range(2)]
    with closing(VllmSubject(ENGINES["E"]).start_ranks(known, Setup(enabled=False), 1)) as session:
        (answer,) = session.encode(items)
    for output, item in zip(answer.outputs or (), items, strict=True):
        want = build_tower("gemma3").encode(item.pixels, item.grid)
        torch.testing.assert_close(output, want, rtol=1e-4, atol=1e-4)


def test_a_rank_that_fails_is_told_from_those_that_wait() -> None:
    """The invented engine waits for ever, as a real group would."""
    with closing(VllmSubject(ENGINES["E"]).start_ranks(TOY, SETUP, 2)) as session:
        failed, waiting = session.encode([draw_pixels(spec, TOY) for spec in IMAGES], Plant(0))
    assert isinstance(failed.error, Disturbance)
    assert (failed.stuck, waiting.stuck) == (False, True)


def test_what_is_not_declared_is_not_offered() -> None:
    """A law that asks for it all the same has a broken adapter before it."""
    subject = VllmSubject(ENGINES[PER_ITEM.letter])
    with pytest.raises(AdapterBroken, match="model_protocol"):
        subject.methods()
    with closing(subject.start(TOY, SETUP)) as session, pytest.raises(AdapterBroken, match="memory_report"):
        session.memory()


def test_replacements_say_why() -> None:
    """Each names what is replaced, by what, and why that cannot be had otherwise."""
    assert len({each.name for each in REPLACEMENTS}) == len(REPLACEMENTS)
    assert all(each.by and each.why for each in REPLACEMENTS)
