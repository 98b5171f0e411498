"""The second witness without vLLM: what is said when it cannot be heard, and what its tests find on the emulator."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import torch

from reports.own_tests import read_own_tests
from selftests.house.sources import ROOT
from selftests.subjects.invented_vllm import ENGINES
from suite.witness import vllm_tests
from suite.witness.emulated_platform import CudaIsHost, EmulatedPlatform
from suite.witness.vllm_tests import NoWitness, OwnTest, Witness, outcome_of, record_of, run_tests, text_of

JUNIT = """<testsuite>
<testcase classname="test_encoder_cudagraph.TestA" name="test_one"/>
<testcase classname="test_encoder_cudagraph" name="test_two"><failure message="assert 1 == 2&#10;more"/></testcase>
<testcase classname="test_encoder_cudagraph" name="test_three"><error message="no fixture"/></testcase>
<testcase classname="test_encoder_cudagraph" name="test_four"><skipped message="Skip if not cuda"/></testcase>
</testsuite>"""


class _Found:
    """A platform of the test's own."""

    device_type = "other"
    simple_compile_backend = "inductor"


def test_every_outcome_is_read() -> None:
    """With the first line of its reason; what did not pass is told by name."""
    tests = tuple(outcome_of(case) for case in ElementTree.fromstring(JUNIT).iter("testcase"))
    assert tests == (
        OwnTest("TestA::test_one", "passed"),
        OwnTest("test_encoder_cudagraph::test_two", "failed", "assert 1 == 2"),
        OwnTest("test_encoder_cudagraph::test_three", "error", "no fixture"),
        OwnTest("test_encoder_cudagraph::test_four", "skipped", "Skip if not cuda"),
    )
    told = text_of(Witness("0.0.1", tests))
    assert "vLLM 0.0.1: its own tests of encoder graphs on the emulator: 1 error, 1 failed, 1 passed, 1 skipped" in told
    assert "test_two: assert 1 == 2" in told
    assert "test_one" not in told


def test_a_report_is_told_the_counts_and_what_did_not_pass() -> None:
    """A test that failed violates; without one, a test that did not come to its first line leaves it unknown."""
    tests = tuple(outcome_of(case) for case in ElementTree.fromstring(JUNIT).iter("testcase"))
    told = record_of(Witness("0.0.1", tests))
    assert (told.release, told.passed, told.standing) == ("0.0.1", 1, "violated")
    assert told.sentence == "1 passed, 1 failed, 1 error, 1 skipped"
    assert [(each.outcome, each.reason) for each in told.others] == [
        ("failed", "assert 1 == 2"),
        ("error", "no fixture"),
        ("skipped", "Skip if not cuda"),
    ]
    without_failure = tuple(each for each in tests if each.outcome != "failed")
    assert record_of(Witness("0.0.1", without_failure)).standing == "unknown"
    assert record_of(Witness("0.0.1", tests[:1])).standing == "holds"
    assert record_of(Witness("0.0.1", ())).standing == "unknown"


def test_why_nothing_is_known_is_left_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an engine that is here and whose tests are not: the reason lies where the next run looks for it."""
    monkeypatch.setattr(vllm_tests, "installed", lambda: ENGINES["E"])
    assert vllm_tests.main(["--source", str(tmp_path), "--report-dir", str(tmp_path / "out")]) == 2
    left = read_own_tests(tmp_path / "out", release="1", remedy="")
    assert left.standing == "unknown"
    assert (left.reason or "").startswith("looked for tests/v1/cudagraph/test_encoder_cudagraph.py")


def test_a_report_dir_that_is_a_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is fetched."""
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit, match="2"):
        vllm_tests.main(["--report-dir", str(tmp_path / "file")])
    assert "is not a folder: give the one of the run of the laws" in capsys.readouterr().err


def test_a_folder_without_tests_is_refused(tmp_path: Path) -> None:
    """The text says what was looked for, and which folder is wanted."""
    with pytest.raises(
        NoWitness, match=r"looked for tests/v1/cudagraph/test_encoder_cudagraph.py in .*: give the folder"
    ):
        run_tests(tmp_path, "0.0.1")


def test_without_vllm_the_command_names_the_environment() -> None:
    """Exit status 2, and one sentence."""
    command = [sys.executable, "-m", "suite.witness.vllm_tests"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith(
        "vllm_tests: looked for the module vllm, found no package of that name. Use tox run -e "
    )


def test_a_cuda_device_is_the_host() -> None:
    """By text and by object, for new tensors and for modules that move; other devices are left alone."""
    with CudaIsHost():
        made = torch.zeros(2, device="cuda:0")
        moved = torch.nn.Linear(1, 1).to(torch.device("cuda", 0))
        untouched = torch.empty(1, device="meta")
    assert (made.device.type, moved.weight.device.type, untouched.device.type) == ("cpu", "cpu", "meta")


def test_the_platform_answers_for_graphs_only() -> None:
    """Everything else is the answer of the platform that was found."""
    platform = EmulatedPlatform(_Found())
    assert (platform.is_cuda(), platform.is_cuda_alike(), platform.device_type) == (True, True, "cpu")
    assert platform.simple_compile_backend == "inductor"
