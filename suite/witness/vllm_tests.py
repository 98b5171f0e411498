"""vLLM's own tests of its encoder graphs as a second witness: fetched when asked for, run on the emulator.

`python -m suite.witness.vllm_tests [--source FOLDER] [--output-json FILE] [--report-dir FOLDER]` runs the tests of the
release that is installed. They come from its source distribution, which pip finds where it finds everything else;
nothing of it is kept. With `--report-dir` the outcomes lie where the next run of the laws takes them up for its report;
if the tests could not be run, the reason lies there.

What passes here passes by the engine's own measure: shapes and counters, and values in few places.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from reports.own_tests import write_own_tests
from reports.subject_schema import OwnTests, UnpassedTest
from suite.contract.subject import AdapterBroken
from suite.subjects.vllm.engine import QUIET, installed

TESTS = Path("tests/v1/cudagraph/test_encoder_cudagraph.py")
"""In the source distribution of every release."""
PLUGIN = "suite.witness.emulated_platform"
ROOT = Path(__file__).resolve().parents[2]
FETCH_SECONDS, RUN_SECONDS = 600.0, 600.0
OUTCOMES: tuple[Literal["failed", "error", "skipped"], ...] = ("failed", "error", "skipped")
"""Of tests that did not pass."""
SAID = 600
"""Characters of the end of what a program wrote."""


class NoWitness(AdapterBroken):
    """The tests could not be had or run: the text says what was tried, and what to do."""


@dataclass(frozen=True)
class OwnTest:
    """One test of the engine's."""

    name: str
    outcome: str
    """passed, failed, error or skipped; an error is a test that did not come to its first line."""
    reason: str = ""


@dataclass(frozen=True)
class Witness:
    """What came of all tests of one release."""

    version: str
    tests: tuple[OwnTest, ...]

    @property
    def counts(self) -> Counter[str]:
        """How many tests had which outcome."""
        return Counter(each.outcome for each in self.tests)


@contextmanager
def source_of(version: str) -> Iterator[Path]:
    """The source distribution of a release, unpacked, until the block ends.

    pip unpacks it before it asks for its metadata; whether those can be made here does not matter.

    Raises:
        NoWitness: pip does not find or fetch it.
    """
    with tempfile.TemporaryDirectory(prefix="lockstep-source-") as folder:
        command = [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-build-isolation", "--no-clean"),
            *("--no-binary", "vllm", "--dest", str(Path(folder) / "dest"), f"vllm=={version}"),
        ]
        try:
            done = subprocess.run(
                command, env={**os.environ, "TMPDIR": folder}, capture_output=True, text=True, timeout=FETCH_SECONDS
            )
        except subprocess.TimeoutExpired:
            raise NoWitness(f"pip did not fetch the source of vllm {version} within {FETCH_SECONDS:g} s") from None
        found = next((path for path in Path(folder).glob(f"*/*/{TESTS}")), None)
        if found is None:
            raise NoWitness(
                f"looked for {TESTS} in the source distribution of vllm {version}, found none; pip said: "
                f"{done.stderr.strip()[-SAID:] or 'nothing'}. Give an unpacked one with --source FOLDER"
            )
        yield found.parents[len(TESTS.parts) - 1]


def run_tests(source: Path, version: str) -> Witness:
    """Runs the tests of an unpacked source distribution.

    Raises:
        NoWitness: there are none, or pytest could not run them.
    """
    if not (source / TESTS).is_file():
        raise NoWitness(f"looked for {TESTS} in {source}, found none: give the folder that has vLLM's own 'tests'")
    with tempfile.TemporaryDirectory(prefix="lockstep-witness-") as folder:
        result = Path(folder) / "result.xml"
        command = [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", PLUGIN),
            # Its conftest needs the whole engine; the tests of the file itself need none of it.
            *("--noconftest", "--rootdir", folder, "-c", os.devnull, f"--junitxml={result}", str(source / TESTS)),
        ]
        environment = {**os.environ, **QUIET, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""}
        try:
            done = subprocess.run(
                command, cwd=folder, env=environment, capture_output=True, text=True, timeout=RUN_SECONDS
            )
        except subprocess.TimeoutExpired:
            raise NoWitness(f"vLLM's own tests did not end within {RUN_SECONDS:g} s") from None
        if not result.exists():
            raise NoWitness(f"pytest could not run {source / TESTS}: {(done.stderr or done.stdout).strip()[-SAID:]}")
        return Witness(version, tuple(map(outcome_of, ElementTree.parse(result).iter("testcase"))))


