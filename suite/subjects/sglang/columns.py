"""SGLang's runners as a subject: what it declares, and one column for each form of its attention's metadata."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Literal

from models.api import Family
from suite.contract.case import Setup
from suite.contract.scripting import ScriptPart
from suite.contract.subject import AdapterBroken, Capabilities
from suite.subjects.column import Column
from suite.subjects.sglang.cache import CacheDialect, SglangKeeping, cache_dialect
from suite.subjects.sglang.dialect import PATCHES, RUNNER_FILES, Dialect, Dialects, RunnerFile, dialect_of
from suite.subjects.sglang.parts import BACKENDS, TRITON
from suite.subjects.sglang.release import REMEDY, Release, installed
from suite.subjects.sglang.replaced import REPLACEMENTS, ROUTED, load_runner
from suite.subjects.sglang.script import script_part
from suite.subjects.sglang.session import SglangSession
from suite.subjects.undeclared import BareSubject

DECLARED = Capabilities(observable=True, video=True)
"""It has no budgets, statistics, life-cycle or configuration; and `torch.cuda` is routed to one session at a time."""
WHERE_LAYOUTS_MATTER = ("values/replay-equals-eager", "values/same-total-other-boundaries")


class SglangSubject(BareSubject):
    """The runners of one release, for one attention back end. It serves the families of the runners that it has."""

    def __init__(
        self,
        dialects: Dialects,
        *,
        version: str,
        backend: str = TRITON,
        device: str = "cpu",
        cache: CacheDialect | None = None,
    ) -> None:
        self.name = "sglang"
        self.version = version
        self._files = {family: file for file in dialects for family in file.families}
        self.capabilities = replace(
            DECLARED,
            observable=device == "cpu",
            device=device,
            families=tuple(self._files),
            keeps_outputs=cache is not None,
            keeps_least_recent_last=cache is not None,
        )
        self._cache = cache
        self.replacements = tuple(each for each in REPLACEMENTS if device == "cpu" or each is not ROUTED)
        self._dialects = dialects
        self._backend = backend

    def start(self, family: Family, setup: Setup) -> SglangSession:
        """A session with nothing captured yet. Budgets and limits say nothing to a runner of exact layouts.

        Raises:
            AdapterBroken: no model of that family is run by a runner of this release.
        """
        file = self._file_of(family)
        device = self.capabilities.device
        return SglangSession(family, file, self._dialects[file], device=device, backend=self._backend)

    def start_keeping(self, family: Family, setup: Setup, capacity_bytes: int) -> SglangKeeping:
        """A session, and a cache of the release beside it.

        Raises:
            AdapterBroken: the release has no cache, or no runner for the family.
        """
        if self._cache is None:
            raise AdapterBroken("the release has no cache of single items: `keeps_outputs` is not declared")
        return SglangKeeping(self.start(family, setup), self._cache, capacity_bytes=capacity_bytes)

    def script(self, family: Family, setup: Setup) -> ScriptPart:
        """The runner of that family by itself. The setup says nothing to it.

        Raises:
            AdapterBroken: no model of that family is run by a runner of this release.
        """
        return script_part(self._file_of(family), backend=self._backend)

    def _file_of(self, family: Family) -> RunnerFile:
        if family.name not in self._files:
            raise AdapterBroken(f"no runner serves {family.name}: choose one of {', '.join(self._files)}")
        return self._files[family.name]


def dialects_of(release: Release, *, backend: str) -> Dialects:
    """The runners that a release has.

    Raises:
        AdapterBroken: it has not even the first of them, or one that the adapter does not know.
    """
    if not (release.folder / PATCHES.path).is_file():
        what = f"SGLang {release.version} has no {PATCHES.path}: releases before 0.5.7 do not graph encoders"
        raise AdapterBroken(f"{what}; {REMEDY}")
    found = [file for file in RUNNER_FILES if (release.folder / file.path).is_file()]
    return {file: _dialect(release.folder, file, backend) for file in found}


@cache
def _dialect(folder: Path, file: RunnerFile, backend: str) -> Dialect:
    return dialect_of(load_runner(folder / file.path, backend=backend), file)


def columns(device: Literal["emulator", "cuda"]) -> tuple[Column, ...]:
    """The installed release's runners with the metadata of each attention back end, the first on every law.

    Raises:
        AdapterBroken: SGLang is not installed, or has no runner that the adapter knows.
    """
    release = installed()
    first, *others = (_subject(release, backend, device) for backend in BACKENDS)
    graphs = "real CUDA graphs" if device == "cuda" else "its use of torch.cuda routed to the emulator"
    return (
        Column(first, text=f"the runners of SGLang {release.version} as installed, {graphs}, {TRITON} metadata"),
        *(
            Column(subject, text=f"the same with {name} metadata", name=name, laws=WHERE_LAYOUTS_MATTER)
            for subject, name in zip(others, BACKENDS[1:], strict=True)
        ),
    )


def _subject(release: Release, backend: str, device: Literal["emulator", "cuda"]) -> SglangSubject:
    where = "cuda" if device == "cuda" else "cpu"
    dialects = dialects_of(release, backend=backend)
    cache = cache_dialect(release.folder, backend=backend)
    return SglangSubject(dialects, version=release.version, backend=backend, device=where, cache=cache)
