"""Accepted failures as data: files are checked word by word, and a witness decides before any drawn case."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace
from pathlib import Path

import pytest

from reports.encoding import decode, encode
from reports.schema import Deviation as DeviationLine
from reports.validation import parse
from selftests.contract.invented import CASE, ONE
from selftests.subjects.strange_adapters import Honest
from suite.contract.case import Case
from suite.driver.deviations import (
    BadDeviation,
    Deviation,
    Key,
    deviation_line,
    deviations_of,
    entry_of,
    expired_text,
    known_files,
    read_file,
    stale_text,
)
from suite.driver.ticket import Ticket
from suite.subjects.column import Column
from suite.subjects.strangers import STRANGERS

TICKET = Ticket("packing/every-item-once", "honest", "", "emulator", CASE)
ENTRY = entry_of(TICKET, kind="bug", link="https://example.org/1", reason="it counts twice")
FILE: dict[str, object] = {"subject": "honest", "releases": ">=1.2,<2", "deviations": [ENTRY]}
COLUMNS = (Column(Honest()),)


def _written(folder: Path, data: object, name: str = "honest-1.json") -> Path:
    path = folder / name
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return path


def _of(folder: Path, **changes: object) -> dict[Key, tuple[Deviation, ...]]:
    """What is accepted of `honest` 1.2.3 by a file with these changes."""
    file = read_file(_written(folder, {**FILE, **changes}))
    return deviations_of("honest", COLUMNS, device="emulator", files=[file])


def test_the_files_of_the_suite_are_valid() -> None:
    """Every file beside the subjects can be read; what this project's own reference fails is never accepted."""
    assert all(file.subject != "reference" for file in known_files())


@pytest.mark.parametrize("environment", [name for each in STRANGERS.values() for name in each.environments])
def test_no_release_accepts_a_case_twice(environment: str) -> None:
    """Ranges of one subject may overlap, since some failures outlive others; what shows them in a cell may not."""
    subject, _, release = environment.rpartition("-")
    files = [file for file in known_files() if file.subject == subject and file.covers(release)]
    cases = [(entry.device, entry.key, entry.witness.to_json()) for file in files for entry in file.entries]
    assert len(cases) == len(set(cases)) > 0


def test_an_entry_is_read(tmp_path: Path) -> None:
    """With its cell, its reason, its range and its case."""
    ((entry,),) = _of(tmp_path).values()
    assert entry.key == ("packing/every-item-once", "toy", "")
    assert (entry.kind, entry.link, entry.reason) == ("bug", "https://example.org/1", "it counts twice")
    assert (entry.witness, entry.place, entry.releases) == (CASE, "honest-1.json, entry 1", ">=1.2,<2")


@pytest.mark.parametrize(
    ("changes", "accepted"),
    [
        ({}, True),
        ({"subject": "another"}, False),
        ({"releases": "<1.2.3"}, False),
        ({"releases": "==1.2.*"}, True),
        ({"deviations": [{**ENTRY, "device": "cuda"}]}, False),
    ],
    ids=str,
)
def test_only_what_is_about_this_subject_counts(tmp_path: Path, changes: dict[str, object], accepted: bool) -> None:
    """Subject, release and device decide."""
    assert bool(_of(tmp_path, **changes)) is accepted


@pytest.mark.parametrize(("about", "accepted"), [("honest", False), ("honest+tower:model", True)])
def test_what_is_accepted_of_an_engine_is_not_of_a_users_model(tmp_path: Path, about: str, accepted: bool) -> None:
    """Before the same engine: what fails there may be the model's, so such a subject has a file of its own."""
    file = read_file(_written(tmp_path, {**FILE, "subject": about}))
    found = deviations_of("honest+tower:model", COLUMNS, device="emulator", files=[file])
    assert bool(found) is accepted


def _entry(**changes: object) -> dict[str, object]:
    entry = {name: value for name, value in {**ENTRY, **changes}.items() if value is not None}
    return {**FILE, "deviations": [ENTRY, entry]}


SECOND = "honest-1.json, entry 2: "
WRONG_FILES: dict[str, tuple[object, str]] = {
    "no JSON": ("{", "honest-1.json: not JSON: "),
    "no object": ([], "honest-1.json: an object with subject, releases, deviations, got list"),
    "no subject": (
        {"releases": "", "deviations": []},
        "honest-1.json: the field 'subject' is missing; needed are s",
    ),
    "another field": ({**FILE, "owner": "me"}, "honest-1.json: field: 'owner' is not one of 'subject', 'releases', 'd"),
    "no range": ({**FILE, "releases": "1.2"}, "honest-1.json: releases: '1.2' is no range; write for example '>=0.20"),
    "empty range": ({**FILE, "releases": ""}, "honest-1.json: releases: a text that is not empty, got ''"),
    "no list": ({**FILE, "deviations": {}}, "honest-1.json: deviations: a list of entries, got dict"),
    "no entry": (
        {**FILE, "deviations": [1]},
        "honest-1.json, entry 1: an object with law, family, kind, link, reason,",
    ),
    "no law": (_entry(law="packing/no"), SECOND + "law: 'packing/no' is not one of 'values/replay-equals-eager', "),
    "no family": (_entry(family="tpy"), SECOND + "family: 'tpy' is not one of 'toy', 'qwen2_vl', "),
    "tower of a whole model": (_entry(law="loading/values"), SECOND + "family: 'toy' is not one of "),
    "kind": (_entry(kind="flaky"), SECOND + "kind: 'flaky' is not one of 'notimpl', 'notyet', 'never', 'bug'"),
    "link": (_entry(link="soon"), SECOND + "link: 'soon' is neither a public issue (https://...) nor unreported"),
    "reason": (_entry(reason=" "), SECOND + "reason: a text that is not empty, got ' '"),
    "device": (_entry(device="tpu"), SECOND + "device: 'tpu' is not one of 'emulator', 'cuda'"),
    "day": (_entry(expires="soon"), SECOND + "expires: 'soon' is no day; write for example '2027-03-31'"),
    "column": (_entry(column=1), SECOND + "column: a text, got 1"),
    "no witness": (_entry(witness=None), SECOND + "the field 'witness' is missing; needed are law, family, kind, "),
    "witness in words": (_entry(witness="small"), SECOND + "witness: the case of a ticket as an object, got str"),
    "witness without sizes": (_entry(witness={"family": "toy"}), SECOND + "witness: not a case: KeyError: "),
    "witness of another family": (
        _entry(witness=json.loads(Case("llava").to_json())),
        SECOND + "witness: its family is 'llava', and the entry's 'toy'",
    ),
}


