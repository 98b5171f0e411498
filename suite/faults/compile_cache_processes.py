"""Faults of a cache folder that several processes use: entries half written, taken away, or locked by the dead."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path

from reference.compilation.artifacts import ArtifactStore
from suite.faults import injection
from suite.faults.fault import Fault


class _FileByFile(ArtifactStore):
    """Writes an entry where it belongs, file by file, over what is there."""

    def _stage(self, folder: Path, label: str, key: str, data: bytes) -> Path:
        folder.mkdir(exist_ok=True)
        stated = json.dumps(self.manifest(data, label=label, key=key)).encode()
        (folder / "artifact.bin").write_bytes(data)
        (folder / "manifest.json").write_bytes(stated)
        return folder

    def _publish(self, folder: Path, staged: Path) -> None:
        return


class _OneTemporary(ArtifactStore):
    """All writers of an entry prepare it under one name."""

    def _temporary(self, folder: Path) -> Path:
        return folder.parent / f".{folder.name}.tmp"


class _SweepsTheLiving(ArtifactStore):
    """Takes for abandoned what another process is just writing."""

    def _sweep(self, parent: Path) -> None:
        for left in parent.glob(".*.tmp"):
            shutil.rmtree(left, ignore_errors=True)


class _LoserComplains(ArtifactStore):
    """Takes for an error that another process was faster."""

    def _publish(self, folder: Path, staged: Path) -> None:
        if folder.exists():
            shutil.rmtree(staged)
            raise FileExistsError(f"{folder} is there already")
        super()._publish(folder, staged)


class _LoserLeavesItsCopy(ArtifactStore):
    """What is prepared for an entry that another process has written first, stays."""

    def _publish(self, folder: Path, staged: Path) -> None:
        with contextlib.suppress(OSError):
            staged.rename(folder)


class _LocksForGood(ArtifactStore):
    """Writes only while it holds a lock file, and leaves everything to whoever holds it."""

    def write(self, label: str, key: str, data: bytes) -> bool:
        self.root.mkdir(parents=True, exist_ok=True)
        lock = self.root / "lock"
        try:
            lock.touch(exist_ok=False)
        except FileExistsError:
            return False
        try:
            return super().write(label, key, data)
        finally:
            lock.unlink()


class _MarkedFirst(ArtifactStore):
    """Says by a mark that an entry is there, before it is."""

    def write(self, label: str, key: str, data: bytes) -> bool:
        mark = self.root / f"{label}-{key}.kept"
        self.root.mkdir(parents=True, exist_ok=True)
        if mark.exists():
            return True
        mark.touch()
        return super().write(label, key, data)


_PROCESSES = "compile_cache/processes-at-once"
_KILLED = "compile_cache/killed-writer-harms-nobody"

FAULTS = (
    Fault(
        id="compile_cache_processes/entry-appears-file-by-file",
        breaks="an entry is written in its place, where another process reads the half of it",
        caught_by=(_PROCESSES,),
        parts=injection.compilation(store=_FileByFile),
    ),
    Fault(
        id="compile_cache_processes/one-temporary-name",
        breaks="two processes that write one entry prepare it under the same name",
        caught_by=(_PROCESSES,),
        parts=injection.compilation(store=_OneTemporary),
    ),
    Fault(
        id="compile_cache_processes/sweeps-the-living",
        breaks="a process removes what another one is about to put into the cache",
        caught_by=(_PROCESSES,),
        parts=injection.compilation(store=_SweepsTheLiving),
    ),
    Fault(
        id="compile_cache_processes/slower-writer-complains",
        breaks="the slower of two writers of an entry warns, and writes no more",
        caught_by=(_PROCESSES,),
        parts=injection.compilation(store=_LoserComplains),
    ),
    Fault(
        id="compile_cache_processes/slower-writer-leaves-its-copy",
        breaks="what the slower of two writers has prepared stays in the folder",
        caught_by=(_PROCESSES,),
        parts=injection.compilation(store=_LoserLeavesItsCopy),
    ),
    Fault(
        id="compile_cache_processes/lock-of-the-dead",
        breaks="a lock that a killed process left keeps every later one from writing",
        caught_by=(_KILLED,),
        parts=injection.compilation(store=_LocksForGood),
    ),
    Fault(
        id="compile_cache_processes/marked-before-it-is-there",
        breaks="an entry is noted as written before it is, so after a kill nobody writes it",
        caught_by=(_KILLED,),
        parts=injection.compilation(store=_MarkedFirst),
    ),
)
