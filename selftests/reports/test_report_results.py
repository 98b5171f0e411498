"""What is kept of a run: the numbers of the summary, a file per subject and release, and a table that follows them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from reports.__main__ import main
from reports.records import Records, read
from reports.results import BEGIN, END, Result, as_file, as_table, read_result, read_results, result_of, with_table
from reports.schema import Deviation, Note, Record
from reports.summary import summarise
from reports.validation import RecordError
from selftests.reports import sample

LAW = "packing/every-item-once"
OTHER = "values/replay-equals-eager"


def _records(tmp_path: Path, *more: Record) -> Records:
    """A whole run with a known violation, one that is not known, and a law that holds."""
    lines = (
        sample.law(LAW, "toy", verdict="violated", violation=sample.plain_violation()),
        sample.law(LAW, "llava", verdict="violated", violation=sample.plain_violation()),
        sample.law(OTHER, "toy"),
        Deviation(law=LAW, family="toy", deviation_kind="bug", still_fails=True, link="https://example.org/1"),
        *more,
    )
    return read(sample.write(tmp_path / "records.jsonl", lines))


def _result(tmp_path: Path) -> Result:
    return replace(result_of(summarise(_records(tmp_path))), subject="vllm+my.model:Tower", release="0.9.1")


def test_a_result_says_what_the_summary_says(tmp_path: Path) -> None:
    """Laws by verdict, and each cell that does not hold with what is known of it."""
    found = result_of(summarise(_records(tmp_path)))
    assert found.laws == {"violated": 1, "unknown": 0, "holds": 1, "inapplicable": 0}
    assert [(each.law, each.family, each.verdict, each.known, each.link) for each in found.failures] == [
        (LAW, "llava", "violated", None, None),
        (LAW, "toy", "violated", "bug", "https://example.org/1"),
    ]
    assert found.cases == summarise(_records(tmp_path)).cases


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"footer": None}, "the run is not whole (The file has no footer"),
        ({"notes": (Note(topic="selection", text="less"),)}, "the run asked for a part of the laws or families"),
    ],
)
def test_only_whole_runs_are_kept(tmp_path: Path, change: dict[str, object], sentence: str) -> None:
    """A part says too little of a release."""
    records = replace(_records(tmp_path), **change)  # type: ignore[arg-type]  # fields by name
    with pytest.raises(RecordError) as refusal:
        result_of(summarise(records))
    assert str(refusal.value).startswith(sentence)


def test_a_result_survives_its_file(tmp_path: Path) -> None:
    """Its name is safe for every file system."""
    result = _result(tmp_path)
    assert result.file == "vllm-my.model-Tower-0.9.1.json"
    path = tmp_path / result.file
    path.write_text(as_file(result))
    assert read_result(path) == result


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"schema": 2}, "x.json.schema: 2 is not known; valid: 1"),
        ({"cases": "many"}, "x.json.cases: expected int, got 'many'"),
        ({"owner": "me"}, "x.json: unknown field 'owner'; valid fields: schema, subject, release, "),
        ({"laws": {"holds": 1}}, "x.json: laws: a count for each of violated, unknown, holds, inapplicable, got holds"),
        ({}, "x.json: it is about vllm+my.model:Tower 0.9.1: call it vllm-my.model-Tower-0.9.1.json"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, change: dict[str, object], sentence: str) -> None:
    """File, field, value and choices are named."""
    path = tmp_path / "x.json"
    path.write_text(json.dumps({**json.loads(as_file(_result(tmp_path))), **change}))
    with pytest.raises(RecordError) as refusal:
        read_result(path)
    assert str(refusal.value).startswith(sentence)


def test_the_table_is_sorted_by_release(tmp_path: Path) -> None:
    """As releases are: 0.9.1 comes before 0.20, and a candidate before nothing that has a number."""
    for release in ("0.20.0", "0.9.1", "0.20.0rc1"):
        result = replace(_result(tmp_path), release=release)
        (tmp_path / result.file).write_text(as_file(result))
    rows = as_table(read_results(tmp_path)).splitlines()
    assert [row.split(" | ")[1] for row in rows[2:]] == ["0.9.1", "0.20.0", "0.20.0rc1"]
    assert rows[2] == "| vllm+my.model:Tower | 0.9.1 | 1 of 2 | 1 | 1 of 2 cells | 0 | 857 | premerge | 2026-01-02 |"


def test_a_document_keeps_everything_but_the_table() -> None:
    """The table is written between its marks; without them there is no place for it."""
    text = with_table(f"a\n{BEGIN}\nold\n{END}\nb\n", "new")
    assert text == f"a\n{BEGIN}\nnew\n{END}\nb\n"
    assert with_table(text, "new") == text
    with pytest.raises(RecordError, match="no place for the table: write the lines <!-- results"):
        with_table("a\n", "new")


def test_the_commands_write_file_and_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From a run to a document in two commands; a run that is not whole is refused with one sentence."""
    _records(tmp_path)
    document = tmp_path / "x.md"
    document.write_text(f"{BEGIN}\n{END}\n")
    folder = ["--folder", str(tmp_path / "results")]
    assert main(["results", str(tmp_path / "records.jsonl"), *folder]) == 0
    assert main(["table", str(document), *folder]) == 0
    assert "1 of 2 cells" in document.read_text()
    sample.write(tmp_path / "half.jsonl", (sample.law(LAW, "toy"),), ended=False)
    assert main(["results", str(tmp_path / "half.jsonl"), *folder]) == 2
    assert "the run is not whole" in capsys.readouterr().err
