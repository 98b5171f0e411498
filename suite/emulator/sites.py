"""Which line of model code is running: the innermost frame outside torch, this package and the library."""

from __future__ import annotations

import functools
import linecache
import sysconfig
from pathlib import Path
from typing import NamedTuple

import torch

from suite.emulator.internals import calling_frame

_TORCH = str(Path(torch.__file__).parent)
_HERE = str(Path(__file__).parent)
LONGEST_LINE = 100
_LIBRARY = sysconfig.get_path("stdlib")


class Site(NamedTuple):
    """One line of code, kept as data and rendered only when somebody reads it."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        place = f"{'/'.join(Path(self.file).parts[-2:])}:{self.line} in {self.function}"
        text = linecache.getline(self.file, self.line).strip()
        return f"{place} `{shorten(text)}`" if text else place


def shorten(text: str) -> str:
    """A line of code at a length that fits a message."""
    return text if len(text) <= LONGEST_LINE else f"{text[:LONGEST_LINE]}..."


NOWHERE = Site(file="<unknown>", line=0, function="<unknown>")


@functools.cache
def _is_machinery(file: str) -> bool:
    if file.startswith((_TORCH, _HERE, "<frozen")):
        return True
    return file.startswith(_LIBRARY) and "site-packages" not in file


def current_site() -> Site:
    """The line of model code that led here."""
    frame = calling_frame()
    while frame is not None:
        file = frame.f_code.co_filename
        if not _is_machinery(file):
            return Site(file=file, line=frame.f_lineno, function=frame.f_code.co_name)
        frame = frame.f_back
    return NOWHERE
