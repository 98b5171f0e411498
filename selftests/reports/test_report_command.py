"""The command line in a process of its own: exit statuses, one sentence for each refusal, no torch needed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from selftests.reports import sample

ROOT = Path(__file__).parents[2]
# As on a machine that has neither torch nor the suite.
BARE = """
import runpy, sys
for name in ("torch", "transformers", "suite", "models", "reference", "hypothesis", "pytest"):
    sys.modules[name] = None
sys.argv[0] = "reports"
runpy.run_module("reports", run_name="__main__")
"""


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """`python -m reports` with these arguments, where only the standard library and jinja2 can be imported."""
    command = [sys.executable, "-W", "error", "-c", BARE, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's records."""
    return sample.write(tmp_path_factory.mktemp("command") / "r.jsonl")


def test_summary_as_json(records: Path) -> None:
    """One JSON object, exit status 0 although laws are violated."""
    done = run("summary", records, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["laws"]["violated"] == 3


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        (("summary",), "lockstep 0.1.0: reference on emulator"),
        (("summary", "--markdown"), "### "),
        (("annotations",), "::error title="),
    ],
)
def test_other_forms(records: Path, arguments: tuple[str, ...], start: str) -> None:
    """Text, Markdown and annotations go to standard output."""
    done = run(arguments[0], records, *arguments[1:])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(start)


def test_build_writes_one_file(records: Path, tmp_path: Path) -> None:
    """The page is written whole, into a folder that did not exist, and nothing is left beside it."""
    done = run("build", records, "-o", tmp_path / "out" / "index.html")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["index.html"]
    assert (tmp_path / "out" / "index.html").read_text().rstrip().endswith("</html>")


def test_merge_writes_records(records: Path, tmp_path: Path) -> None:
    """A merge of one shard is a records file again."""
    done = run("merge", records, "-o", tmp_path / "whole.jsonl")
    assert done.returncode == 0, done.stderr
    assert run("summary", tmp_path / "whole.jsonl").stdout == run("summary", records).stdout


def test_incomplete_file_is_read(records: Path, tmp_path: Path) -> None:
    """Half a file is read with exit status 0 and called incomplete."""
    (tmp_path / "half.jsonl").write_bytes(records.read_bytes()[:-400])
    done = run("summary", tmp_path / "half.jsonl", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["complete"] is False


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("summary", "missing.jsonl"), "missing.jsonl: No such file or directory"),
        (("summary", "folder"), "folder: Is a directory"),
        (("summary", "text.txt"), "text.txt does not begin with a line of JSON: the first line of a records file"),
        (("summary", "later.jsonl"), "has schema 99, this reader knows 1 to 1"),
        (("build", "good.jsonl", "-o", "folder"), "folder: Is a directory"),
        (("build", "good.jsonl", "-o", "text.txt/index.html"), "text.txt: "),
        (("merge", "good.jsonl", "good.jsonl", "-o", "x"), "good.jsonl is named twice"),
        (("merge", "good.jsonl", "other.jsonl", "-o", "x"), "not shards of one run: device is"),
        (("build", "good.jsonl", "-o", "./good.jsonl"), "./good.jsonl is a records file of this command"),
        (("merge", "good.jsonl", "-o", "good.jsonl"), "good.jsonl is a records file of this command"),
        (("build", "good.jsonl"), "the following arguments are required: -o/--output"),
        (("sumary", "good.jsonl"), "invalid choice: 'sumary'"),
        ((), "the following arguments are required: COMMAND"),
    ],
)
def test_bad_requests(
    records: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], reason: str
) -> None:
    """Every bad request ends with status 2 and one sentence, never with a traceback, and writes nothing."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.txt").write_text("hello")
    (tmp_path / "later.jsonl").write_text('{"kind":"header","schema":99}\n')
    (tmp_path / "good.jsonl").write_bytes(records.read_bytes())
    sample.write(tmp_path / "other.jsonl", changes={"device": "cuda:0"})
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    command = [sys.executable, "-m", "reports", *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2, done.stdout
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(tmp_path.rglob("*")) == before
