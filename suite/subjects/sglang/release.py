"""Where SGLang is installed: the package is found without being imported, since it needs a GPU's libraries."""

from __future__ import annotations

import importlib.machinery
import importlib.metadata
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from suite.subjects.strangers import EngineMissing

PACKAGE = "sglang"
REMEDY = "use the tox environment of one release, such as `tox run -e sglang-0.5.23`"


@dataclass(frozen=True)
class Release:
    """One installed release."""

    version: str
    folder: Path
    """Of the package."""


def installed(path: Sequence[str] | None = None) -> Release:
    """The release that is installed on a search path, Python's own by default.

    Raises:
        EngineMissing: there is none.
    """
    searched = list(sys.path if path is None else path)
    spec = importlib.machinery.PathFinder.find_spec(PACKAGE, searched)
    if spec is None or not spec.submodule_search_locations:
        places = f"{len(searched)} folders of Python's search path"
        raise EngineMissing(f"looked for the package {PACKAGE} in {places} and found none: {REMEDY}")
    found = next(iter(importlib.metadata.distributions(name=PACKAGE, path=searched)), None)
    return Release("unknown" if found is None else found.version, Path(spec.submodule_search_locations[0]))
