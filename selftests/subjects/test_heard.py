"""Several may listen to one log, and leave in any order."""

from __future__ import annotations

import logging

from suite.subjects.heard import Lines, heard

NAME = "selftests.heard"


def test_listeners_leave_in_any_order() -> None:
    """The last one puts back what the first one found; each hears what is said while it listens."""
    logger = logging.getLogger(NAME)
    before = logger.level, logger.propagate
    first, second = Lines(), Lines()
    one, two = heard(first, NAME), heard(second, NAME)
    one.__enter__()
    logger.info("one")
    two.__enter__()
    one.__exit__(None, None, None)
    logger.warning("two")
    two.__exit__(None, None, None)
    assert (first.messages, first.warnings) == (["one"], [])
    assert (second.messages, second.warnings) == ([], ["two"])
    assert (logger.level, logger.propagate) == before
    assert not logger.handlers
