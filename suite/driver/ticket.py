"""A ticket: everything needed to see one verdict again, as plain data that a file or a record can hold."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import cast

from models.families import FAMILIES
from models.whole import MODELS
from suite.contract.case import AnyCase, BadCase
from suite.contract.guard import GuardedSubject
from suite.contract.judge import judge
from suite.contract.kinds import read_case
from suite.contract.law import Law
from suite.contract.loading import LoadCase
from suite.contract.subject import Subject
from suite.contract.verdict import Verdict
from suite.driver.catalogue import law_named
from suite.faults.catalogue import fault_named
from suite.subjects.column import Column
from suite.subjects.registry import DEVICES, Device, columns, reference_columns

FAULT = "fault:"
REFERENCE = "reference"
TEXT_FIELDS = ("law", "subject", "column", "device")


@dataclass(frozen=True)
class Ticket:
    """One law, one case, one column of one subject."""

    law: str
    subject: str
    column: str
    device: Device
    case: AnyCase

    @property
    def id(self) -> str:
        """Eight hex digits of the law, the column and the case: the same on every machine."""
        text = f"{self.law}|{self.column}|{self.case.to_json()}"
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    def as_data(self) -> dict[str, object]:
        """For records and case files."""
        texts = {name: getattr(self, name) for name in TEXT_FIELDS}
        return {**texts, **json.loads(self.case.to_json())}


def ticket_from_data(data: object) -> Ticket:
    """The ticket that `Ticket.as_data` made.

    Raises:
        BadCase: a field is missing, unknown or of the wrong type.
        ValueError: there is no such law, subject, fault or family.
    """
    if not isinstance(data, dict):
        raise BadCase(f"not a case: {type(data).__name__} instead of an object")
    missing = [name for name in TEXT_FIELDS if not isinstance(data.get(name), str)]
    if missing:
        raise BadCase(
            f"not a case: {', '.join(missing)} missing. Valid fields: {', '.join(TEXT_FIELDS)}, and the case's."
        )
    if data["device"] not in DEVICES:
        raise BadCase(f"not a case: device {data['device']!r}; choose one of {', '.join(DEVICES)}")
    case = read_case({name: value for name, value in data.items() if name not in TEXT_FIELDS})
    known = tuple(MODELS) if isinstance(case, LoadCase) else tuple(each.name for each in FAMILIES)
    if case.family not in known:
        raise BadCase(f"not a case: family {case.family!r}; choose one of {', '.join(known)}")
    law = law_named(data["law"])
    if not isinstance(case, law.kind):
        raise BadCase(f"not a case: law {law.id} is about a {law.kind.__name__}, and this is a {type(case).__name__}")
    return Ticket(data["law"], data["subject"], data["column"], cast("Device", data["device"]), case)


def is_ours(subject: str) -> bool:
    """Whether this repository implements the subject: what fails then is not its adapter."""
    return subject == REFERENCE or subject.startswith(FAULT)


def columns_of(subject: str, *, device: Device) -> tuple[Column, ...]:
    """The columns of a subject, or of the reference with the fault of `fault:<id>` planted.

    Raises:
        ValueError: there is no such subject or fault.
    """
    if subject.startswith(FAULT):
        fault = fault_named(subject.removeprefix(FAULT))
        return reference_columns(device, name=subject, parts=fault.parts(), isolated=fault.lethal)
    return columns(subject, device=device)


def guarded(subject: Subject) -> GuardedSubject:
    """The subject behind the guard, able to run every family."""
    return GuardedSubject(subject, families={each.name: each for each in FAMILIES})


def replay(ticket: Ticket) -> tuple[Law, Verdict]:
    """Judges the ticket's case once more.

    Raises:
        ValueError: there is no such law, subject, fault or column.
    """
    law = law_named(ticket.law)
    return law, judge(law, ticket.case, guarded(column_of(ticket).subject))


def column_of(ticket: Ticket) -> Column:
    """The column that the ticket is about.

    Raises:
        ValueError: there is no such subject, fault or column.
    """
    for column in columns_of(ticket.subject, device=ticket.device):
        if column.name == ticket.column:
            return column
    raise ValueError(f"subject {ticket.subject} has no column {ticket.column!r} on {ticket.device}")
