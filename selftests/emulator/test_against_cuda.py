"""The emulator against CUDA, rule by rule: one program on both must see the same."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from selftests.emulator.graph_rules import RULES
from suite.emulator.device import EmulatedDevice
from suite.emulator.shim import routed

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 240
"""For a fresh process that imports torch and starts CUDA."""


@pytest.mark.parametrize("name", RULES)
def test_the_emulator_follows_the_rule(name: str) -> None:
    """With two devices, under the shim."""
    with routed(EmulatedDevice(accelerator=True)) as device:
        assert RULES[name].run(device.device) == RULES[name].expected


@pytest.mark.gpu
@pytest.mark.timeout(SECONDS + 30)
@pytest.mark.parametrize("name", RULES)
def test_a_gpu_follows_the_rule(name: str) -> None:
    """The same program on real graphs, in a process of its own."""
    command = [sys.executable, "-m", "selftests.emulator.graph_rules", name]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == RULES[name].expected
