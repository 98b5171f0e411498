"""The guide's adapter in a module of its own, broken forms of it, and the runs that judge them."""

from __future__ import annotations

import json
import re
from pathlib import Path

from selftests.house.sources import ROOT
from selftests.session.runs import Ran, run_all
from suite.driver.deviations import entry_of
from suite.driver.ticket import ticket_from_data

GUIDE = ROOT / "suite" / "subjects" / "README.md"
SUBJECT = "padded_engine:Padded"
LAWS = ("suite/tests/test_values.py", "-k", "(replay-equals or strides-do-not) and toy", "--profile", "seeds")
ONE_LAW = ("suite/tests/test_values.py", "-k", "replay-equals and toy", "--profile", "seeds")
BROKEN_FORMS = '''

class Broken(Padded):
    """Does not get as far as its engine."""

    def start(self, family, setup):
        raise OSError("no engine")


class Dying(Padded):
    """Takes its process with it, and says that it may."""

    capabilities = Capabilities(isolated=True)

    def start(self, family, setup):
        os._exit(3)


class Isolated(Padded):
    """Judged in child processes, which must find it too."""

    capabilities = Capabilities(isolated=True)
'''


def blocks(language: str) -> list[str]:
    """The blocks of the guide in that language."""
    return re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL)


def write_engine(folder: Path) -> None:
    """The module with the guide's adapter and its broken forms."""
    head = "import os\nfrom suite.contract.public import Capabilities\n"
    (folder / "padded_engine.py").write_text(head + blocks("python")[0] + BROKEN_FORMS, encoding="utf-8")


def write_deviations(
    path: Path, found: Ran, *, law: str = "", subject: str = SUBJECT, expires: str | None = None
) -> None:
    """A file that accepts every violation of a run; with a law, each case as a witness of that law."""
    tickets = [ticket_from_data(each.violation.case) for each in found.records.laws if each.violation is not None]
    why = "padding is not masked"
    entries = [entry_of(ticket, kind="bug", link="unreported", reason=why, expires=expires) for ticket in tickets]
    if law:
        entries = [{**entries[0], "law": law}]
    path.write_text(json.dumps({"subject": subject, "releases": ">=1,<2", "deviations": entries}), encoding="utf-8")


def judged(folder: Path) -> dict[str, Ran]:
    """Runs by name: the guide's adapter plain, with its failures accepted, with a stale entry, and its broken forms."""
    write_engine(folder)
    plain = run_all(folder, {"plain": [*LAWS, "--subject", SUBJECT]}, modules=folder)
    known, stale, isolated, old = (folder / f"{name}.json" for name in ("known", "stale", "isolated", "old"))
    write_deviations(known, plain["plain"])
    write_deviations(stale, plain["plain"], law="isolation/order-does-not-matter")
    write_deviations(isolated, plain["plain"], subject="padded_engine:Isolated")
    write_deviations(old, plain["plain"], expires="2020-02-29")
    order = ("suite/tests/test_isolation.py", "-k", "order-does-not and toy", "--profile", "seeds")
    wanted = {
        "known": [*LAWS, "--subject", SUBJECT, "--deviations", str(known), "-n", "1"],
    }
    others = {
        "stale": [*order, "--subject", SUBJECT, "--deviations", str(stale)],
        "isolated": [*ONE_LAW, "--subject", "padded_engine:Isolated", "--deviations", str(isolated)],
        "expired": [*LAWS, "--subject", SUBJECT, "--deviations", str(old)],
        "broken": [*LAWS, "--subject", "padded_engine:Broken"],
        "dying": [*ONE_LAW, "--subject", "padded_engine:Dying"],
    }
    return {**plain, **run_all(folder, wanted, modules=folder), **run_all(folder, others, modules=folder)}
