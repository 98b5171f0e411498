"""The benchmark's command: what it checks, which caches it uses, and what is left after a failure (SPEC T8)."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from reference.startup_benchmark.command import main
from reference.startup_benchmark.facts import Facts, Wish
from reference.startup_benchmark.fresh import CACHES, FreshProcess, StartTrouble
from reference.startup_benchmark.options import parse_options
from reference.startup_benchmark.progress import ProgressBar
from selftests.house.sources import ROOT
from selftests.reference.engine_workers import FACTORY, wait_until, wait_until_gone


@dataclass
class Starts:
    """Scripted starts: the first one with a cache compiles, later ones load."""

    failing: int = 0
    """The number of the start that fails, from 1."""
    error: BaseException = field(default_factory=lambda: StartTrouble("ended with exit status 1", "last words"))
    seen: list[tuple[str, bool]] = field(default_factory=list)
    """Name of the cache and whether it was filled, by start."""

    def start(self, wish: Wish, cache: Path) -> Facts:
        """Looks into the cache, and fills it."""
        is_filled = any(cache.iterdir())
        self.seen.append((cache.name, is_filled))
        if len(self.seen) == self.failing:
            raise self.error
        (cache / "program").touch()
        return Facts(2.0, 1.0, 0.0 if is_filled else 0.5, 0.0 if is_filled else 0.25, int(not is_filled), 0)


def run(tmp_path: Path, starts: Starts, *more: str) -> tuple[int, dict[str, object]]:
    """Exit status and JSON of two cold and two warm starts."""
    path = tmp_path / "startup.json"
    arguments = ["--model", "toy", "--num-iters-cold", "2", "--num-iters-warm", "2", "--output-json", str(path)]
    status = main([*arguments, *more], starts=starts)
    return status, json.loads(path.read_text())


def test_cold_caches_are_empty_and_warm_ones_filled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each cold start has a cache of its own; the start that fills the warm ones' is not measured."""
    starts = Starts()
    status, data = run(tmp_path, starts)
    assert starts.seen == [
        ("cold-1", False),
        ("cold-2", False),
        ("fill", False),
        ("fill", True),
        ("fill", True),
    ]
    assert (status, data["complete"]) == (0, True)
    assert (data["cold_compilation_times"], data["warm_compilation_times"]) == ([0.5, 0.5], [0.0, 0.0])
    assert data["cold_encoder_compilation_times"] == [0.25, 0.25]
    shown = capsys.readouterr()
    assert "warm starts: 0 compiled and 0 loaded, 0 compiled and 0 loaded" in shown.out
    assert shown.err == ""


