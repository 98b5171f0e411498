"""What a subject logs and warns of, kept line by line."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator


class Lines(logging.Handler):
    """Every line that is logged, formatted, and whether it is a warning."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.messages: list[str] = []
        self.warnings: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps one line."""
        lines = self.warnings if record.levelno >= logging.WARNING else self.messages
        lines.append(record.getMessage())


@contextlib.contextmanager
def heard(lines: Lines, name: str) -> Iterator[None]:
    """The log of that name, and of all below it, goes to `lines` and nowhere else."""
    logger = logging.getLogger(name)
    before = logger.level, logger.propagate
    logger.addHandler(lines)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(lines)
        logger.setLevel(before[0])
        logger.propagate = before[1]


@contextlib.contextmanager
def own_warnings(lines: Lines, folder: str) -> Iterator[None]:
    """Python warnings of files in a folder of that name are kept; torch's are nobody's."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        finally:
            lines.warnings += [str(each.message) for each in caught if folder in each.filename]
