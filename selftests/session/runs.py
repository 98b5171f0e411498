"""Runs of the suite in processes of their own, on a few cells, each into a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reports.records import Records, read
from selftests.house.sources import ROOT

ON_TOY = "toy and not shim and not device"
PACKING = (
    "suite/tests/test_packing.py",
    "-k",
    f"(every-item-once or no-limit-exceeded or smallest-budget) and {ON_TOY}",
    "--profile",
    "seeds",
)
"""Three laws of packing on the toy: the cheapest run that has several."""
LAWS = ["packing/every-item-once", "packing/no-limit-exceeded", "packing/smallest-budget"]
ONE_LAW = ("suite/tests/test_packing.py", "-k", f"every-item-once and {ON_TOY}", "--profile", "seeds")


@dataclass(frozen=True)
class Ran:
    """A finished run."""

    status: int
    output: str
    errors: str
    folder: Path

    @property
    def records(self) -> Records:
        """What the run wrote."""
        return read(self.folder / "records.jsonl")

    @property
    def verdicts(self) -> dict[tuple[str, str], tuple[str, int | None, dict[str, int]]]:
        """Verdict, cases and labels by law and family."""
        return {(law.law, law.family): (law.verdict, law.cases, dict(law.labels)) for law in self.records.laws}

    @property
    def report(self) -> str:
        """The page, without the places where a long word may break."""
        return (self.folder / "index.html").read_text(encoding="utf-8").replace("<wbr>", "")


def clean_environment(**changes: str) -> dict[str, str]:
    """The environment of this process without what pytest and its workers put there."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_XDIST", "PYTEST_CURRENT"))
    }
    return {**kept, "OMP_NUM_THREADS": "1", **changes}


def python(*arguments: str, start: Path = ROOT, **environment: str) -> tuple[int, str, str]:
    """Runs Python: exit status, output and errors."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=start,
        env=clean_environment(**environment),
        capture_output=True,
        text=True,
        timeout=170,
    )
    return done.returncode, done.stdout, done.stderr


def run(folder: Path, *arguments: str, plugins: Path) -> Ran:
    """Runs pytest in a new process; `plugins` is a folder whose files `-p` may name."""
    command = ["-m", "pytest", "-p", "no:cacheprovider", *arguments, "--report-dir", str(folder)]
    path = os.pathsep.join([str(plugins), os.environ.get("PYTHONPATH", "")])
    return Ran(*python(*command, PYTHONPATH=path), folder)


SCRIPT = """
import contextlib, io, json, sys
import pytest
found = []
for arguments in json.loads(sys.argv[1]):
    said, complained = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
        status = pytest.main(["-p", "no:cacheprovider", "-n", "0", *arguments])
    found.append([int(status), said.getvalue(), complained.getvalue()])
print(json.dumps(found))
"""


def run_all(folder: Path, wanted: Mapping[str, Sequence[str]], *, modules: Path = ROOT) -> dict[str, Ran]:
    """Runs pytest once for each list of options, all in one new process, since starting is what takes long.

    Adapters may come from the folder `modules`.
    """
    lists = [[*options, "--report-dir", str(folder / name)] for name, options in wanted.items()]
    _, output, errors = python("-c", SCRIPT, json.dumps(lists), PYTHONPATH=str(modules))
    if not output:
        raise RuntimeError(f"the process of the runs died: {errors}")
    found = json.loads(output.splitlines()[-1])
    return {
        name: Ran(status, said, complained, folder / name)
        for name, (status, said, complained) in zip(wanted, found, strict=True)
    }
