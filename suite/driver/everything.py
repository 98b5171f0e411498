"""The suite as a function, for a repository that has a subject of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from models.whole import MODELS
from suite.contract.subject import Subject
from suite.driver.catalogue import LAWS, cells
from suite.driver.checking import Checked, check, unchecked
from suite.driver.greeting import trouble
from suite.driver.profiles import profile
from suite.driver.recording import Place
from suite.driver.spaces import space_of, unserved
from suite.driver.ticket import guarded
from suite.strategies.catalogue import unreachable
from suite.subjects.column import Column


def run_laws(subject: Subject, *, families: Sequence[str] = ("toy",), profile_name: str = "smoke") -> Iterator[Checked]:
    """Every law that the subject's capabilities make applicable, one outcome a law and family, as they come.

    Laws about loading models are held on every whole model. A subject whose smallest session fails is judged by no
    law: all are unknown, with that reason.

    Raises:
        ValueError: there is no such family or profile.
    """
    judged = guarded(subject)
    broken = trouble(subject)
    for cell in cells(LAWS.values(), families=families, models=tuple(MODELS), columns=[Column(subject)]):
        space = space_of(cell.law, cell.family, subject.capabilities)
        if profile(profile_name).leaves_out(family=space.cost, law=cell.law.cost):
            continue
        if cell.law.missing(subject.capabilities) or unreachable(cell.law.inputs, space):
            continue
        if unserved(cell.law, cell.family, subject.capabilities):
            continue
        place = Place(node=cell.law.id, subject=subject.name, device="emulator")
        if broken is not None:
            yield unchecked(cell, broken, place)
            continue
        yield check(cell, judged, place, profile=profile(profile_name), seed=0)
