"""Commands about subjects: who can be asked for, what one declares, another one's case, an entry for a violation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from selftests.contract.invented import CASE
from suite.__main__ import main
from suite.driver.ticket import Ticket

HERE = "selftests.subjects.strange_adapters"
TICKET = Ticket("values/replay-equals-eager", "engine:Gone", "", "emulator", CASE)


@pytest.fixture
def case(tmp_path: Path) -> str:
    """A case file of a subject that cannot be had here."""
    path = tmp_path / "case.json"
    path.write_text(json.dumps(TICKET.as_data()))
    return str(path)


def test_meeting_a_subject(capsys: pytest.CaptureFixture[str]) -> None:
    """What it declares beyond everyone, how many laws apply, and that its smallest session works."""
    assert main(["meet", f"{HERE}:Honest"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("honest 1.2.3\n  declares  nothing beyond the common laws\n")
    assert said.endswith("  session   the smallest one works\n")
    assert main(["meet", f"{HERE}:Boastful"]) == 0
    assert "  declares  statistics\n" in capsys.readouterr().out


def test_meeting_says_what_is_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    """Name, what stands for it, and why; a form that no report could show is refused before anything runs."""
    assert main(["meet", f"{HERE}:Replacing"]) == 0
    told = "replaced: the kernels\n  by        plain torch\n  because   there is no GPU\n"
    assert capsys.readouterr().out.endswith(told)
    assert main(["meet", f"{HERE}:Unclear"]) == 2
    assert "replacements is ('the kernels',): give a tuple of suite.contract.public.Re" in capsys.readouterr().err


def test_meeting_a_broken_adapter(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 1 and the reason; one that cannot be found is a bad request."""
    assert main(["meet", f"{HERE}:Broken"]) == 1
    assert "session   adapter broken: the smallest session on toy failed: start raised" in capsys.readouterr().out
    assert main(["meet", "no.such:Adapter"]) == 2
    assert "no module 'no' on the path" in capsys.readouterr().err


def test_a_case_of_another_subject(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The ticket's own subject is not here; the one that is named is judged on the same case."""
    assert main(["replay", case]) == 2
    assert "'engine:Gone': no module 'engine' on the path" in capsys.readouterr().err
    assert main(["replay", case, "--subject", f"{HERE}:Honest"]) == 0
    assert f"HOLDS    values/replay-equals-eager   {HERE}:Honest" in capsys.readouterr().out


def test_a_violation_becomes_an_entry(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With its cell and its witness, ready for a file; a link that leads nowhere is refused."""
    why = ["--kind", "bug", "--reason", "it leaks"]
    assert main(["deviation", case, *why]) == 0
    entry = json.loads(capsys.readouterr().out)
    assert (entry["law"], entry["family"], entry["kind"], entry["link"]) == (TICKET.law, "toy", "bug", "unreported")
    assert entry["witness"] == json.loads(CASE.to_json())
    assert main(["deviation", case, *why, "--link", "tomorrow"]) == 2
    assert "link: 'tomorrow' is neither a public issue" in capsys.readouterr().err


def test_the_list_names_subjects(capsys: pytest.CaptureFixture[str]) -> None:
    """Ours, known engines, and the forms of all others."""
    assert main(["list"]) == 0
    assert "subjects  reference, vllm, sglang, fault:<id>, or package.module:name" in capsys.readouterr().out
