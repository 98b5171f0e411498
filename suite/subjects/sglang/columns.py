"""SGLang's runner as a subject: what it declares, and one column for each form of its attention's metadata."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Literal

from models.api import Family
from suite.contract.case import Setup
from suite.contract.subject import AdapterBroken, Capabilities
from suite.subjects.column import Column
from suite.subjects.sglang.blocks import BACKENDS, TRITON
from suite.subjects.sglang.dialect import Dialect, dialect_of
from suite.subjects.sglang.release import Release, installed
from suite.subjects.sglang.replaced import load_runner
from suite.subjects.sglang.session import SglangSession
from suite.subjects.undeclared import BareSubject

FAMILIES = ("qwen2_5_vl", "qwen3_vl")
"""Towers of the zoo whose models SGLang hands to this runner."""
DECLARED = Capabilities(observable=True, video=True, families=FAMILIES)
"""It has no budgets, statistics, life-cycle or configuration; and `torch.cuda` is routed to one session at a time."""
WHERE_LAYOUTS_MATTER = ("values/replay-equals-eager", "values/same-total-other-boundaries")


class SglangSubject(BareSubject):
    """A runner for one attention back end, of whichever release."""

    def __init__(self, dialect: Dialect, *, version: str, backend: str = TRITON, device: str = "cpu") -> None:
        self.name = "sglang"
        self.version = version
        self.capabilities = replace(DECLARED, observable=device == "cpu", device=device)
        self._dialect = dialect
        self._backend = backend

    def start(self, family: Family, setup: Setup) -> SglangSession:
        """A session with nothing captured yet. Budgets and limits say nothing to a runner of exact layouts.

        Raises:
            AdapterBroken: no model of that family is run by this runner.
        """
        if not self.capabilities.serves(family.name):
            raise AdapterBroken(f"the runner serves no {family.name}: choose one of {', '.join(FAMILIES)}")
        return SglangSession(family, self._dialect, device=self.capabilities.device, backend=self._backend)


@cache
def _dialect(file: Path, backend: str) -> Dialect:
    return dialect_of(load_runner(file, backend=backend))


def columns(device: Literal["emulator", "cuda"]) -> tuple[Column, ...]:
    """The installed release's runner with the metadata of each attention back end, the first on every law.

    Raises:
        AdapterBroken: SGLang is not installed, or its runner is not one that the adapter knows.
    """
    release = installed()
    first, *others = (_subject(release, backend, device) for backend in BACKENDS)
    graphs = "real CUDA graphs" if device == "cuda" else "its use of torch.cuda routed to the emulator"
    return (
        Column(first, text=f"the runner of SGLang {release.version} as installed, {graphs}, {TRITON} metadata"),
        *(
            Column(subject, text=f"the same with {name} metadata", name=name, laws=WHERE_LAYOUTS_MATTER)
            for subject, name in zip(others, BACKENDS[1:], strict=True)
        ),
    )


def _subject(release: Release, backend: str, device: Literal["emulator", "cuda"]) -> SglangSubject:
    where = "cuda" if device == "cuda" else "cpu"
    dialect = _dialect(release.runner_file, backend)
    return SglangSubject(dialect, version=release.version, backend=backend, device=where)
