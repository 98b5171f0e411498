"""Records go to a file and come back; a file that was cut or damaged is read and never looks whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.encoding import encode
from reports.records import RecordWriter, read
from reports.schema import (
    Arm,
    Batch,
    Bin,
    Fault,
    Footer,
    Header,
    Law,
    Noise,
    Note,
    Placed,
    Tolerance,
    Violation,
)
from reports.summary import summarise
from reports.validation import RecordError
from selftests.reports import sample
from selftests.reports.compile_records import GRAPHS, SHEETS
from selftests.reports.decoration_records import DECORATIONS
from selftests.reports.sheet_records import DRAWN
from selftests.reports.test_report_encoding import ANY_TEXT, VALUES

Value = TypeVar("Value")

COUNTS = st.integers(0, 10**6)
FLOATS = st.floats()
NAMES = st.lists(ANY_TEXT, max_size=3).map(tuple)


def _maybe(values: st.SearchStrategy[Value]) -> st.SearchStrategy[Value | None]:
    return st.none() | values


ITEMS = st.builds(Placed, index=COUNTS, tokens=COUNTS, grid=ANY_TEXT)
RANGES = st.tuples(COUNTS, COUNTS).map(lambda pair: (min(pair), max(pair)))
BINS = st.builds(
    Bin,
    items=st.lists(ITEMS, max_size=3).map(tuple),
    budget=_maybe(COUNTS),
    wrong_rows=st.lists(RANGES, max_size=2).map(tuple),
)
ARMS = st.builds(
    Arm, arm=ANY_TEXT, max_abs=_maybe(FLOATS), nan=_maybe(COUNTS), index=_maybe(st.lists(COUNTS).map(tuple))
)
VIOLATIONS = st.builds(
    Violation,
    id=ANY_TEXT,
    expected=ANY_TEXT,
    actual=ANY_TEXT,
    because=ANY_TEXT,
    case=VALUES,
    reproduce=NAMES,
    case_text=_maybe(ANY_TEXT),
    plan=_maybe(
        st.lists(st.builds(Batch, batch=COUNTS, bins=st.lists(BINS, max_size=2).map(tuple)), max_size=2).map(tuple)
    ),
    arms=_maybe(st.lists(ARMS, max_size=2).map(tuple)),
    first_arm=_maybe(ANY_TEXT),
    tolerance=_maybe(st.builds(Tolerance, rtol=_maybe(FLOATS), atol=_maybe(FLOATS), source=ANY_TEXT)),
    ledger=_maybe(SHEETS),
)
LAWS = st.builds(
    Law,
    law=ANY_TEXT,
    family=ANY_TEXT,
    verdict=st.just("violated"),
    spec=NAMES,
    cases=COUNTS,
    seconds=FLOATS,
    labels=st.dictionaries(ANY_TEXT, COUNTS, max_size=3),
    reason=_maybe(ANY_TEXT),
    noise=_maybe(st.builds(Noise, max_abs=FLOATS, max_rel=FLOATS)),
    margin=_maybe(FLOATS),
    violation=_maybe(VIOLATIONS),
    graphs=st.lists(GRAPHS, max_size=2).map(tuple),
    decoration=_maybe(DECORATIONS),
    sheet=_maybe(DRAWN),
)
RECORDS = LAWS | st.builds(Note, topic=ANY_TEXT, text=ANY_TEXT) | st.builds(Fault, fault=ANY_TEXT, killed=st.booleans())


# A file for each example: on a busy machine one of them is slow.
@settings(deadline=None)
@given(records=st.lists(RECORDS, max_size=4))
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, records: list[Law | Note | Fault]) -> None:
    """What was appended is what is read, whatever its strings and floats."""
    path = sample.write(tmp_path_factory.mktemp("round") / "r.jsonl", tuple(records))
    found = read(path)
    assert found.complete
    again = [encode(record) for record in (*found.laws, *found.notes, *found.faults)]
    assert sorted(again) == sorted(encode(record) for record in records)


def test_sample_is_complete(tmp_path: Path) -> None:
    """The header and the footer come back with the numbers of the run."""
    found = read(sample.write(tmp_path / "r.jsonl"))
    assert found.header.subject == "reference"
    assert found.header.seed == 20_240_731
    assert found.complete
    assert found.footer == Footer(exit_status=1, wall_seconds=93.4, records=found.count)


def test_order_of_arrival_is_gone(tmp_path: Path) -> None:
    """Workers finish in any order; the records read are the same."""
    lines = sample.records()
    first = read(sample.write(tmp_path / "a.jsonl", lines))
    assert read(sample.write(tmp_path / "b.jsonl", lines[::-1])) == first


def _small(path: Path) -> bytes:
    law = sample.law("packing/every-item-once", "toy")
    plan = replace(sample.plan(), laws=sample.plan().laws[:5], faults=())
    return sample.write(path, (plan, law, Note(topic="device", text="caf\u00e9"))).read_bytes()


def test_cut_at_every_byte(tmp_path: Path) -> None:
    """A run that died at any moment is readable after its header, and looks whole only when it is."""
    whole = _small(tmp_path / "whole.jsonl")
    header, path = whole.index(b"\n"), tmp_path / "cut.jsonl"
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        if length < header:
            with pytest.raises(RecordError):
                read(path)
            continue
        found = read(path)
        # Without its last line break the footer is still a whole line of JSON.
        assert found.complete == (length >= len(whole) - 1)
        at_break = whole[length - 1 : length] == b"\n" or whole[length : length + 1] in (b"\n", b"")
        assert found.dropped == (0 if at_break else 1)
        assert any("cut while it was being written" in gap for gap in found.gaps) == (found.dropped == 1)
        assert summarise(found).standing != "holds"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"kind":"law","law":3,"family":"toy","verdict":"holds"}', "law.law: expected str, got 3"),
        (b'{"kind":"law","family":"toy","verdict":"holds"}', "law: the field 'law' is missing"),
        (
            b'{"kind":"law","law":"a","family":"b","verdict":"ok"}',
            "'ok' is not one of holds, violated, unknown",
        ),
        (
            b'{"kind":"law","law":"a","family":"b","verdict":"holds","cases":-1}',
            "cases must be 0 or more, got -1",
        ),
        (b'{"kind":"footer","exit_status":0', "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[1, 2]", "a record is a JSON object, got [1, 2]"),
        (b'{"kind":null}', "kind: None is not one of header, plan"),
    ],
)
def test_damaged_line_is_named(tmp_path: Path, line: bytes, reason: str) -> None:
    """A damaged line in the middle is counted with its number and reason, and the run is not complete."""
    whole = _small(tmp_path / "r.jsonl").split(b"\n")
    path = tmp_path / "damaged.jsonl"
    path.write_bytes(b"\n".join([*whole[:2], line, *whole[2:]]))
    found = read(path)
    assert [damage.line for damage in found.damaged] == [3]
    assert not found.complete
    assert reason in found.gaps[-1]


def test_unknown_kinds_are_counted(tmp_path: Path) -> None:
    """A line of a kind from a later release is kept and counted, and nothing is incomplete for it."""
    whole = _small(tmp_path / "r.jsonl").split(b"\n")
    path = tmp_path / "later.jsonl"
    later = [b'{"kind":"profile","x":1}', b'{"kind":"profile","x":2}']
    body = b"\n".join([*whole[:2], *later, *whole[2:]])
    path.write_bytes(body.replace(b'"records":3', b'"records":5'))
    found = read(path)
    assert found.unknown_kinds == {"profile": 2}
    assert found.complete


def test_unknown_fields_are_ignored_when_read(tmp_path: Path) -> None:
    """A field from a later release of the same schema does no harm."""
    body = _small(tmp_path / "r.jsonl").replace(b'{"kind":"law",', b'{"kind":"law","colour":"red",')
    (tmp_path / "later.jsonl").write_bytes(body)
    assert read(tmp_path / "later.jsonl").complete


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "is empty"),
        (b"\x7fELF\x02", "does not begin with a line of JSON"),
        (b'{"kind":"note","topic":"a","text":"b"}\n', "does not begin with a header"),
        (
            b'{"kind":"header","schema":2}\n',
            "has schema 2, this reader knows 1 to 1: read the file with a newer",
        ),
        (b'{"kind":"header","schema":"one"}\n', "'one' is not a known schema"),
        (b'{"kind":"header","schema":1}\n', "header: the field 'project' is missing"),
    ],
)
def test_not_records(tmp_path: Path, body: bytes, reason: str) -> None:
    """What is no records file is refused with the reason."""
    path = tmp_path / "r.jsonl"
    path.write_bytes(body)
    with pytest.raises(RecordError, match=reason.replace("(", "\\(")):
        read(path)


def test_two_runs_in_one_file(tmp_path: Path) -> None:
    """A second run behind the footer is not mixed into the first."""
    body = _small(tmp_path / "r.jsonl")
    (tmp_path / "two.jsonl").write_bytes(body + body)
    found = read(tmp_path / "two.jsonl")
    assert not found.complete
    assert len(found.laws) == 1
    assert "after the footer" in found.damaged[0].reason
    assert "merge" in found.damaged[0].reason


def test_lost_lines_are_noticed(tmp_path: Path) -> None:
    """The footer counts what was written, so that a line that vanished is missed."""
    lines = _small(tmp_path / "r.jsonl").split(b"\n")
    (tmp_path / "lost.jsonl").write_bytes(b"\n".join([*lines[:2], *lines[3:]]))
    assert read(tmp_path / "lost.jsonl").gaps == ("The footer counts 3 records, the file holds 2.",)


def test_interrupted_run(tmp_path: Path) -> None:
    """A run that the user stopped has a footer and is not complete."""
    writer = RecordWriter(tmp_path / "r.jsonl", sample.header())
    writer.close({"exit_status": 2, "wall_seconds": 1})
    assert not read(writer.path).complete


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"kind": "lwa"}, "kind: 'lwa' is not one of header, plan, law"),
        ({"kind": "note", "topic": "a", "txt": "b"}, "note: unknown field 'txt'; valid fields: topic, text"),
        (
            {"kind": "footer", "exit_status": 0, "wall_seconds": 1, "records": 0},
            "'footer' opens or closes a file",
        ),
        ({"topic": "a", "text": "b"}, "kind: None is not one of"),
    ],
)
def test_writer_refuses(tmp_path: Path, record: dict[str, object], reason: str) -> None:
    """A record that does not follow the schema is refused at once, and nothing is written."""
    writer = RecordWriter(tmp_path / "r.jsonl", sample.header())
    before = writer.path.read_bytes()
    with pytest.raises(RecordError, match=reason):
        writer.append(record)
    assert writer.path.read_bytes() == before
    assert writer.count == 0
    writer.close()


def test_every_line_is_on_disk_at_once(tmp_path: Path) -> None:
    """A reader sees each record as soon as it was appended; leaving the block writes no footer."""
    with RecordWriter(tmp_path / "deep" / "r.jsonl", Header(**sample.header())) as writer:  # type: ignore[arg-type]  # fields by name
        writer.append(Note(topic="a", text="b"))
        assert len(read(writer.path).notes) == 1
    assert read(writer.path).footer is None
