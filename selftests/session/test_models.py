"""The guide's model, which is wrong on purpose, before an engine of ours under vLLM's name."""

from __future__ import annotations

import re

import pytest

from selftests.driver.test_script import write_vllm
from selftests.session.runs import Ran, run_all
from selftests.session.strange_runs import blocks

pytestmark = pytest.mark.timeout(400)
"""Processes are started: on a busy machine each takes many seconds."""
SOUND = """

class Nothing:
    pass


sound = partial(zoo_model_with, Nothing)
"""
LAWS = ("suite/tests/test_capture.py", "-k", "no-host-numbers and toy", "--profile", "seeds", "--subject", "vllm")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    """The guide's model, and one with a part that overrides nothing."""
    folder = tmp_path_factory.mktemp("models")
    write_vllm(folder, "lambda rows: rows.clone()")
    (folder / "tower.py").write_text(blocks("python")[1] + SOUND, encoding="utf-8")
    wanted = {name: [*LAWS, "--model", f"tower:{name}"] for name in ("model", "sound")}
    return run_all(folder, wanted, modules=folder)


def test_the_guides_model_is_caught(ran: dict[str, Ran]) -> None:
    """The terminal says what the guide says that it says, and names the line of the model."""
    wrong = ran["model"]
    assert wrong.status == 1, wrong.output
    for line in blocks("text")[1].splitlines():
        assert line in wrong.output
    assert re.search(r"tower\.py:\d+ in encoder_cudagraph_forward `offsets = torch\.tensor\(", wrong.output)
    header = wrong.records.header
    assert header.subject == "vllm+tower:model"
    assert "the model" not in {each.name for each in header.replacements}, "it is the user's"
    assert header.own_tests is not None
    assert header.own_tests.standing == "unknown"


def test_a_part_that_overrides_nothing_is_right(ran: dict[str, Ran]) -> None:
    """So what was caught is the model's, and not what stands around it."""
    assert ran["sound"].status == 0, ran["sound"].output
    assert [law.verdict for law in ran["sound"].records.laws] == ["holds"]