@pytest.mark.parametrize("name", WRONG_FILES)
def test_a_wrong_file_is_refused(tmp_path: Path, name: str) -> None:
    """File, entry and field are named, with the value and the choices."""
    data, sentence = WRONG_FILES[name]
    with pytest.raises(BadDeviation) as refusal:
        read_file(_written(tmp_path, data))
    assert str(refusal.value).startswith(sentence)


def test_a_witness_must_be_a_case_of_the_laws_kind(tmp_path: Path) -> None:
    """A history is no timeline."""
    with pytest.raises(BadDeviation, match=r"entry 2: witness: law ledger/.* is about a Timeline, and this is a Case"):
        read_file(_written(tmp_path, _entry(law="ledger/every-second-once")))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With its whole path, since a user typed it."""
    with pytest.raises(BadDeviation, match=r"no.json: No such file or directory; name a file of deviations"):
        known_files([tmp_path / "no.json"])


def test_a_cell_has_an_entry_for_each_reason(tmp_path: Path) -> None:
    """In the order of the files."""
    other = {
        **ENTRY,
        "reason": "it counts otherwise",
        "witness": json.loads(replace(CASE, history=((ONE, ONE),)).to_json()),
    }
    (found,) = _of(tmp_path, deviations=[ENTRY, other]).values()
    assert [each.reason for each in found] == ["it counts twice", "it counts otherwise"]


def test_a_case_is_accepted_once(tmp_path: Path) -> None:
    """Two entries for one case, in one file or in two: which of them is to be kept is for a person to say."""
    with pytest.raises(BadDeviation, match=r"honest-1.json, entry 2: honest-1.json, entry 1 is about the same cell"):
        _of(tmp_path, deviations=[ENTRY, ENTRY])
    files = [read_file(_written(tmp_path, FILE, name)) for name in ("a.json", "b.json")]
    with pytest.raises(
        BadDeviation, match=r"b.json, entry 1: a.json, entry 1 is about the same cell and case: keep one"
    ):
        deviations_of("honest", COLUMNS, device="emulator", files=files)


def test_a_column_must_be_the_subjects(tmp_path: Path) -> None:
    """Which columns there are is known only with the subject."""
    with pytest.raises(BadDeviation, match=r"honest-1.json, entry 1: column: 'shim' is not one of ''"):
        _of(tmp_path, deviations=[{**ENTRY, "column": "shim"}])


def test_a_version_must_be_a_release(tmp_path: Path) -> None:
    """No range can hold any other text."""
    adapter = Honest()
    adapter.version = "mine"
    with pytest.raises(BadDeviation, match="subject 'honest' gives its version as 'mine', which no range of releases"):
        deviations_of("honest", [Column(adapter)], device="emulator", files=[read_file(_written(tmp_path, FILE))])


def test_the_record_follows_the_schema(tmp_path: Path) -> None:
    """And the sentence about a stale entry says where it is."""
    ((entry,),) = _of(tmp_path).values()
    line = parse(decode(encode(deviation_line(entry, still_fails=False))), strict=True)
    assert isinstance(line, DeviationLine)
    assert (line.law, line.family, line.still_fails, line.releases) == (entry.law, "toy", False, ">=1.2,<2")
    assert "honest-1.json, entry 1 says that this law is violated (bug: it counts twice)" in stale_text(entry)


@pytest.mark.parametrize(
    ("today", "accepted"),
    [(datetime.date(2027, 3, 30), True), (datetime.date(2027, 3, 31), True), (datetime.date(2027, 4, 1), False)],
    ids=str,
)
def test_an_entry_may_have_a_last_day(tmp_path: Path, today: datetime.date, accepted: bool) -> None:
    """It excuses on that day and on none after it; the text says until when, and what to look at."""
    entry = entry_of(TICKET, kind="bug", link="https://example.org/1", reason="it counts twice", expires="2027-03-31")
    ((found,),) = _of(tmp_path, deviations=[entry]).values()
    assert found.excuses(today) is accepted
    assert deviation_line(found, still_fails=True)["expires"] == "2027-03-31"
    assert "accepted this failure (bug: it counts twice) until 2027-03-31: look at https://ex" in expired_text(found)


def test_an_entry_without_a_last_day_excuses_for_ever(tmp_path: Path) -> None:
    """As all entries did before there were days."""
    ((found,),) = _of(tmp_path).values()
    assert found.excuses(datetime.date.max)
