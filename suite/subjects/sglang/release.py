"""Where SGLang is installed: the package is found without being imported, since it needs a GPU's libraries."""

from __future__ import annotations

import importlib.machinery
import importlib.metadata
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from suite.contract.subject import AdapterBroken

PACKAGE = "sglang"
RUNNER_FILE = "srt/multimodal/vit_cuda_graph_runner.py"
"""The file with the runner, in all releases that have one (0.5.7 and later)."""
REMEDY = "use the tox environment of one release, such as `tox run -e sglang-0.5.23`"


@dataclass(frozen=True)
class Release:
    """One installed release."""

    version: str
    runner_file: Path


def installed(path: Sequence[str] | None = None) -> Release:
    """The release that is installed on a search path, Python's own by default.

    Raises:
        AdapterBroken: there is none, or it has no runner.
    """
    searched = list(sys.path if path is None else path)
    folder = _folder(searched)
    runner = folder / RUNNER_FILE
    if not runner.is_file():
        raise AdapterBroken(f"{PACKAGE} has no {RUNNER_FILE}: releases before 0.5.7 do not graph encoders; {REMEDY}")
    found = next(iter(importlib.metadata.distributions(name=PACKAGE, path=searched)), None)
    return Release("unknown" if found is None else found.version, runner)


def _folder(searched: list[str]) -> Path:
    """The package's folder; `suite.subjects.sglang` is another package and cannot be meant."""
    spec = importlib.machinery.PathFinder.find_spec(PACKAGE, searched)
    if spec is None or not spec.submodule_search_locations:
        places = f"{len(searched)} folders of Python's search path"
        raise AdapterBroken(f"looked for the package {PACKAGE} in {places} and found none: {REMEDY}")
    return Path(spec.submodule_search_locations[0])
