"""The environments that tox.ini names, read without tox, which is not among the suite's requirements."""

from __future__ import annotations

import configparser
import itertools
import re
from collections.abc import Mapping

PREFIX = "testenv:"


def environments(text: str) -> Mapping[str, tuple[str, ...]]:
    """Each environment of a tox.ini with its labels; a name with {choices} is one environment for each choice.

    Raises:
        configparser.Error: the text is no ini file.
    """
    # Substitutions such as {posargs} are tox's own, so none may be made here.
    sections = configparser.ConfigParser(interpolation=None)
    sections.read_string(text)
    return {
        name: tuple(re.findall(r"[^,\s]+", sections[title].get("labels", "")))
        for title in sections.sections()
        if title.startswith(PREFIX)
        for name in _spelled_out(title.removeprefix(PREFIX))
    }


def _spelled_out(name: str) -> list[str]:
    """`a-{1,2}` is `a-1` and `a-2`, as tox has it."""
    parts = re.split(r"\{([^}]*)\}", name)
    choices = [part.split(",") if number % 2 else [part] for number, part in enumerate(parts)]
    return ["".join(choice).replace(" ", "") for choice in itertools.product(*choices)]
