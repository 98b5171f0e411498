"""Documents cannot rot: their code runs, their links lead somewhere, their options and commands exist."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from reports.results import as_table, read_results, with_table
from selftests.documents.tox_file import environments
from suite.driver.profiles import PROFILES
from suite.faults.catalogue import FAULTS
from suite.subjects.registry import DEVICES, SUBJECTS
from suite.subjects.strangers import STRANGERS

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(path for path in ROOT.glob("*.md") if path.name != "CHANGELOG.md")
GUIDES = [*DOCUMENTS, *sorted(ROOT.glob("*/README.md")), *sorted(ROOT.glob("suite/*/README.md"))]
TOX = environments((ROOT / "tox.ini").read_text(encoding="utf-8"))
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _output(*command: str) -> str:
    """What `python -m ...` prints."""
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def _id(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", GUIDES, ids=_id)
def test_links_lead_to_files(path: Path) -> None:
    """Every relative link of a document names a file of the repository."""
    links = re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


# The README's block holds every law that smoke holds, in one process.
@pytest.mark.timeout(300)
@pytest.mark.parametrize("path", GUIDES, ids=_id)
def test_python_blocks_run(path: Path) -> None:
    """Every block of Python in a document runs to its end."""
    for block in re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), flags=re.DOTALL):
        done = subprocess.run([sys.executable, "-c", block], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]


def test_options_of_the_readme_exist() -> None:
    """The README's table of options is the table of options in `pytest --help`."""
    table = set(re.findall(r"^\| `(--[\w-]+)`", README, flags=re.MULTILINE))
    shown = _output("pytest", "--help").partition("Lockstep:")[2].partition("\n\n")[0]
    assert table == set(re.findall(r"^  (--[\w-]+)", shown, flags=re.MULTILINE))


def test_values_of_options_are_the_real_ones() -> None:
    """Profiles, devices and subjects stand in the README as they are in the code."""
    for name in (*PROFILES, *DEVICES, *SUBJECTS, *STRANGERS):
        assert f"`{name}`" in README, name


def test_fault_of_the_readme_exists() -> None:
    """The fault that the README plants is in the catalogue."""
    for name in re.findall(r"fault:([\w/-]+)", README):
        assert name in FAULTS


@pytest.mark.parametrize("module", ["suite", "reports", "benchmarks"])
def test_commands_of_the_readme_exist(module: str) -> None:
    """Each `python -m` command of the README is known to its program's help."""
    text = _output(module, "--help")
    for command in re.findall(rf"`python -m {module} (\w+)", README):
        assert command in text, command


def test_the_table_of_results_is_in_step() -> None:
    """The README's table is the one that the files of results make, and each of these is valid."""
    assert with_table(README, as_table(read_results())) == README, "run `python -m reports table README.md`"


def test_tox_environments_of_the_documents_exist() -> None:
    """Each `tox run -e NAME` in a document or guide is an environment of tox.ini."""
    for path in GUIDES:
        for name in re.findall(r"tox run -e (\w[\w.-]*\w)", path.read_text(encoding="utf-8")):
            assert name in TOX, f"{path.name}: {name}"


def test_tox_has_an_environment_for_each_release_of_an_engine() -> None:
    """Label `strangers` runs what `strangers.py` names as the remedy for a missing engine, and nothing else."""
    labelled = [name for name, labels in TOX.items() if "strangers" in labels]
    assert sorted(labelled) == sorted(name for each in STRANGERS.values() for name in each.environments)


def test_a_name_with_choices_is_several_environments() -> None:
    """As tox has it; an environment without labels has none."""
    text = "[testenv]\n[testenv:a-{1,2.0}]\nlabels = x, y\ncommands = run {posargs} 100%\n[testenv:b]\n"
    assert environments(text) == {"a-1": ("x", "y"), "a-2.0": ("x", "y"), "b": ()}


def test_requirements_and_project_agree() -> None:
    """requirements.txt, pyproject.toml and the constraints name the same packages."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert sorted(project) == sorted(line for line in lines if line and not line.startswith("#"))
    pinned = {line.split("==")[0] for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line}
    names = {re.split(r"[>=<]", name)[0] for name in project}
    assert names <= pinned


def test_ci_calls_the_readmes_second_command() -> None:
    """`.ci/run` and the README run the same tox environment."""
    run = (ROOT / ".ci" / "run").read_text()
    assert "tox run -e tests" in run
    assert "tox run -e tests" in README
