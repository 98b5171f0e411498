"""Several runs on one page: a column per subject and release, never better than its records allow."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports import html
from reports.__main__ import main
from reports.compare import Comparison, compare, records_at
from reports.schema import Deviation, Inapplicable, Record
from reports.validation import RecordError
from selftests.reports import sample

LAW, OTHER, THIRD = "packing/every-item-once", "values/replay-equals-eager", "budgets/ladder-sorted"
KNOWN = Deviation(law=LAW, family="toy", deviation_kind="bug", still_fails=True, link="https://example.org/1")
VIOLATED = sample.law(LAW, "toy", verdict="violated", violation=sample.plain_violation())


def _run(
    root: Path, name: str, release: str, *lines: Record, subject: str = "engine", device: str = "emulator"
) -> Path:
    """Records of one release in a folder of its own."""
    changes = {"subject": subject, "subject_version": release, "device": device}
    return sample.write(root / name / "records.jsonl", lines, changes=changes)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three releases: one that fails, one whose failure is accepted, one that is right; and another subject."""
    _run(tmp_path, "a", "0.10", sample.law(LAW, "toy"), sample.law(LAW, "llava"), sample.law(OTHER, "toy"))
    _run(tmp_path, "b", "0.9", VIOLATED, sample.law(LAW, "llava"), sample.law(OTHER, "toy", verdict="unknown"))
    _run(tmp_path, "c", "0.9.1", VIOLATED, KNOWN, sample.law(OTHER, "toy"))
    _run(
        tmp_path,
        "d",
        "2",
        Inapplicable(law=LAW, family="toy", reason="no packing"),
        Inapplicable(law=THIRD, family="toy", reason="no budgets"),
        subject="another<i>",
    )
    return tmp_path


def _compared(root: Path) -> Comparison:
    return compare(records_at([str(root)]))


def test_columns_are_sorted_by_subject_and_release(root: Path) -> None:
    """As numbers: 0.10 comes after 0.9."""
    assert [side.name for side in _compared(root).sides] == [
        "another<i> 2",
        "engine 0.9",
        "engine 0.9.1",
        "engine 0.10",
    ]


def test_a_cell_is_the_worst_verdict(root: Path) -> None:
    """With the number of families on which it is so; what was not planned is blank, accepted failures are marked."""
    rows = {row.law: row for row in _compared(root).rows}
    found = [(each.standing, each.wrong, each.cells, each.known) if each else None for each in rows[LAW].entries]
    assert found == [
        ("inapplicable", 0, 0, False),
        ("violated", 1, 2, False),
        ("violated", 1, 1, True),
        ("holds", 0, 2, False),
    ]
    assert [each and each.standing for each in rows[OTHER].entries] == [None, "unknown", "holds", "holds"]


def test_laws_that_apply_to_nobody_are_counted(root: Path) -> None:
    """They have no row."""
    found = _compared(root)
    assert ([row.law for row in found.rows], found.elsewhere) == ([LAW, OTHER], 1)
    assert ([row.law for row in found.violated], [row.law for row in found.wrong]) == ([LAW], [LAW, OTHER])


def test_a_run_that_was_cut_off_is_not_green(root: Path) -> None:
    """Its planned laws are unknown, and the page says that it is not complete."""
    path = root / "a" / "records.jsonl"
    path.write_text("\n".join(path.read_text(encoding="utf-8").splitlines()[:-1]) + "\n", encoding="utf-8")
    found = _compared(root)
    assert [side.complete for side in found.sides] == [True, True, True, False]
    assert "? not complete" in html.render_comparison(found)


def test_the_page_says_why(root: Path) -> None:
    """Each law that does not hold has its reasons by release, with the link of what is accepted; names are escaped."""
    page = html.render_comparison(_compared(root))
    assert page.startswith("<!doctype html>")
    assert "1 of 2 laws violated on one release or more" in page
    assert "Of 1 law more nothing can be said on some release." in page
    violation = sample.plain_violation()
    assert violation.because in page
    assert 'known: bug, <a href="https://example.org/1"' in page
    assert "another&lt;i&gt; 2" in page
    assert "another<i>" not in page
    assert "<script" not in page


def test_the_command_takes_folders_and_files(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder stands for the runs below it."""
    page = root / "page.html"
    assert main(["compare", str(root), "-o", str(page)]) == 0
    assert f"wrote {page} from 4 runs" in capsys.readouterr().out
    one = root / "a" / "records.jsonl"
    assert main(["compare", str(one), "-o", str(page)]) == 0
    assert "0 of 2 laws violated" in page.read_text(encoding="utf-8")
    assert main(["compare", str(one), "-o", str(one)]) == 2
    assert "is a records file of this command" in capsys.readouterr().err


def test_what_cannot_be_compared_is_refused(root: Path) -> None:
    """A folder without runs, a file that is named twice, two runs of one release."""
    with pytest.raises(RecordError, match=r"has no folder with a records\.jsonl; name the folder in which"):
        records_at([str(root / "a")])
    with pytest.raises(RecordError, match=r"records\.jsonl is named twice; name each run once"):
        records_at([str(root), str(root / "a" / "records.jsonl")])
    _run(root, "e", "0.9", sample.law(LAW, "toy"))
    with pytest.raises(RecordError, match=r"are both of engine 0\.9 on .*; name one of them"):
        _compared(root)


def test_another_device_is_another_column(root: Path) -> None:
    """The same release on a GPU and on the emulator stand side by side."""
    _run(root, "e", "0.9", sample.law(LAW, "toy"), device="cuda:0")
    assert len(_compared(root).sides) == 5
