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
from suite.subjects.sglang.dialect import (
    BOUNDED,
    PATCHES,
    RUNNER_FILES,
    Dialect,
    Dialects,
    Limits,
    RunnerFile,
    dialect_of,
)
from suite.subjects.sglang.parts import BACKENDS, TRITON
from suite.subjects.sglang.release import REMEDY, Release, installed
from suite.subjects.sglang.replaced import REPLACEMENTS, ROUTED, load_runner
from suite.subjects.sglang.script import script_part
from suite.subjects.sglang.session import SglangSession
from suite.subjects.undeclared import BareSubject

DECLARED = Capabilities(observable=True, video=True)
"""It has no budgets, statistics, life-cycle or configuration; and `torch.cuda` is routed to one session at a time."""
AT_ONCE = Limits(capacity=64, min_hits=1)
"""Short histories replay, too."""
WHERE_REPLAYS_MATTER = (
    "values/replay-equals-eager",
    "staleness/history-does-not-matter",
    "ownership/results-outlive-later-batches",
    "capture/warmed-up-first",
    "capture/graphs-are-bounded",
)
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
            most_graphs=_most_graphs(dialects),
            keeps_outputs=cache is not None,
            drops_kept=cache is not None,
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
        file = self._file_of(family)
        return script_part(file, self._dialects[file], backend=self._backend)

    def _file_of(self, family: Family) -> RunnerFile:
        if family.name not in self._files:
            raise AdapterBroken(f"no runner serves {family.name}: choose one of {', '.join(self._files)}")
        return self._files[family.name]


def _most_graphs(dialects: Dialects) -> int:
    """The capacity, if a bounded runner is the only one; the others state no number."""
    stated = [each.limits.capacity if each.limits else 0 for each in dialects.values()]
    return stated[0] if len(stated) == 1 else 0


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
        *_bounded(release, device),
    )


def _bounded(release: Release, device: Literal["emulator", "cuda"]) -> tuple[Column, ...]:
    """The bounded runner, if the release has it: as it is set, and as a user may set it."""
    if not (release.folder / BOUNDED.path).is_file():
        return ()
    own, where = _dialect(release.folder, BOUNDED, TRITON), "cuda" if device == "cuda" else "cpu"
    as_set, at_once = (
        SglangSubject({BOUNDED: each}, version=release.version, device=where)
        for each in (own, replace(own, limits=AT_ONCE))
    )
    text = "the runner of Kimi-K3's tower, of which a layout is captured"
    return (
        Column(as_set, text=f"{text} at its second batch, two layouts at most", name="kimi", graphs_only=True),
        Column(at_once, text=f"{text} at its first batch", name="kimi at once", laws=WHERE_REPLAYS_MATTER),
    )


def _subject(release: Release, backend: str, device: Literal["emulator", "cuda"]) -> SglangSubject:
    where = "cuda" if device == "cuda" else "cpu"
    dialects = dialects_of(release, backend=backend)
    cache = cache_dialect(release.folder, backend=backend)
    return SglangSubject(dialects, version=release.version, backend=backend, device=where, cache=cache)
