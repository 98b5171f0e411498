"""What can happen to a cache folder, and that it is over afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from suite.contract.program import Damage
from suite.oracles.cache_folder import LITTLE, OTHER_VERSION, damage, entries, files, full_disk, no_folder

TEXT = f"made by {torch.__version__}\n" + "x" * 400


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two entries, one deeper than the other, and a file that is no entry."""
    root = tmp_path / "root"
    for place in ("cache/one/b", "cache/a"):
        (root / place).mkdir(parents=True)
        (root / place / "content").write_bytes(bytes(range(256)) * 4)
        (root / place / "note").write_text(TEXT)
    (root / "index").write_text("no entry")
    return root


def _contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in files(folder)}


def test_entries_are_folders_with_files(folder: Path) -> None:
    """By their path, whatever the depth."""
    assert list(entries(folder)) == ["cache/a", "cache/one/b"]
    assert len(files(folder)) == 5


@pytest.mark.parametrize("kind", ["truncated", "garbage", "other-version"])
def test_every_entry_is_damaged(folder: Path, kind: Damage) -> None:
    """Each is named, each has other bytes, and files that are no entry are left alone."""
    before = _contents(folder)
    assert damage(folder, kind) == ("a", "b")
    after = _contents(folder)
    changed = {name for name in before if before[name] != after[name]}
    assert {name.rpartition("/")[0] for name in changed} == {"cache/one/b", "cache/a"}
    assert before.keys() == after.keys()


def test_garbage_leaves_the_note(folder: Path) -> None:
    """What must be found out is that the content is not what the note says; once in the middle, once at the end."""
    damage(folder, "garbage")
    assert {(folder / name / "note").read_text() for name in entries(folder)} == {TEXT}
    lengths = {name: len((path / "content").read_bytes()) for name, path in entries(folder).items()}
    assert lengths == {"cache/one/b": 1033, "cache/a": 1024}


def test_another_version_stands_where_torch_stood(folder: Path) -> None:
    """Only in text; an entry that names no version is not damaged, and not named."""
    (folder / "cache/a/note").write_text("of unknown make")
    assert damage(folder, "other-version") == ("b",)
    assert OTHER_VERSION in (folder / "cache/one/b/note").read_text()


def test_removed_entries_are_gone_and_unnamed(folder: Path) -> None:
    """Nobody can complain about what is not there."""
    assert damage(folder, "removed") == ()
    assert files(folder) == {"index"}


def test_unwritable_is_no_damage(folder: Path) -> None:
    """It lasts as long as a start."""
    with pytest.raises(ValueError, match="choose one of truncated, garbage, other-version, removed"):
        damage(folder, "unwritable")


def test_a_full_disk_takes_the_beginning_of_a_file(tmp_path: Path) -> None:
    """A write fails when it is half done, also for root; afterwards everything works again."""
    with full_disk():
        with pytest.raises(OSError, match="File too large"):
            (tmp_path / "large").write_bytes(b"x" * 1000)
        (tmp_path / "small").write_bytes(b"x")
        assert (tmp_path / "large").stat().st_size <= LITTLE
    (tmp_path / "large").write_bytes(b"x" * 1000)


def test_where_no_folder_is_none_can_be_made(folder: Path) -> None:
    """Afterwards it is there again, with everything in it."""
    before = files(folder)
    with no_folder(folder), pytest.raises(OSError, match="Not a directory"):
        (folder / "cache").mkdir(parents=True)
    assert files(folder) == before