@pytest.mark.parametrize(
    ("failing", "phase", "cold", "warm"), [(2, "cold", 1, 0), (3, "fill", 2, 0), (5, "warm", 2, 1)]
)
def test_a_failing_start_keeps_what_was_measured(
    failing: int, phase: str, cold: int, warm: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is told with its output, and the file is valid."""
    status, data = run(tmp_path, Starts(failing=failing))
    assert (status, data["complete"]) == (1, False)
    assert [each["phase"] for each in data["failures"]] == [phase]  # type: ignore[attr-defined]  # it is a list
    assert {name: len(each) for name, each in data["starts"].items()} == {"cold": cold, "warm": warm}  # type: ignore[attr-defined]  # it is a mapping
    assert "The end of its output:\n    last words" in capsys.readouterr().out


def test_an_interrupt_keeps_what_was_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the exit status of an interrupted program."""
    status, data = run(tmp_path, Starts(failing=2, error=KeyboardInterrupt()))
    assert (status, data["complete"], data["cold_startup_times"]) == (130, False, [2.0])
    assert "Interrupted" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--num-iters-cold", "0"], "argument --num-iters-cold: '0' is no number of times: give a whole number from 1"),
        (["--num-iters-warm", "-1"], "argument --num-iters-warm: '-1' is no number of times"),
        (["--num-iters-warm", "2.5"], "argument --num-iters-warm: '2.5' is no number of times"),
        (["--model", "gpt"], "argument --model: 'gpt' is not known: choose one of toy, qwen2_vl,"),
        (["--backend", "xla"], "argument --backend: 'xla' is not known: choose one of inductor, eager, aot_eager."),
        (["--timeout", "nan"], "argument --timeout: 'nan' is no time to wait: give seconds above 0."),
        (["--output-json", "/no/such/folder/f.json"], "cannot be written (No such file or directory): give a path"),
        (["--output-json", "/"], "argument --output-json: '/' is no file"),
        (["--num-iters"], "unrecognized arguments: --num-iters"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_runs(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 2, and one sentence with the value, the choices and the remedy."""
    starts = Starts()
    with pytest.raises(SystemExit) as ended:
        main(arguments, starts=starts)
    shown = capsys.readouterr().err
    assert (ended.value.code, starts.seen) == (2, [])
    assert said in shown
    assert len(shown.splitlines()) == 1


def test_the_defaults_are_three_and_three() -> None:
    """Of the documented command."""
    options = parse_options([])
    assert (options.cold, options.warm, options.wish.arguments["model"]) == (3, 3, "qwen3_vl")
    assert Wish.from_json(options.wish.as_json()) == options.wish


class _Terminal(io.StringIO):
    """A screen."""

    def isatty(self) -> bool:
        return True


def test_the_bar_is_for_terminals() -> None:
    """It draws over itself and leaves an empty line; into a file it writes nothing."""
    screen, file = _Terminal(), io.StringIO()
    for stream in (screen, file):
        bar = ProgressBar(stream, total=4)
        bar.show(1, "cold 2")
        bar.show(4, "done")
        bar.clear()
    first, second, *_, last = screen.getvalue().split("\r")[1:]
    assert first == "[#####...............] 1/4 cold 2"
    assert second.rstrip() == "[####################] 4/4 done"
    assert last == ""
    assert file.getvalue() == ""


def fresh(cache: Path, *, seconds: float = 30.0, world_size: int = 1, **arguments: object) -> Facts:
    """One real start of scripted workers in a fresh process."""
    cache.mkdir(exist_ok=True)
    wish = Wish(FACTORY, arguments, world_size=world_size, seconds=seconds)
    return FreshProcess(grace=2.0).start(wish, cache)


def test_a_real_start_is_cold_once(tmp_path: Path) -> None:
    """Two ranks, two processes after each other, one cache: the second finds it filled."""
    cold, warm = (fresh(tmp_path / "cache", world_size=2, cold=0.5) for _ in range(2))
    assert (cold.encoder_compilation, warm.encoder_compilation) == (0.5, 0.0)
    assert 0 < cold.init_seconds < cold.seconds
    assert (cold.compiles, warm.compiles) == (2, 0)
    assert cold.lines[0].endswith("(compilation: 0.50 s — language_model: 0.00 s, encoder: 0.50 s)")


@pytest.mark.parametrize(
    ("trick", "reason", "output"),
    [("raise", "ended with exit status 1", "ValueError: planted"), ("die", "was ended by SIGKILL", "")],
)
def test_a_real_start_that_fails_is_told(trick: str, reason: str, output: str, tmp_path: Path) -> None:
    """With the end of what it wrote."""
    with pytest.raises(StartTrouble, match=reason) as trouble:
        fresh(tmp_path / "cache", tricks={"compile-0": trick})
    assert output in trouble.value.output


def test_a_real_start_that_hangs_is_ended(tmp_path: Path) -> None:
    """With the workers that it started, and within its limit."""
    with pytest.raises(StartTrouble, match=r"did not come back within 1 s|ended with exit status 1") as trouble:
        fresh(tmp_path / "cache", world_size=2, seconds=1.0, tricks={"compile-1": "hang"})
    assert "rank 1 did not come back within 1 s in stage 'compile'" in trouble.value.output


CALLER = """
import sys
from pathlib import Path
from selftests.reference.test_startup_benchmark import fresh
fresh(Path(sys.argv[1]), world_size=2, tricks={"compile-1": "tell-and-hang"})
"""


def test_a_start_ends_with_its_caller(tmp_path: Path) -> None:
    """Killed without a chance to tidy up: neither the start nor its workers stay."""
    cache = tmp_path / "cache"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", CALLER, str(cache)], env=environment) as caller:
        told = cache / "told"
        assert wait_until(told.exists)
        caller.kill()
    pids = [int(each) for each in told.read_text().split()]
    assert len(pids) == 2
    assert all(map(wait_until_gone, pids))


def test_torchs_own_caches_are_inside_the_iterations(tmp_path: Path) -> None:
    """What torch keeps for all programs of a user would make a cold start warm."""
    environment = FreshProcess().environment(tmp_path)
    assert {environment[name] for name in CACHES} == {str(tmp_path / inner) for inner in CACHES.values()}
