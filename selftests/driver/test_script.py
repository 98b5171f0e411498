"""Scripts: they show what their ticket shows, by themselves, in few lines; what they cannot show is refused."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models.api import Grid
from models.families import family
from selftests.subjects.invented_runner import SoundRunner, SoundTiles
from selftests.subjects.invented_vllm import engine
from suite.contract.case import Case, ItemSpec, Setup
from suite.contract.shard_case import Plant, ShardCase
from suite.contract.startup_case import StartupCase
from suite.contract.verdict import Outcome
from suite.driver.catalogue import LAWS
from suite.driver.script import MOST_LINES, NoScript, script_of
from suite.driver.ticket import Ticket, column_of, replay
from suite.subjects.sglang.columns import SglangSubject
from suite.subjects.sglang.dialect import PATCHES, TILES, Dialect, RunnerFile
from suite.subjects.vllm.dialect import AXES
from suite.subjects.vllm.subject import VllmSubject

ROOT = Path(__file__).resolve().parents[2]
OWNERSHIP, VALUES = "ownership/results-outlive-later-batches", "values/replay-equals-eager"
SMALL, OTHER = ItemSpec(Grid(1, 2, 2)), ItemSpec(Grid(1, 2, 2), seed=10)
CASE = Case("toy", Setup(budgets=(2,)), ((SMALL,), (OTHER,)))
TICKET = Ticket(OWNERSHIP, "selftests.subjects.strange_adapters:Scripted", "", "emulator", CASE)
ABSENT = (
    "pytest",
    "hypothesis",
    "suite.properties",
    "suite.oracles",
    "suite.strategies",
    "suite.driver",
    "suite.session",
)
ALONE = f"""
import sys
from importlib.machinery import PathFinder
class Hiding(PathFinder):
    @classmethod
    def find_spec(cls, name, *where):
        return None if name in {ABSENT} else super().find_spec(name, *where)
sys.meta_path[:] = [Hiding if each is PathFinder else each for each in sys.meta_path]
exec(compile(sys.stdin.read(), "script", "exec"), {{"__name__": "__main__"}})
"""


def _text(ticket: Ticket) -> str:
    return script_of(ticket, column_of(ticket).subject)


def run_script(text: str, *folders: Path) -> subprocess.CompletedProcess[str]:
    """Runs a script in a process in which there is neither pytest nor any law."""
    path = os.pathsep.join(map(str, (*folders, ROOT)))
    command = [sys.executable, "-c", ALONE]
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(command, input=text, env=environment, capture_output=True, text=True, timeout=50)


def test_a_script_shows_what_its_ticket_shows() -> None:
    """Expected and actual values, and exit status 1; its head says what it is and what it needs."""
    text = _text(TICKET)
    done = run_script(text)
    assert replay(TICKET)[1].outcome is Outcome.VIOLATED
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("batch 0, item 0: expected tensor([[")
    assert "to stay, actual tensor([[" in done.stdout
    assert len(text.splitlines()) <= MOST_LINES
    assert text.startswith(f"# honest 1.2.3: {OWNERSHIP}, case {TICKET.id}. A result stays bit for bit what it was,\n")
    assert "of which\n# it uses models.\n" in text


def test_a_script_says_that_all_is_well() -> None:
    """The same answers are right when they come, which is all that another law's script looks at."""
    done = run_script(_text(replace(TICKET, law=VALUES)))
    assert (done.returncode, done.stdout) == (0, "Every answer is as expected.\n")


def test_items_are_those_of_the_case() -> None:
    """Seeds, modality and constant pixels: each item of the script is the one that the laws draw."""
    clip = ItemSpec(Grid(2, 2, 2), seed=3, modality="video")
    constant = ItemSpec(Grid(1, 2, 2), fill=0.5)
    text = _text(replace(TICKET, law=VALUES, case=replace(CASE, history=((SMALL,), (clip, OTHER), (constant,)))))
    batches = "[[(1, 2, 2)], [(2, 2, 2, 3, 'video'), (1, 2, 2, 10)], [(1, 2, 2, 0, 'image', '0.5')]]"
    assert f"BATCHES = {batches}\n" in text
    check = (
        "from suite.contract.case import ItemSpec, draw_pixels\n"
        "for each in [each for batch in BATCHES for each in batch]:\n"
        "    spec = dict(zip(('seed', 'modality', 'fill'), each[3:]))\n"
        "    fill = float(spec['fill']) if 'fill' in spec else None\n"
        "    drawn = draw_pixels(ItemSpec(api.Grid(*each[:3]), **{**spec, 'fill': fill}), FAMILY)\n"
        "    mine = item(*each)\n"
        "    assert torch.equal(mine.pixels, drawn.pixels) and mine.modality == drawn.modality\n"
        "print('equal')\n"
    )
    done = run_script(text.partition("encode = ")[0] + check)
    assert (done.stdout, done.stderr) == ("equal\n", "")


