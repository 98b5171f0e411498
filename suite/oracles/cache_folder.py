"""A cache folder seen from outside, and what can happen to it between two starts.

All that is known of its layout: an entry is a folder with files in it, whose name the subject's warnings use. Text
files that hold torch's version say for which version an entry was made.
"""

from __future__ import annotations

import contextlib
import resource
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import torch

from suite.contract.program import Damage

OTHER_VERSION = "0.0.0+other"
LITTLE = 64
"""Bytes that a file may grow to while the disk is full."""


def entries(folder: Path) -> dict[str, Path]:
    """Every folder that has files in it, by its path below `folder`; files of the folder itself are no entry."""
    found = {path.parent for path in folder.rglob("*") if path.is_file()} - {folder}
    return {str(each.relative_to(folder)): each for each in sorted(found)}


def files(folder: Path) -> frozenset[str]:
    """Every file, by its path below `folder`."""
    return frozenset(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def damage(folder: Path, kind: Damage) -> tuple[str, ...]:
    """Damages every entry; the names of those that a reader must complain about.

    Raises:
        ValueError: the damage is not one that files can have.
    """
    if kind not in _DAMAGES:
        raise ValueError(f"{kind!r} is not done to entries: choose one of {', '.join(_DAMAGES)}")
    hurt = [entry.name for entry in entries(folder).values() if _DAMAGES[kind](entry)]
    return () if kind == "removed" else tuple(hurt)


def _truncated(entry: Path) -> bool:
    """Every file is cut in half, as when a machine loses power while it writes."""
    for path in _files_of(entry):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return True


def _garbage(entry: Path) -> bool:
    """The largest file has a few other bytes; in every second entry at its end, where readers stop to look."""
    largest = max(_files_of(entry), key=lambda path: path.stat().st_size)
    data = largest.read_bytes()
    is_at_end = sum(entry.name.encode()) % 2 == 0
    place = len(data) if is_at_end else len(data) // 2
    largest.write_bytes(data[:place] + b"\x00garbage\x00" + data[place if is_at_end else place + 9 :])
    return True


def _other_version(entry: Path) -> bool:
    """Says that it is of another torch; false if it does not say of which it is."""
    version = torch.__version__.encode()
    dated = [path for path in _files_of(entry) if version in path.read_bytes() and _is_text(path)]
    for path in dated:
        path.write_bytes(path.read_bytes().replace(version, OTHER_VERSION.encode()))
    return bool(dated)


def _removed(entry: Path) -> bool:
    shutil.rmtree(entry)
    return True


_DAMAGES: Mapping[Damage, Callable[[Path], bool]] = MappingProxyType(
    {"truncated": _truncated, "garbage": _garbage, "other-version": _other_version, "removed": _removed}
)


def _files_of(entry: Path) -> list[Path]:
    return sorted(path for path in entry.iterdir() if path.is_file())


def _is_text(path: Path) -> bool:
    try:
        path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return False
    return True


@contextlib.contextmanager
def full_disk() -> Iterator[None]:
    """In the block, no file of this process grows beyond a few bytes: a write fails when it is half done.

    Rights would not do: whoever runs the suite as root may write everywhere.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LITTLE, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def no_folder(folder: Path) -> Iterator[None]:
    """In the block, a file stands where the folder should be; afterwards the folder is there again, as it was."""
    aside = folder.with_name(f"{folder.name}-aside")
    folder.rename(aside)
    folder.touch()
    try:
        yield
    finally:
        folder.unlink()
        aside.rename(folder)
