"""The store of artifacts under everything that can happen to a folder (SPEC C2)."""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reference.compilation.artifacts import ABANDONED_AFTER, ARTIFACT, MANIFEST, ArtifactStore, Found, label_of
from selftests.reference.traced import SEAM, backend, compiled, fresh_dynamo, messages, rows

LABEL, KEY = "encoder-Small", "abc"


def _files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


WHOLE = [f"{LABEL}/{KEY}/{ARTIFACT}", f"{LABEL}/{KEY}/{MANIFEST}"]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """By the same store and by another; nothing else is left in the folder."""
    store = ArtifactStore(tmp_path / "new" / "folder")
    assert store.read(LABEL, KEY) == Found()
    assert store.write(LABEL, KEY, b"data")
    assert ArtifactStore(store.root).read(LABEL, KEY) == Found(b"data")
    assert _files(store.root) == WHOLE


def test_entries_do_not_meet() -> None:
    """Component, class and key part them; names that are no file names stay apart too (BUG-C08)."""
    names = ["A", "A.B", "A<B>", "A_B_", "A/../B", "x" * 300, "x" * 301]
    labels = {label_of(component, name) for component in ("encoder", "language_model") for name in names}
    assert len(labels) == 2 * len(names)
    assert all("/" not in label and len(label) < 120 for label in labels)


def _cut(entry: Path) -> None:
    (entry / ARTIFACT).write_bytes((entry / ARTIFACT).read_bytes()[:-1])


def _flip(entry: Path) -> None:
    data = bytearray((entry / ARTIFACT).read_bytes())
    data[len(data) // 2] ^= 1
    (entry / ARTIFACT).write_bytes(data)


def _restate(folder: Path, **facts: object) -> None:
    stated = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps({**stated, **facts}))


def _replace_by_file(entry: Path) -> None:
    shutil.rmtree(entry)
    entry.write_text("not a folder")


DAMAGE: dict[str, Callable[[Path], object]] = {
    "cut": _cut,
    "flipped bit": _flip,
    "empty": lambda entry: (entry / ARTIFACT).write_bytes(b""),
    "no artifact": lambda entry: (entry / ARTIFACT).unlink(),
    "no manifest": lambda entry: (entry / MANIFEST).unlink(),
    "manifest cut": lambda entry: (entry / MANIFEST).write_text("{"),
    "manifest not text": lambda entry: (entry / MANIFEST).write_bytes(b"\xff\xfe"),
    "manifest a list": lambda entry: (entry / MANIFEST).write_text("[]"),
    "other format": lambda entry: _restate(entry, format=0),
    "other torch": lambda entry: _restate(entry, version="1.0"),
    "another entry": lambda entry: _restate(entry, entry="encoder-Other/abc"),
    "a file": _replace_by_file,
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_entry_is_replaced(name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One warning that names it; then there is none, and the next write takes its place."""
    store = ArtifactStore(tmp_path)
    store.write(LABEL, KEY, b"some data")
    DAMAGE[name](store.folder(LABEL, KEY))
    assert store.read(LABEL, KEY) == Found(rejected=True)
    (warning,) = messages(caplog)
    assert warning.startswith(f"cache entry {store.folder(LABEL, KEY)} is not used: ")
    assert warning.endswith(". It is compiled again.")
    assert store.read(LABEL, KEY) == Found()
    assert store.write(LABEL, KEY, b"new data")
    assert store.read(LABEL, KEY) == Found(b"new data")


def test_a_root_that_cannot_be_a_folder(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A file stands there: one warning, and no more attempts."""
    root = tmp_path / "file"
    root.write_text("here")
    store = ArtifactStore(root)
    assert store.read(LABEL, KEY) == Found()
    assert not store.write(LABEL, KEY, b"data")
    assert not store.write(LABEL, "def", b"data")
    (warning,) = messages(caplog)
    assert warning.startswith(f"the compile cache {root} cannot be written: ")


class _Failing(ArtifactStore):
    """The disk fails at the manifest, when the artifact is already there."""

    error = errno.ENOSPC

    def _write_file(self, path: Path, data: bytes) -> None:
        if path.name == MANIFEST:
            raise OSError(self.error, os.strerror(self.error), str(path))
        super()._write_file(path, data)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT])
