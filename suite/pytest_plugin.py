"""The pytest face: options, and who does what in which process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from suite.driver.profiles import pin_hypothesis
from suite.session.controller import Controller
from suite.session.request import request_of
from suite.session.worker import Worker

ROOT = Path(__file__).resolve().parents[1]
GIBIBYTES_PER_WORKER = 2


def pytest_addoption(parser: pytest.Parser) -> None:
    """Lockstep's options; each is checked in `pytest_configure`."""
    group = parser.getgroup("lockstep", "Lockstep: does the fast form stay in lockstep with plain eager?")
    group.addoption(
        "--subject",
        default="reference",
        help="whom to judge: reference, fault:<id>, vllm, sglang, a subject that an installed package offers, or "
        "package.module:name, an adapter of your own (reference)",
    )
    group.addoption("--model", help="package.module:factory of a model that is put before the subject's engine")
    group.addoption(
        "--deviations", action="append", metavar="FILE", help="accepted failures; may be given several times"
    )
    group.addoption("--device", default="emulator", help="where graphs run: emulator or cuda (emulator)")
    group.addoption(
        "--profile",
        default="dev",
        dest="lockstep_profile",
        help="smoke, premerge, nightly, dev or seeds (dev)",
    )
    group.addoption("--seed", help="seed of a random profile: dev, nightly or seeds (0)")
    group.addoption("--family", action="append", help="only this family of models; may be given several times")
    group.addoption("--shard", metavar="I/N", help="only the I-th of N parts of the tests, for several machines")
    group.addoption("--report-dir", help="folder for index.html and records.jsonl (reports/out)")


def pytest_configure(config: pytest.Config) -> None:
    """Checks the options, pins the threads, and registers the hooks of this process."""
    config.addinivalue_line("markers", "laws(topic): the laws of a module of properties, one test per cell")
    config.addinivalue_line("markers", "browser: needs Chromium and its driver")
    config.addinivalue_line("markers", "gpu: needs a CUDA device")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(ROOT / ".hypothesis"))
    # The number of threads decides the order of a reduction, so every arm and every worker has one.
    torch.set_num_threads(1)
    pin_hypothesis()
    request = request_of(config, root=ROOT)
    config.pluginmanager.register(Worker(request), "lockstep-worker")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Controller(config, request), "lockstep-controller")


def pytest_xdist_auto_num_workers() -> int:
    """One worker per CPU that this process may use, as far as memory allows."""
    wish = os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS")
    if wish:
        return int(wish)
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    gibibytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 30
    return max(1, min(cpus, gibibytes // GIBIBYTES_PER_WORKER))
