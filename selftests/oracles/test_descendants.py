"""Processes are seen as the system shows them: children, their children, who has ended, and who moved away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from suite.oracles.descendants import Offspring, descendants

LONG = 10.0


@pytest.fixture
def offspring() -> Iterator[Offspring]:
    """What this test starts; nothing of it is left."""
    watched = Offspring()
    yield watched
    watched.end()
    assert watched.left(seconds=0.0) == set()


def test_nothing_is_left_of_nothing(offspring: Offspring) -> None:
    """Nor is what was there before."""
    assert offspring.note() == set()
    assert offspring.left(seconds=0.0) == set()


def test_a_child_is_seen_until_it_was_asked_for(offspring: Offspring) -> None:
    """One that has ended is left as long as nobody asks how."""
    child = subprocess.Popen(["sleep", "100"])
    assert {each.number for each in offspring.note()} == {child.pid}
    child.kill()
    assert {each.number for each in offspring.left(seconds=0.1)} == {child.pid}
    child.wait()
    assert offspring.left(seconds=0.0) == set()


def test_a_child_of_a_child_is_seen_although_it_moves_away(offspring: Offspring) -> None:
    """It leads a session of its own, and its parent ends."""
    code = "import subprocess, time; print(subprocess.Popen(['sleep', '100'], start_new_session=True).pid, flush=True)"
    parent = subprocess.Popen([sys.executable, "-c", f"{code}; time.sleep(100)"], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout as said:
        moved = int(said.readline())
    assert {each.number for each in offspring.note()} == {parent.pid, moved}
    parent.kill()
    parent.wait()
    assert {each.number for each in offspring.left(seconds=0.0)} == {moved}
    assert moved not in {each.number for each in descendants()}
    os.kill(moved, signal.SIGKILL)
    assert offspring.left(seconds=LONG) == set()


def test_who_ends_in_time_is_not_left(offspring: Offspring) -> None:
    """It is waited for."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(writer)
        os.read(reader, 1)
        os._exit(0)
    os.close(reader)
    assert {each.number for each in offspring.note()} == {child}
    os.close(writer)
    os.waitpid(child, 0)
    assert offspring.left(seconds=LONG) == set()
