"""What a subject logs and warns of, kept line by line."""

from __future__ import annotations

import contextlib
import logging
import threading
import warnings
from collections import Counter
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
    """The log of that name, and of all below it, goes to `lines` and nowhere else; several may listen at once."""
    logger = logging.getLogger(name)
    with _changing:
        if not _listening[name]:
            _before[name] = logger.level, logger.propagate
        _listening[name] += 1
        logger.addHandler(lines)
        logger.setLevel(logging.INFO)
        logger.propagate = False
    try:
        yield
    finally:
        with _changing:
            logger.removeHandler(lines)
            _listening[name] -= 1
            if not _listening[name]:
                level, logger.propagate = _before.pop(name)
                logger.setLevel(level)


# The last one that listens puts back what the first one found, whatever the order in which they leave.
_changing = threading.Lock()
_listening: Counter[str] = Counter()
_before: dict[str, tuple[int, bool]] = {}


@contextlib.contextmanager
def own_warnings(lines: Lines, folder: str) -> Iterator[None]:
    """Python warnings of files in a folder of that name are kept; torch's are nobody's."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        finally:
            lines.warnings += [str(each.message) for each in caught if folder in each.filename]