def outcome_of(case: ElementTree.Element) -> OwnTest:
    """One `testcase` of pytest's JUnit file."""
    name = f"{case.get('classname', '').rpartition('.')[2]}::{case.get('name')}"
    for outcome, tag in (("failed", "failure"), ("error", "error"), ("skipped", "skipped")):
        if (told := case.find(tag)) is not None:
            return OwnTest(name, outcome, (told.get("message") or "").splitlines()[0] if told.get("message") else "")
    return OwnTest(name, "passed")


def text_of(witness: Witness) -> str:
    """The counts, and every test that did not pass with its reason."""
    counts = ", ".join(f"{number} {outcome}" for outcome, number in sorted(witness.counts.items()))
    lines = [f"vLLM {witness.version}: its own tests of encoder graphs on the emulator: {counts or 'none'}"]
    lines += [f"  {each.outcome:<8}{each.name}: {each.reason}" for each in witness.tests if each.outcome != "passed"]
    return "\n".join(lines)


def record_of(witness: Witness) -> OwnTests:
    """What a report shows of it."""
    others = ((each, outcome) for each in witness.tests for outcome in OUTCOMES if each.outcome == outcome)
    return OwnTests(
        release=witness.version,
        what=str(TESTS),
        passed=witness.counts["passed"],
        others=tuple(UnpassedTest(name=each.name, outcome=outcome, reason=each.reason) for each, outcome in others),
        day=_today(),
    )


def _today() -> str:
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def _leave(folder: Path | None, tests: OwnTests) -> None:
    if folder is not None:
        print(f"wrote {write_own_tests(folder, tests)}")


def _witness_of(version: str, source: Path | None) -> Witness:
    if source is not None:
        return run_tests(source, version)
    with source_of(version) as fetched:
        return run_tests(fetched, version)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the tests of the installed release; 0 if none failed, 1 if one did, 2 if they could not be run."""
    parser = argparse.ArgumentParser(prog="python -m suite.witness.vllm_tests", description=__doc__)
    parser.add_argument("--source", type=Path, metavar="FOLDER", help="an unpacked source distribution; none: fetch it")
    parser.add_argument("--output-json", type=Path, metavar="FILE", help="where the outcomes go as JSON")
    parser.add_argument("--report-dir", type=Path, metavar="FOLDER", help="where the next run of the laws looks for it")
    options = parser.parse_args(arguments)
    if options.report_dir is not None and options.report_dir.exists() and not options.report_dir.is_dir():
        parser.error(f"--report-dir {options.report_dir} is not a folder: give the one of the run of the laws")
    version = None
    try:
        version = installed().version
        witness = _witness_of(version, options.source)
    except AdapterBroken as error:
        print(f"vllm_tests: {error}", file=sys.stderr)
        if version is not None:
            _leave(
                options.report_dir,
                OwnTests(release=version, what=str(TESTS), day=_today(), reason=" ".join(str(error).split())),
            )
        return 2
    _leave(options.report_dir, record_of(witness))
    if options.output_json is not None:
        options.output_json.write_text(json.dumps(asdict(witness), indent=2) + "\n")
    print(text_of(witness))
    return int(bool(witness.counts["failed"]))


if __name__ == "__main__":
    sys.exit(main())
