"""Somebody else's adapter under pytest: found by name, judged by general laws, its known failures accepted."""

from __future__ import annotations

import json

import pytest

from selftests.session.runs import Ran
from selftests.session.strange_runs import SUBJECT, blocks, judged
from suite.driver.ticket import ticket_from_data

pytestmark = pytest.mark.timeout(400)
"""Processes are started: on a busy machine each takes many seconds."""


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    """The runs, each made once."""
    return judged(tmp_path_factory.mktemp("strangers"))


def _verdicts(ran: Ran) -> dict[str, str]:
    return {law.law: law.verdict for law in ran.records.laws}


def test_the_guides_adapter_is_caught(strangers: dict[str, Ran]) -> None:
    """By laws that know nothing of padding, and the terminal says what the guide says that it says."""
    plain = strangers["plain"]
    assert plain.status == 1, plain.output
    assert _verdicts(plain)["values/replay-equals-eager"] == "violated"
    shown, _ = blocks("text")
    for line in shown.replace("engine:Padded", SUBJECT).splitlines():
        assert line in plain.output


def test_a_run_carries_the_subjects_name_and_release(strangers: dict[str, Ran]) -> None:
    """In the header, the tickets, the case files and the commands."""
    plain = strangers["plain"]
    header = plain.records.header
    assert (header.subject, header.subject_version) == (SUBJECT, "1.0")
    violation = next(law.violation for law in plain.records.laws if law.violation is not None)
    assert ticket_from_data(violation.case).subject == SUBJECT
    assert json.loads((plain.folder / "cases" / f"{violation.id}.json").read_text())["subject"] == SUBJECT
    assert f"--subject {SUBJECT}" in violation.reproduce[0]


def test_an_accepted_failure_is_not_red(strangers: dict[str, Ran]) -> None:
    """Exit status 0; the law stays violated, is called known, and pytest lists it with its reason. Workers find all."""
    known = strangers["known"]
    assert known.status == 0, known.output
    assert set(_verdicts(known).values()) == {"violated"}
    assert all(law.cases > 1 for law in known.records.laws), "a known failure hides no other"
    assert [entry.still_fails for entry in known.records.deviations] == [True] * len(known.records.laws)
    assert f"{len(known.records.laws)} xfailed" in known.output
    assert "known (bug): padding is not masked; unreported" in known.output
    assert "known failure: bug" in known.report


def test_a_stale_entry_is_red(strangers: dict[str, Ran]) -> None:
    """The law holds, and the run fails until the entry is removed."""
    stale = strangers["stale"]
    assert stale.status == 1
    assert _verdicts(stale) == {"isolation/order-does-not-matter": "holds"}
    assert [entry.still_fails for entry in stale.records.deviations] == [False]
    assert "STALE    isolation/order-does-not-matter" in stale.output
    assert "stale.json, entry 1 says that this law is violated" in stale.output
    assert "stale: isolation/order-does-not-matter on toy does not fail any more" in stale.output


def test_an_expired_entry_excuses_nothing(strangers: dict[str, Ran]) -> None:
    """The violations are red as without it, and the text says until when they were accepted."""
    expired = strangers["expired"]
    assert expired.status == 1
    assert _verdicts(expired) == _verdicts(strangers["plain"])
    assert expired.records.deviations == ()
    assert "EXPIRED  values/replay-equals-eager   toy\n" in expired.output
    assert "old.json, entry 1 accepted this failure (bug: padding is not masked) until 2020-02-29" in expired.output


def test_a_witness_reaches_a_child_process(strangers: dict[str, Ran]) -> None:
    """So does the module of an adapter that is judged there."""
    isolated = strangers["isolated"]
    assert isolated.status == 0, isolated.output
    assert _verdicts(isolated) == {"values/replay-equals-eager": "violated"}
    assert [entry.still_fails for entry in isolated.records.deviations] == [True]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("broken", "adapter broken: the smallest session on toy failed: start raised OSError: no engine"),
        ("dying", "adapter broken: the smallest session did not end: the process of the subject ended with exit sta"),
    ],
)
def test_a_broken_adapter_is_no_violation(strangers: dict[str, Ran], name: str, reason: str) -> None:
    """Every law is unknown with the same reason, and the run is red."""
    ran = strangers[name]
    assert ran.status == 1
    assert set(_verdicts(ran).values()) == {"unknown"}
    (found,) = {law.reason for law in ran.records.laws}
    assert (found or "").startswith(reason)
