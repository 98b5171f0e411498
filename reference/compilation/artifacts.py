"""Compiled artifacts on disk: atomic, checked, safe under concurrent processes (SPEC C2).

An entry is a folder `<root>/<label>/<key>/` with the artifact and a manifest. What is read is unpickled by its reader:
a cache folder must be as trusted as the program itself. The checksum finds damage, not malice.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

logger = logging.getLogger(__name__)

FORMAT = 2
MANIFEST = "manifest.json"
ARTIFACT = "artifact.bin"
ABANDONED_AFTER = 3600.0
"""Seconds after which a temporary folder belongs to a writer that died."""
TAKEN = (errno.EEXIST, errno.ENOTEMPTY)


class EntryRejected(ValueError):
    """An entry that must not be used: the text says why. It is removed and compiled again."""


@dataclass(frozen=True)
class Found:
    """What a look into the store gave."""

    data: bytes | None = None
    rejected: bool = False
    """Whether there was an entry that had to be thrown away."""


def label_of(component: str, class_name: str) -> str:
    """The folder of one class in one component; two classes never share one (BUG-C08)."""
    plain = f"{component}-{class_name}"
    safe = re.sub(r"[^\w.-]", "_", plain)[:100]
    return safe if safe == plain else f"{safe}-{hashlib.sha256(plain.encode()).hexdigest()[:8]}"


class ArtifactStore:
    """A folder of artifacts. Nothing that goes wrong in it stops a compile: it warns once and is done without."""

    def __init__(
        self,
        root: Path,
        *,
        version: str = torch.__version__,
        now: Callable[[], float] = time.time,
        log: logging.Logger = logger,
    ) -> None:
        self.root = root
        self.version = version
        self.now = now
        self.log = log
        self._is_given_up = False

    def folder(self, label: str, key: str) -> Path:
        """Where an entry is, or would be."""
        return self.root / label / key

    def read(self, label: str, key: str) -> Found:
        """The artifact, if there is one that is whole; an entry that is not is removed with one warning."""
        folder = self.folder(label, key)
        try:
            if not folder.exists():
                return Found()
            data = (folder / ARTIFACT).read_bytes()
            self.validate((folder / MANIFEST).read_bytes(), data, label=label, key=key)
        except (OSError, EntryRejected) as why:
            if not folder.exists():
                # Another process has just removed it.
                return Found()
            self.reject(label, key, str(why))
            return Found(rejected=True)
        return Found(data)

    def validate(self, manifest: bytes, data: bytes, *, label: str, key: str) -> None:
        """Compares an artifact with its manifest.

        Raises:
            EntryRejected: the manifest cannot be read, is of another version or of another entry, or the artifact is
                not the one that was written.
        """
        try:
            stated = json.loads(manifest)
        except ValueError as why:
            raise EntryRejected(f"its manifest cannot be read: {why}") from why
        actual = self.manifest(data, label=label, key=key)
        if not isinstance(stated, dict):
            raise EntryRejected(f"its manifest is {type(stated).__name__}, not a table of facts")
        for name, value in actual.items():
            if stated.get(name) != value:
                raise EntryRejected(f"its {name} is {stated.get(name)!r}, expected {value!r}")

    def manifest(self, data: bytes, *, label: str, key: str) -> dict[str, object]:
        """The facts that must hold of an artifact when it is read again."""
        return {
            "format": FORMAT,
            "version": self.version,
            "entry": f"{label}/{key}",
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        }

    def reject(self, label: str, key: str, why: str) -> None:
        """Removes an entry, with one warning; the next write takes its place."""
        folder = self.folder(label, key)
        self.log.warning("cache entry %s is not used: %s. It is compiled again.", folder, why)
        try:
            doomed = self._temporary(folder)
            folder.rename(doomed)
            shutil.rmtree(doomed, ignore_errors=True)
        except OSError:
            # Another process was faster, or the folder is read-only: then the write will say so.
            return

    def write(self, label: str, key: str, data: bytes) -> bool:
        """Puts an entry there as a whole or not at all; whether it is there now, by whomever it was written.

        After the first failure the store writes no more: a full disk is told once.
        """
        if self._is_given_up:
            return False
        folder = self.folder(label, key)
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            self._sweep(folder.parent)
            self._publish(folder, self._stage(folder, label, key, data))
        except OSError as why:
            self._is_given_up = True
            self.log.warning("the compile cache %s cannot be written: %s. Nothing more is saved there.", self.root, why)
            return False
        return True

    def _stage(self, folder: Path, label: str, key: str, data: bytes) -> Path:
        """The whole entry under a temporary name beside its place, on disk for good."""
        staged = self._temporary(folder)
        try:
            staged.mkdir()
            self._write_file(staged / ARTIFACT, data)
            manifest = json.dumps(self.manifest(data, label=label, key=key), sort_keys=True)
            self._write_file(staged / MANIFEST, manifest.encode())
        except BaseException:
            shutil.rmtree(staged, ignore_errors=True)
            raise
        return staged

    def _publish(self, folder: Path, staged: Path) -> None:
        """Renames into place. Of several writers the first wins; the others' copies are as good and discarded."""
        try:
            staged.rename(folder)
        except OSError as why:
            shutil.rmtree(staged, ignore_errors=True)
            if why.errno not in TAKEN:
                raise
        else:
            _flush_folder(folder.parent)

    def _write_file(self, path: Path, data: bytes) -> None:
        with path.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def _temporary(self, folder: Path) -> Path:
        return folder.parent / f".{folder.name}.{uuid.uuid4().hex}.tmp"

    def _sweep(self, parent: Path) -> None:
        """Removes what writers left behind that were killed."""
        for left in parent.glob(".*.tmp"):
            try:
                is_abandoned = self.now() - left.stat().st_mtime > ABANDONED_AFTER
            except FileNotFoundError:
                continue
            if is_abandoned:
                shutil.rmtree(left, ignore_errors=True)


def _flush_folder(folder: Path) -> None:
    """A rename is safe against a loss of power only when its folder is flushed."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
