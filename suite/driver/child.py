"""A check in a process of its own, with limits on time and output: for subjects that may hang or die.

The child writes each case down before it tries it, so that a death can be told with the case that caused it.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path

from suite.contract.case import AnyCase
from suite.contract.kinds import read_case
from suite.contract.verdict import Outcome, Verdict, Violation
from suite.driver.catalogue import Cell, law_named
from suite.driver.checking import Checked, check, checked_of, unchecked
from suite.driver.greeting import trouble
from suite.driver.profiles import Profile
from suite.driver.recording import Place
from suite.driver.search import Found
from suite.driver.ticket import Ticket, columns_of, guarded, is_ours, ticket_from_data

ROOT = Path(__file__).resolve().parents[2]
OUTPUT_BYTES = 16 << 20
"""A child that writes more than this is flooding."""


@dataclass(frozen=True)
class Errand:
    """What a child is sent for."""

    law: str
    family: str
    column: str
    profile: Profile
    seed: int
    examples: int | None
    place: Place
    witnesses: tuple[str, ...] = ()
    """The cases of deviations, as JSON, to be tried before all others."""

    @property
    def cell(self) -> Cell:
        """The cell to check."""
        return Cell(law_named(self.law), self.family, self.column)


def check_in_child(errand: Errand, *, seconds: float) -> Checked:
    """Checks the cell in a new process; one that dies, hangs or floods has violated the law."""
    with tempfile.TemporaryDirectory(prefix="lockstep-") as name:
        folder = Path(name)
        (folder / "errand").write_text(json.dumps(asdict(errand)))
        end = _run(folder, seconds)
        with contextlib.suppress(OSError, ValueError, KeyError):
            answer = json.loads((folder / "answer").read_text())
            outcomes = tuple(map(Outcome, answer["witnesses"]))
            return Checked(**{**answer, "outcome": Outcome(answer["outcome"]), "witnesses": outcomes})
        with contextlib.suppress(OSError):
            return _trouble(errand, (folder / "trouble").read_text())
        return _death(errand, folder, end)


def _run(folder: Path, seconds: float) -> str:
    """How the child ended, in words."""
    with (folder / "output").open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "suite.driver.child", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=ROOT,
            # The subject may come from a folder that only this process was told of.
            env={**os.environ, "PYTHONPATH": os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path)},
            start_new_session=True,
        )
        try:
            status = child.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            return f"did not come back within {seconds:g} s"
        except BaseException:
            os.killpg(child.pid, signal.SIGKILL)
            raise
    return f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with exit status {status}"


def _trouble(errand: Errand, text: str) -> Checked:
    """An exception of the check itself: what the subject raises never comes so far."""
    return unchecked(errand.cell, f"the check itself failed: {text}", errand.place)


def _death(errand: Errand, folder: Path, end: str) -> Checked:
    """The violation of a subject that took its process with it."""
    cell, ticket, cases = errand.cell, None, 0
    with contextlib.suppress(OSError):
        lines = (folder / "cases").read_text().splitlines()
        cases = len(lines)
        ticket = ticket_from_data(json.loads(lines[-1])) if lines else None
    said = (folder / "output").read_bytes()[-400:].decode(errors="replace").strip()
    violation = Violation(
        expected=cell.law.statement,
        actual=f"the process of the subject {end}" + (f"; its last words: {said}" if said else ""),
        because="the subject hangs, or ends the interpreter that runs it",
    )
    if ticket is None and not is_ours(errand.place.subject):
        return unchecked(cell, f"adapter broken: the smallest session did not end: {violation.actual}", errand.place)
    case = ticket.case if ticket is not None else cell.law.kind(cell.family)
    found = Found(
        law=cell.law,
        verdict=Verdict(Outcome.VIOLATED, violation),
        case=case,
        cases=cases,
        seconds=0.0,
        labels={},
        noise=None,
        margin=None,
        witnesses=_of_witnesses(errand, cases),
        known=errand.witnesses != () and cases == 1,
    )
    return checked_of(cell, found, errand.place)


def _of_witnesses(errand: Errand, cases: int) -> tuple[Outcome, ...]:
    """What a death in the last of so many cases says of the cases of deviations: what was found before is lost."""
    return tuple(
        Outcome.VIOLATED if number == cases else Outcome.UNKNOWN for number, _ in enumerate(errand.witnesses, start=1)
    )


def _errand(text: str) -> Errand:
    data = json.loads(text)
    return Errand(**{**data, "place": Place(**data["place"]), "profile": Profile(**data["profile"])})


def _die_with(parent: int) -> None:
    """Ends this process when the one that sent it is gone: it leads a session of its own and would live on."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


def _found(errand: Errand, folder: Path) -> Checked:
    """The check itself, behind the smallest session; each case is written down before it is tried."""
    place, cell = errand.place, errand.cell
    column = next(each for each in columns_of(place.subject, device=place.device) if each.name == cell.column)
    broken = None if is_ours(place.subject) else trouble(column.subject)
    if broken is not None:
        return unchecked(cell, broken, place)
    with (folder / "cases").open("w") as cases:

        def note(case: AnyCase) -> None:
            ticket = Ticket(cell.law.id, place.subject, cell.column, place.device, case)
            print(json.dumps(ticket.as_data()), file=cases, flush=True)

        return check(
            cell,
            guarded(column.subject),
            place,
            profile=errand.profile,
            seed=errand.seed,
            examples=errand.examples,
            on_case=note,
            witnesses=[read_case(json.loads(each)) for each in errand.witnesses],
        )


def _serve(folder: Path) -> None:
    """The child's side."""
    threading.Thread(target=_die_with, args=(os.getppid(),), daemon=True).start()
    resource.setrlimit(resource.RLIMIT_FSIZE, (OUTPUT_BYTES, OUTPUT_BYTES))
    found = _found(_errand((folder / "errand").read_text()), folder)
    answer = {
        "outcome": found.outcome.value,
        "cases": found.cases,
        "line": found.line,
        "text": found.text,
        "witnesses": [each.value for each in found.witnesses],
        "known": found.known,
    }
    (folder / "answer").write_text(json.dumps(answer))


def _main(folder: Path) -> None:
    try:
        _serve(folder)
    except Exception:
        (folder / "trouble").write_text(traceback.format_exc())
        raise


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