@pytest.mark.parametrize(
    ("law", "history"),
    [
        ("staleness/repeat-agrees", "[[(1, 2, 2)], [(1, 2, 2, 10)], [(1, 2, 2)], [(1, 2, 2, 10)]]"),
        ("isolation/order-does-not-matter", "[[(1, 2, 2), (1, 2, 2, 10)], [(1, 2, 2, 10), (1, 2, 2)]]"),
        ("isolation/batch-mates-do-not-matter", "[[(1, 2, 2), (1, 2, 2, 10)], [(1, 2, 2), (1, 2, 2, 1010)]]"),
    ],
    ids=["twice", "backwards", "other mates"],
)
def test_a_law_that_encodes_more_is_followed(law: str, history: str) -> None:
    """What it encodes beside the history of its case is in the script too."""
    mixed = replace(CASE, history=((SMALL, OTHER),)) if law.startswith("isolation") else CASE
    assert f"BATCHES = {history}\n" in _text(replace(TICKET, law=law, case=mixed))


def test_a_long_history_goes_over_several_lines() -> None:
    """As many as it needs, each within the width of the house, and Python reads them."""
    long = replace(TICKET, law=VALUES, case=replace(CASE, history=((SMALL,), (OTHER,)) * 20))
    lines = _text(long).splitlines()
    first, last = (next(i for i, line in enumerate(lines) if line.startswith(at)) for at in ("BATCHES", "def item"))
    assert last - first > 1
    assert max(map(len, lines)) <= 120
    read = ast.literal_eval(" ".join(lines[first:last]).removeprefix("BATCHES = "))
    assert read == [[(1, 2, 2)], [(1, 2, 2, 10)]] * 20


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another kind": (
        {"law": next(law.id for law in LAWS.values() if law.kind is StartupCase), "case": StartupCase("toy")},
        "a script shows a history of batches, and this case is a StartupCase: replay it",
    ),
    "no item": ({"case": replace(CASE, history=())}, "a script shows answers, and this case of ownership/results-outl"),
    "photographs": (
        {"case": replace(CASE, history=((replace(SMALL, photograph=0),),))},
        "a script draws its items from seeds, and this case has photographs: replay it",
    ),
    "a GPU": ({"device": "cuda"}, "a script runs on the emulator, and this case is of device 'cuda'"),
    "no hook": ({"subject": "reference"}, "subject 'reference' writes no scripts: give its adapter a method `script`"),
    "many lines": (
        {"case": replace(CASE, history=((OTHER,),) * 200)},
        "a script of this case, of 200 batches, has ",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_script_cannot_show_is_refused(name: str) -> None:
    """In one sentence with the remedy."""
    changes, sentence = REFUSED[name]
    with pytest.raises(NoScript) as refusal:
        _text(replace(TICKET, **changes))
    assert str(refusal.value).startswith(sentence)


# -- the adapters' parts, before engines of our own under their names

PATCHES_FILE = "from selftests.subjects.invented_runner import {runner} as ViTCudaGraphRunner\n"
MANAGER = """
import sys
from selftests.subjects.invented_vllm import AXES, Manager, no_stream as current_stream

class EncoderCudaGraphManager(Manager):
    dialect = AXES
    module = sys.modules[__name__]
    hand_out = staticmethod({hand_out})
"""
GROUP = """
import sys
from selftests.subjects.invented_vllm import of_a_group

of_a_group(sys.modules[__name__])
"""
SHAPES = """
from selftests.subjects.invented_vllm import AXES, shapes_of

globals().update((name, value) for name, value in vars(shapes_of(AXES)).items() if not name.startswith("_"))
"""


def _package(root: Path, name: str, files: dict[str, str]) -> None:
    """A package of that name, with the folders of its files."""
    for place, text in {"__init__.py": "__version__ = '9.9'\n", **files}.items():
        path = root / name / place
        path.parent.mkdir(parents=True, exist_ok=True)
        for folder in path.relative_to(root).parents[:-1]:
            (root / folder / "__init__.py").touch()
        path.write_text(text)


@pytest.mark.parametrize(("runner", "status"), [("GivesItsOutput", 1), ("SoundRunner", 0)], ids=["broken", "sound"])
def test_a_script_of_sglangs_runner(tmp_path: Path, runner: str, status: int) -> None:
    """It loads the runner's file as it is installed, and tells a broken one from a sound one."""
    _package(tmp_path, "sglang", {PATCHES.path: PATCHES_FILE.format(runner=runner)})
    dialects: dict[RunnerFile, Dialect] = {PATCHES: Dialect(SoundRunner), TILES: Dialect(SoundTiles)}
    ticket = replace(TICKET, subject="sglang", case=replace(CASE, family="qwen3_vl"))
    text = script_of(ticket, SglangSubject(dialects, version="9.9"))
    done = run_script(text, tmp_path)
    assert (done.returncode, done.stderr) == (status, ""), done.stdout
    assert ("to stay, actual" in done.stdout) is bool(status)
    assert "of which it uses models, suite.emulator, suite.subjects.sglang.\n" in text.replace("\n# ", " ")


def write_vllm(root: Path, hand_out: str) -> None:
    """An engine of ours under vLLM's name."""
    files = {
        "v1/worker/encoder_cudagraph.py": MANAGER.format(hand_out=hand_out) + GROUP,
        "v1/worker/encoder_cudagraph_defs.py": SHAPES,
        "model_executor/models/interfaces.py": "from selftests.subjects.invented_vllm import Protocol\n"
        "SupportsEncoderCudaGraph = Protocol\n",
        "model_executor/models/vision.py": GROUP,
        "config.py": "from selftests.subjects.invented_vllm import wishes as CompilationConfig\n",
    }
    _package(root, "vllm", files)


@pytest.mark.parametrize(
    ("law", "case", "status", "said"),
    [
        (
            "sharding/failure-is-told-on-every-rank",
            ShardCase("toy", 2, Setup(budgets=(2,)), ((SMALL, OTHER),), Plant(0)),
            1,
            "batch 0, rank 1: expected the failure or one that names rank 0, and the collectives of rank 0, actual ",
        ),
        ("configuration/ladder-is-sound", Case("toy", Setup(budgets=(2, 2)), ()), 0, "actual ((2,), 1, 8)"),
        ("configuration/bad-values-are-refused", Case("toy", Setup(budgets=(-1,)), ()), 0, "refused with: token bud"),
        ("configuration/bad-values-are-refused", Case("toy", Setup(max_items=True), ()), 1, "actual: accepted"),
        ("capture/memory-is-bounded", CASE, 0, "actual: (graphs, bytes) after each pass: [(1, "),
    ],
    ids=["ranks", "ladder", "refused", "taken", "memory"],
)
def test_scripts_of_vllm_beyond_answers(
    tmp_path: Path, law: str, case: Case | ShardCase, status: int, said: str
) -> None:
    """Its part tells what it was started with and what its graphs hold, and starts ranks."""
    write_vllm(tmp_path, "lambda rows: rows.clone()")
    text = script_of(Ticket(law, "vllm", "", "emulator", case), VllmSubject(engine(AXES)))
    done = run_script(text, tmp_path)
    assert (done.returncode, done.stderr) == (status, ""), done.stdout
    assert said in done.stdout
    assert len(text.splitlines()) <= MOST_LINES


@pytest.mark.parametrize(
    ("hand_out", "status"), [("lambda rows: rows", 1), ("lambda rows: rows.clone()", 0)], ids=["broken", "sound"]
)
def test_a_script_of_vllms_manager(tmp_path: Path, hand_out: str, status: int) -> None:
    """It makes the installed manager in the setup of the case, and tells a broken one from a sound one."""
    write_vllm(tmp_path, hand_out)
    text = script_of(replace(TICKET, subject="vllm"), VllmSubject(engine(AXES)))
    done = run_script(text, tmp_path)
    assert (done.returncode, done.stderr) == (status, ""), done.stdout
    assert ("to stay, actual" in done.stdout) is bool(status)
    assert "Setup(budgets=(2,), max_items=0" in text
    assert len(text.splitlines()) <= MOST_LINES


def test_a_model_of_ones_own_is_not_written() -> None:
    """It is an object in this process, and no name that a script could import."""
    subject = VllmSubject(engine(AXES), maker=lambda encoder: encoder)
    with pytest.raises(ValueError, match="no script puts a model of yours before vLLM"):
        subject.script(family("toy"), Setup())
    with pytest.raises(ValueError, match="no script puts a model of yours before vLLM"):
        subject.script_over_ranks(family("toy"), Setup(), 2)


@pytest.mark.parametrize(
    ("law", "said"), [("capture/warmed-up-first", "0 had not"), ("capture/memory-is-bounded", "[(")]
)
def test_scripts_of_sglang_beyond_answers(tmp_path: Path, law: str, said: str) -> None:
    """Its part tells what was captured cold, and what the graphs hold."""
    _package(tmp_path, "sglang", {PATCHES.path: PATCHES_FILE.format(runner="SoundRunner")})
    subject = SglangSubject({PATCHES: Dialect(SoundRunner)}, version="9.9")
    done = run_script(
        script_of(replace(TICKET, law=law, subject="sglang", case=replace(CASE, family="qwen3_vl")), subject), tmp_path
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert said in done.stdout


def test_tiles_are_written_too() -> None:
    """InternVL's runner has another file and another room of the adapter."""
    subject = SglangSubject({TILES: Dialect(SoundTiles)}, version="9.9")
    assert "graphed = tiles.GraphedTiles(" in "\n".join(subject.script(family("internvl"), Setup()).lines)
