"""Workers over families of the zoo: what compiles is counted, and what an encoder returns reaches the text model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pytest
import torch
from torch import Tensor

import models
from models.api import Item
from models.photographs import photograph_items
from reference.compilation.compiled_forward import CompileServices
from reference.compilation.config import CompilationConfig, CompilationMode
from reference.encoder_graph.model import EncoderGraphModel
from reference.engine.errors import EngineConfigError
from reference.engine.host import HostDevice
from reference.engine.language import PLACEHOLDER, merged, named_language_model
from reference.engine.place import CAPTURE, Place, WorkerFactory
from reference.engine.processes import Limits, MultiProcessExecutor
from reference.engine.worker import EngineWorker
from reference.engine.zoo import FACTORY, worker
from reference.model_runner import EncoderModelRunner
from selftests.reference.plain import PlainDevice, config, item

ITEMS = [item(2, 2), item(4, 2), item(2, 6)]


def plain_rows(family: str, items: Sequence[Item]) -> list[Tensor]:
    """Every item alone, by the encoder in eager."""
    model = EncoderGraphModel(models.build(family))
    return [model.encoder_eager_forward([each])[0] for each in items]


def test_what_compiles_is_counted_where_it_belongs() -> None:
    """Both counters are above zero, and the compiled encoder's rows are those of the plain one."""
    made = worker(Place(), model="toy", aot_compile=False)
    before = made.compilation_times()
    times = made.compile_or_warm_up_model()
    assert before == (0.0, 0.0)
    assert min(times) > 0
    assert times == made.compilation_times()
    assert made.counters()["num_models_seen"] == 2
    found = made.execute_mm_encoder(ITEMS)
    assert all(
        torch.allclose(*pair, rtol=1e-5, atol=1e-5) for pair in zip(found, plain_rows("toy", ITEMS), strict=True)
    )
    assert made.compilation_times() == times
    made.shutdown()


def test_an_encoder_that_is_not_to_compile_stays_plain() -> None:
    """The zoo's own encoder runs, and its counter stays zero (SPEC D2)."""
    made = worker(Place(), model="toy", mode="none")
    assert made.encoder is models.build("toy")
    assert made.compile_or_warm_up_model() == (0.0, 0.0)


class _Script(EncoderModelRunner):
    """Its capture compiles for some seconds."""

    wishes: CompilationConfig

    def capture_model(self) -> None:
        super().capture_model()
        self.wishes.encoder_compilation_time += 3.0


def test_a_compile_during_capture_is_not_lost() -> None:
    """Graphs are captured in a stage of its own, and the counters are read after it (SPEC T5)."""
    stages: list[str] = []
    wishes, services, device = CompilationConfig(mode=CompilationMode.NONE), CompileServices(), PlainDevice()
    encoder = models.build("toy")
    runner = _Script(encoder, config=config(encoder_cudagraph_token_budgets=(4, 8)), device=device)
    runner.wishes = wishes
    made = EngineWorker(
        place=Place(enter=stages.append),
        encoder=encoder,
        runner=runner,
        language=named_language_model("stand_in")(16, torch.device("cpu"), wishes, services),
        config=wishes,
        services=services,
    )
    assert made.compile_or_warm_up_model().encoder == 3.0
    assert (stages, device.alive) == ([CAPTURE], 2)
    made.execute_mm_encoder(ITEMS)
    assert device.replays > 0
    made.shutdown()
    assert device.alive == 0


@pytest.mark.parametrize("family", ["qwen3_vl", "llava"])
def test_photographs_reach_the_text_model(family: str) -> None:
    """Real images through the family's own processor, encoded, and merged into the forward of a real decoder."""
    made = worker(Place(), model=family, language_model="llama", mode="none")
    items = photograph_items(models.family(family))[:2]
    rows = plain_rows(family, items)
    lengths = [len(each) for each in rows]
    ids = torch.tensor([5, *[PLACEHOLDER] * lengths[0], 7, 8, *[PLACEHOLDER] * lengths[1], 9])
    states = made.execute_model(ids, items)
    embeds = made.language.table[ids].clone()
    embeds[1 : 1 + lengths[0]] = rows[0]
    embeds[3 + lengths[0] : 3 + sum(lengths)] = rows[1]
    with torch.no_grad():
        wanted = made.language.decode(embeds, torch.arange(len(ids)))
    assert torch.allclose(states, wanted, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(states[-1], made.execute_model(ids, items[::-1])[-1], rtol=1e-3)


def test_rows_and_placeholders_must_agree() -> None:
    """One row too few or too many is an error, never a shift."""
    embeds, wanted = torch.zeros(4, 2), torch.tensor([False, True, True, False])
    rows = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert merged(embeds, wanted, [rows[:1], rows[1:]])[1:3].equal(rows)
    for given in ([], [rows[:1]], [rows, rows[:1]]):
        with pytest.raises(ValueError, match=f"have {sum(map(len, given))} rows, and the text has 2 placeholders"):
            merged(embeds, wanted, given)


@pytest.mark.parametrize(
    ("wishes", "why"),
    [
        ({"device": "tpu"}, "device='tpu' is not known: choose 'cpu' or 'cuda'"),
        ({"mode": "fast"}, "mode='fast' is no way to compile: choose one of none, stock, full"),
        ({"language_model": "gpt"}, "language_model='gpt' is not known: choose one of stand_in, llama"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused(wishes: dict[str, str], why: str) -> None:
    """With the value and the choices, before anything is built."""
    with pytest.raises(EngineConfigError, match=why):
        worker(Place(), model="toy", **wishes)  # type: ignore[arg-type]  # one text each


def test_a_host_captures_no_graphs() -> None:
    """The engine says what to change."""
    made = worker(Place(), model="toy", mode="none", encoder_graphs={"cudagraph_mm_encoder": True})
    with pytest.raises(EngineConfigError, match="set cudagraph_mm_encoder=False, or device='cuda'"):
        made.compile_or_warm_up_model()
    assert HostDevice().allocate((2,), dtype=torch.float32).equal(torch.zeros(2))


def test_two_processes_share_an_encoder() -> None:
    """Items go out over gloo and come back in order, equal on both ranks to what one rank makes alone (SPEC G8)."""
    wishes = {"model": "toy", "mode": "none", "encoder_graphs": {"mm_encoder_tp_mode": "data"}}
    limits = Limits(start=50.0, call=20.0)
    with MultiProcessExecutor(
        WorkerFactory(FACTORY, wishes), config=CompilationConfig(), world_size=2, limits=limits
    ) as ranks:
        ranks.start()
        ranks.compile_or_warm_up_model()
        found = cast("list[list[Tensor]]", ranks.call("execute_mm_encoder", ITEMS))
    wanted = plain_rows("toy", ITEMS)
    assert [len(each) for each in found] == [len(ITEMS)] * 2
    for rank in found:
        assert all(torch.allclose(*pair, rtol=1e-5, atol=1e-6) for pair in zip(rank, wanted, strict=True))
