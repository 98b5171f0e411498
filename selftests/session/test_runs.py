"""Whole runs: exit codes, records, report, and where they are written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from selftests.house.sources import ROOT
from selftests.session.runs import LAWS, ONE_LAW, Ran, python
from suite.__main__ import main

pytestmark = pytest.mark.timeout(180)
"""Processes are started: on a busy machine each takes many seconds."""


def test_a_green_run(runs: dict[str, Ran]) -> None:
    """Exit code 0, a complete file of records, every law with its cases, and a page that says the same."""
    green = runs["green"]
    records = green.records
    assert (green.status, records.complete, records.gaps) == (0, True, ())
    assert [law.law for law in records.laws] == [law.law for law in records.plan.laws] == LAWS
    assert {law.verdict for law in records.laws} == {"holds"}
    assert all(law.cases and law.labels for law in records.laws)
    assert records.header.subject == "reference"
    assert records.footer is not None
    assert records.footer.exit_status == 0
    assert "3 of 3 laws hold" in green.output
    assert all(law in green.report for law in LAWS)


def test_what_a_narrow_run_leaves_out_is_said(runs: dict[str, Ran]) -> None:
    """A selection and an emulated device are notes of the records."""
    assert {note.topic for note in runs["green"].records.notes} >= {"device", "selection"}


def test_a_violation_is_told(runs: dict[str, Ran]) -> None:
    """Exit code 1; the violation is on screen, in the records and on the page, and its case has a file."""
    broken = runs["broken"]
    assert broken.status == 1
    violated = [law for law in broken.records.laws if law.verdict == "violated"]
    assert [law.law for law in violated] == ["packing/smallest-budget"]
    violation = violated[0].violation
    assert violation is not None
    assert "VIOLATED packing/smallest-budget" in broken.output
    assert violation.id in broken.report
    case = json.loads((broken.folder / "cases" / f"{violation.id}.json").read_text())
    assert (case["law"], case["subject"]) == ("packing/smallest-budget", "fault:packing/largest-budget")


def test_a_violation_can_be_replayed(runs: dict[str, Ran], capsys: pytest.CaptureFixture[str]) -> None:
    """From the case's file, and by its id from the records: exit code 1 and the violation again."""
    folder = runs["broken"].folder
    (case,) = (folder / "cases").iterdir()
    for command in ([str(case)], [case.stem, "--records", str(folder / "records.jsonl")]):
        assert main(["replay", *command]) == 1
        assert "VIOLATED packing/smallest-budget" in capsys.readouterr().out


def test_a_violation_is_shrunk(runs: dict[str, Ran]) -> None:
    """What is told of a packer that takes the largest budget is one smallest image and two budgets."""
    violation = runs["broken"].records.laws[LAWS.index("packing/smallest-budget")].violation
    assert violation is not None
    assert (violation.case_text or "").startswith("toy: history [[2x2]]  budgets [3, 6]")


def test_real_graphs_need_a_gpu(runs: dict[str, Ran]) -> None:
    """Without one: exit code 4, one sentence, and a report that says that no law ran."""
    ran = runs["cuda"]
    if torch.cuda.is_available():
        assert ran.status == 0
        return
    assert ran.status == 4
    sentence = "--device cuda was asked for, but torch.cuda.is_available() is False: no law ran."
    assert sentence in ran.output + ran.errors
    assert not ran.records.complete
    assert "device" in {note.topic for note in ran.records.notes}
    assert ran.records.laws == ()
    assert "torch.cuda.is_available() is False" in ran.report


def test_one_whole_model_can_be_asked_for(runs: dict[str, Ran]) -> None:
    """Topics without a law about it have no tests, and that is no error."""
    ran = runs["one whole model"]
    assert ran.status == 0, ran.output
    assert "test_loading[values@llama]" in ran.output
    assert "test_values" not in ran.output


def test_a_run_of_other_tests_writes_no_records(runs: dict[str, Ran]) -> None:
    """The suite's own tests are no laws: no records and no report."""
    ran = runs["other tests"]
    assert ran.status == 0
    assert not ran.folder.exists()


def test_a_run_from_elsewhere_writes_below_the_root(tmp_path: Path) -> None:
    """Started in another folder, a copy of the project writes its report into its own `reports/out`, and no more."""
    copy, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("models", "reports", "reference", "suite"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "out"))
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, copy / name)
    file, *rest = ONE_LAW
    command = ["-m", "pytest", "-p", "no:cacheprovider", str(copy / file), *rest, "-n", "0"]
    status, output, _ = python(*command, start=elsewhere)
    assert status == 0, output[-2000:]
    assert list(elsewhere.iterdir()) == []
    assert {path.name for path in (copy / "reports" / "out").iterdir()} == {"index.html", "records.jsonl"}


def test_another_folder_of_models_is_refused(tmp_path: Path) -> None:
    """Started where a folder `models` hides ours, the run ends at once with one sentence that says so."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "__init__.py").touch()
    status, _, errors = python("-c", "import suite", start=tmp_path, PYTHONPATH=f"{tmp_path}:{ROOT}")
    sentence = f"ImportError: `models` is {tmp_path / 'models'}, not {ROOT / 'models'}: start from {ROOT}"
    assert status == 1
    assert errors.splitlines()[-1].startswith(sentence)
