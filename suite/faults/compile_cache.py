"""Faults of the artifact cache: entries that are used unseen, lost, half-written, or not what was kept."""

from __future__ import annotations

import json
from pathlib import Path

from torch._dynamo.utils import counters

from reference.compilation.artifacts import ArtifactStore, EntryRejected, Found
from reference.compilation.fingerprint import Fingerprint
from suite.faults import injection
from suite.faults.fault import Fault


class _Unchecked(ArtifactStore):
    """Believes what a manifest says of version and entry, and computes no checksum."""

    checked: tuple[str, ...] = ("format", "version", "entry")

    def validate(self, manifest: bytes, data: bytes, *, label: str, key: str) -> None:
        try:
            stated = json.loads(manifest)
        except ValueError as why:
            raise EntryRejected("its manifest cannot be read") from why
        wanted = self.manifest(data, label=label, key=key)
        if any(stated.get(name) != wanted[name] for name in self.checked):
            raise EntryRejected("it is of something else")


class _AnyVersion(_Unchecked):
    """Takes entries of every torch."""

    checked = ("format", "entry", "bytes", "sha256")


class _Raises(ArtifactStore):
    """Lets whoever asked see the damage."""

    def reject(self, label: str, key: str, why: str) -> None:
        raise EntryRejected(f"{label}/{key}: {why}")


class _Silent(ArtifactStore):
    """Makes bad entries again without a word."""

    def reject(self, label: str, key: str, why: str) -> None:
        self.log.disabled = True
        try:
            super().reject(label, key, why)
        finally:
            self.log.disabled = False


class _Nameless(_Silent):
    """Says that an entry is bad, and not which."""

    def reject(self, label: str, key: str, why: str) -> None:
        super().reject(label, key, why)
        self.log.warning("a cache entry is not used. It is compiled again.")


class _LeavesBad(ArtifactStore):
    """Says that an entry is bad and lets it lie, where the new one finds its place taken."""

    def reject(self, label: str, key: str, why: str) -> None:
        self.log.warning("cache entry %s is not used: %s.", self.folder(label, key), why)


class _InPlace(ArtifactStore):
    """Writes an entry where it belongs, file by file."""

    def _stage(self, folder: Path, label: str, key: str, data: bytes) -> Path:
        folder.mkdir()
        for name, content in (("artifact.bin", data), ("manifest.json", self._stated(data, label, key))):
            (folder / name).write_bytes(content)
        return folder

    def _stated(self, data: bytes, label: str, key: str) -> bytes:
        return json.dumps(self.manifest(data, label=label, key=key)).encode()

    def _publish(self, folder: Path, staged: Path) -> None:
        return


class _TellsAgain(ArtifactStore):
    """Tries every write, and tells of every one that fails."""

    def write(self, label: str, key: str, data: bytes) -> bool:
        self._is_given_up = False
        return super().write(label, key, data)


class _Forgets(ArtifactStore):
    """Writes, and finds nothing again."""

    def read(self, label: str, key: str) -> Found:
        return Found()


class _CountsGraphs(Fingerprint):
    """Has in the key how many graphs torch has traced."""

    def options(self) -> str:
        return f"{super().options()} {counters['stats']['unique_graphs']}"


class _LastIndexWins(ArtifactStore):
    """Knows its entries by an index that each process writes as it remembers it."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._index = root / "index.json"
        self._known: list[str] = json.loads(self._index.read_text()) if self._index.exists() else []

    def read(self, label: str, key: str) -> Found:
        return super().read(label, key) if f"{label}/{key}" in self._known else Found()

    def write(self, label: str, key: str, data: bytes) -> bool:
        is_there = super().write(label, key, data)
        self._known.append(f"{label}/{key}")
        self._index.write_text(json.dumps(self._known))
        return is_there


_DAMAGE = "compile_cache/damage-is-told-and-mended"
_FULL = "compile_cache/full-disk-stops-nobody"
_NOTHING = "compile_cache/warm-start-compiles-nothing"
_TWICE = "compile_cache/nothing-is-compiled-twice"

FAULTS = (
    Fault(
        id="compile_cache/no-checksum",
        breaks="an entry is used if its manifest names the right version",
        caught_by=(_DAMAGE,),
        parts=injection.compilation(store=_Unchecked),
    ),
    Fault(
        id="compile_cache/other-version-is-used",
        breaks="an entry that another torch made is used",
        caught_by=(_DAMAGE,),
        parts=injection.compilation(store=_AnyVersion),
    ),
    Fault(
        id="compile_cache/damage-raises",
        breaks="a damaged entry ends the start",
        caught_by=(_DAMAGE,),
        parts=injection.compilation(store=_Raises),
    ),
    Fault(
        id="compile_cache/damage-is-silent",
        breaks="a damaged entry is made again without a warning",
        caught_by=(_DAMAGE,),
        parts=injection.compilation(store=_Silent),
    ),
    Fault(
        id="compile_cache/damage-has-no-name",
        breaks="the warning of a damaged entry does not say which it is",
        caught_by=(_DAMAGE,),
        parts=injection.compilation(store=_Nameless),
    ),
    Fault(
        id="compile_cache/bad-entry-stays",
        breaks="a damaged entry is left where the new one should be",
        caught_by=(_DAMAGE,),
        parts=injection.compilation(store=_LeavesBad),
    ),
    Fault(
        id="compile_cache/half-written-entry-stays",
        breaks="an entry is written in its place, and what a full disk leaves of it stays there",
        caught_by=(_FULL,),
        parts=injection.compilation(store=_InPlace),
        sampled=True,
    ),
    Fault(
        id="compile_cache/full-disk-is-told-again",
        breaks="every write that fails is told",
        caught_by=(_FULL,),
        parts=injection.compilation(store=_TellsAgain),
    ),
    Fault(
        id="compile_cache/nothing-is-found-again",
        breaks="every start compiles everything and writes it",
        caught_by=(_NOTHING, _TWICE),
        parts=injection.compilation(store=_Forgets),
        source="BUG-C10",
    ),
    Fault(
        id="compile_cache/graphs-are-counted",
        breaks="the key of a piece depends on how many graphs were traced before it",
        caught_by=(_TWICE,),
        parts=injection.piecewise(fingerprint=_CountsGraphs),
        source="BUG-C10",
    ),
    Fault(
        id="compile_cache/last-index-wins",
        breaks="of two starts that write at once, the second one's index hides the first one's entries",
        caught_by=("compile_cache/starts-at-once",),
        parts=injection.compilation(store=_LastIndexWins),
    ),
)