def test_a_full_or_read_only_disk(error: int, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One warning, and nothing half-written stays."""
    store = _Failing(tmp_path)
    store.error = error
    assert not store.write(LABEL, KEY, b"data")
    assert not store.write(LABEL, KEY, b"data")
    assert len(messages(caplog)) == 1
    assert os.strerror(error) in messages(caplog)[0]
    assert [path.name for path in tmp_path.rglob("*")] == [LABEL]


def test_what_a_killed_writer_left_is_removed_later(tmp_path: Path) -> None:
    """Not at once: it might be a living writer's."""
    store = ArtifactStore(tmp_path)
    left = tmp_path / LABEL / ".abc.0.tmp"
    left.mkdir(parents=True)
    (left / ARTIFACT).write_bytes(b"half")
    store.write(LABEL, "one", b"data")
    assert left.exists()
    later = left.stat().st_mtime + ABANDONED_AFTER + 1
    ArtifactStore(tmp_path, now=lambda: later).write(LABEL, "two", b"data")
    assert not left.exists()


def test_the_second_writer_gives_way(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The entry is there, so its write succeeded; the first one's data stay, and no warning is needed."""
    store = ArtifactStore(tmp_path)
    assert store.write(LABEL, KEY, b"first")
    assert store.write(LABEL, KEY, b"second")
    assert store.read(LABEL, KEY) == Found(b"first")
    assert _files(tmp_path) == WHOLE
    assert messages(caplog) == []


_WRITER = """
import pathlib, sys
from reference.compilation.artifacts import ArtifactStore
store = ArtifactStore(pathlib.Path(sys.argv[1]))
for number in range(30):
    data = bytes([number % 251]) * 5000
    found = store.read("encoder-Small", str(number))
    assert not found.rejected and found.data in (None, data), number
    assert store.write("encoder-Small", str(number), data)
    assert store.read("encoder-Small", str(number)).data == data
"""


def test_two_processes_at_once(tmp_path: Path) -> None:
    """Neither ever sees half an entry, and all are there in the end."""
    command = [sys.executable, "-c", _WRITER, str(tmp_path)]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for each in both:
        _, errors = each.communicate(timeout=100)
        assert each.returncode == 0, errors[-2000:]
        assert errors == ""
    assert len(_files(tmp_path)) == 60
    assert list(tmp_path.rglob("*.tmp")) == []


# -- the store under the back end


@pytest.fixture
def _fresh() -> Iterator[None]:
    with fresh_dynamo():
        yield


@pytest.mark.usefixtures("_fresh")
@pytest.mark.parametrize("name", ["eager", "aot_eager"])
def test_a_damaged_piece_is_compiled_again(name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Only the damaged one; the next start finds it whole. Whole bytes that torch cannot load are damage too."""
    caplog.set_level(logging.WARNING)
    for start, (compiles, loads, rejects) in enumerate([(2, 0, 0), (1, 1, 1), (1, 1, 1), (0, 2, 0)]):
        through = backend(name, root=tmp_path, splitting_ops=SEAM)
        program = compiled(lambda x: (x + 1).softmax(-1) * 2, through)
        assert (program(rows(5)) == (rows(5) + 1).softmax(-1) * 2).all()
        counts = through.counter
        found = (counts.num_backend_compilations, counts.num_artifacts_loaded, counts.num_artifacts_rejected)
        assert found == (compiles, loads, rejects), start
        assert counts.num_artifacts_saved == compiles
        entry = sorted((tmp_path / LABEL).iterdir())[0]
        if start == 0:
            _flip(entry)
        if start == 1:
            shutil.rmtree(entry)
            ArtifactStore(tmp_path).write(LABEL, entry.name, b"not a pickle")
        with fresh_dynamo():
            pass
    assert len(messages(caplog)) == 2
    assert f"{name} cannot load it: " in messages(caplog)[1]


@pytest.mark.usefixtures("_fresh")
def test_a_start_without_a_usable_cache(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Equal values, one warning for all its pieces."""
    (tmp_path / "file").write_text("here")
    through = backend("aot_eager", root=tmp_path / "file", splitting_ops=SEAM)
    assert (compiled(lambda x: (x + 1).softmax(-1) * 2, through)(rows(5)) == (rows(5) + 1).softmax(-1) * 2).all()
    assert through.counter.num_backend_compilations == 2
    assert through.counter.num_artifacts_saved == 0
    assert len(messages(caplog)) == 1


@pytest.mark.usefixtures("_fresh")
def test_components_and_classes_have_folders_of_their_own(tmp_path: Path) -> None:
    """The same function as an encoder, as a language model and in another class; in any order (BUG-C08)."""
    for component, class_name in (("encoder", "A"), ("language_model", "A"), ("encoder", "B")):
        with fresh_dynamo():
            through = backend(root=tmp_path, component=component, class_name=class_name)
            compiled(lambda x: x + 1, through)(rows(5))
            assert through.counter.num_artifacts_saved == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["encoder-A", "encoder-B", "language_model-A"]
