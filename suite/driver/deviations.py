"""Deviations: accepted failures of a subject, as data beside it, each with the case that shows it (DESIGN rule 6).

A file is about one subject and one range of its releases. An entry is a cell that is violated, why that is accepted,
and its witness: the smallest case that shows it, which is tried before all others whatever the profile. It accepts that
reason of a violation and no other: a cell that is violated for two reasons has two entries.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from models.families import FAMILIES
from models.whole import MODELS
from suite.contract.case import AnyCase, BadCase
from suite.contract.kinds import read_case
from suite.contract.loading import LoadCase
from suite.driver.catalogue import LAWS
from suite.driver.recording import Line
from suite.driver.ticket import Ticket
from suite.subjects.column import Column
from suite.subjects.registry import DEVICES, Device

FOLDER = Path(__file__).resolve().parents[1] / "subjects" / "deviations"
"""Where the files for known subjects are."""
KINDS: Mapping[str, str] = {
    "notimpl": "the subject does not have what the law is about, and says so",
    "notyet": "it is to come: the subject's makers have announced it",
    "never": "the subject's makers decided otherwise",
    "bug": "a defect of the subject",
}
"""Kinds of deviations, in words."""
UNREPORTED = "unreported"
FILE = ("subject", "releases", "deviations")
NEEDED = ("law", "family", "kind", "link", "reason", "witness")
OPTIONAL = ("column", "device", "expires")


class BadDeviation(ValueError):
    """A file of deviations cannot be used: the text names the file, the entry, the field and the choices."""


class Key(NamedTuple):
    """The cell that an entry is about."""

    law: str
    family: str
    column: str


@dataclass(frozen=True)
class Deviation:
    """One accepted failure."""

    law: str
    family: str
    column: str
    device: Device
    kind: str
    """One of `KINDS`."""
    link: str
    """The public issue, or `unreported`."""
    reason: str
    witness: AnyCase
    """The smallest case known that shows it."""
    place: str
    """File and entry, as an error names them."""
    releases: str = ""
    """Of the file: a range such as `>=0.20,<0.23`."""
    expires: datetime.date | None = None
    """The last day on which it excuses anything; None: there is none."""

    def excuses(self, today: datetime.date) -> bool:
        """Whether a failure is accepted on that day."""
        return self.expires is None or today <= self.expires

    @property
    def key(self) -> Key:
        """Its cell."""
        return Key(self.law, self.family, self.column)


@dataclass(frozen=True)
class DeviationFile:
    """What one file says."""

    subject: str
    releases: str
    entries: tuple[Deviation, ...]
    place: str

    def covers(self, version: str) -> bool:
        """Whether that release is in the file's range.

        Raises:
            BadDeviation: the version is no release number, so no range can hold it.
        """
        try:
            return SpecifierSet(self.releases).contains(Version(version), prereleases=True)
        except InvalidVersion:
            raise BadDeviation(
                f"{self.place}: subject {self.subject!r} gives its version as {version!r}, which no range of releases "
                "can hold: give a version such as 1.2.3"
            ) from None


def known_files(extra: Iterable[Path] = ()) -> tuple[DeviationFile, ...]:
    """The files of the suite, and others that are named.

    Raises:
        BadDeviation: a file cannot be read, or an entry is wrong.
    """
    return tuple(read_file(path) for path in (*sorted(FOLDER.glob("*.json")), *extra))


def deviations_of(
    subject: str, columns: Sequence[Column], *, device: Device, files: Iterable[DeviationFile]
) -> dict[Key, tuple[Deviation, ...]]:
    """What is accepted of a subject as it is here, by cell.

    Raises:
        BadDeviation: two entries with one case for one cell, or an entry for a column that the subject does not have.
    """
    version = columns[0].subject.version
    found: dict[Key, tuple[Deviation, ...]] = {}
    for file in files:
        if file.subject != subject or not file.covers(version):
            continue
        for entry in file.entries:
            if entry.device != device:
                continue
            others = found.get(entry.key, ())
            for other in others:
                if other.witness == entry.witness:
                    raise BadDeviation(
                        f"{entry.place}: {other.place} is about the same cell and case: keep one of them"
                    )
            _need(entry.place, "column", entry.column, [column.name for column in columns])
            found[entry.key] = (*others, entry)
    return found


def entry_of(ticket: Ticket, *, kind: str, link: str, reason: str, expires: str | None = None) -> dict[str, object]:
    """The entry of a file that accepts what the ticket shows.

    Raises:
        BadDeviation: one of the texts is not valid.
    """
    data: dict[str, object] = {
        "law": ticket.law,
        "family": ticket.case.family,
        "column": ticket.column,
        "device": ticket.device,
        "kind": kind,
        "link": link,
        "reason": reason,
        **({} if expires is None else {"expires": expires}),
        "witness": json.loads(ticket.case.to_json()),
    }
    _entry("the entry", data, "")
    return data


def stale_text(entry: Deviation) -> str:
    """What to do about an entry whose witness holds."""
    return (
        f"STALE    {entry.law}   {entry.family}\n  {entry.place} says that this law is violated ({entry.kind}: "
        f"{entry.reason}), but its witness holds: remove the entry, or end its range of releases"
    )


def expired_text(entry: Deviation) -> str:
    """What to do about an entry whose witness still shows the failure after its last day."""
    return (
        f"EXPIRED  {entry.law}   {entry.family}\n  {entry.place} accepted this failure ({entry.kind}: {entry.reason}) "
        f"until {entry.expires}: look at {entry.link} again, then remove the entry or give it a later day"
    )


def deviation_line(entry: Deviation, *, still_fails: bool) -> Line:
    """The record of a deviation that was looked at."""
    return {
        "kind": "deviation",
        "law": entry.law,
        "family": entry.family,
        "column": entry.column,
        "deviation_kind": entry.kind,
        "still_fails": still_fails,
        "reason": entry.reason,
        "link": entry.link,
        "releases": entry.releases,
        "expires": None if entry.expires is None else entry.expires.isoformat(),
    }


def read_file(path: Path) -> DeviationFile:
    """One file.

    Raises:
        BadDeviation: it cannot be read, or something in it is wrong.
    """
    place = path.name
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadDeviation(f"{path}: {error.strerror}; name a file of deviations") from None
    except ValueError as error:
        raise BadDeviation(f"{place}: not JSON: {error}") from None
    fields = _fields(place, data, needed=FILE)
    subject, releases = (_text(place, name, fields[name]) for name in ("subject", "releases"))
    try:
        SpecifierSet(releases)
    except InvalidSpecifier:
        raise BadDeviation(f"{place}: releases: {releases!r} is no range; write for example '>=0.20,<0.23'") from None
    entries = fields["deviations"]
    if not isinstance(entries, list):
        raise BadDeviation(f"{place}: deviations: a list of entries, got {type(entries).__name__}")
    found = tuple(_entry(f"{place}, entry {number}", each, releases) for number, each in enumerate(entries, start=1))
    return DeviationFile(subject, releases, found, place)


def _entry(place: str, data: object, releases: str) -> Deviation:
    fields = _fields(place, data, needed=NEEDED, optional=OPTIONAL)
    texts = {name: _text(place, name, fields[name]) for name in NEEDED if name != "witness"}
    law, family = texts["law"], texts["family"]
    _need(place, "law", law, LAWS)
    whole = LAWS[law].kind is LoadCase
    _need(place, "family", family, MODELS if whole else [each.name for each in FAMILIES])
    _need(place, "kind", texts["kind"], KINDS)
    if texts["link"] != UNREPORTED and not texts["link"].startswith("https://"):
        raise BadDeviation(f"{place}: link: {texts['link']!r} is neither a public issue (https://...) nor {UNREPORTED}")
    device = fields.get("device", DEVICES[0])
    _need(place, "device", device, DEVICES)
    column = fields.get("column", "")
    if not isinstance(column, str):
        raise BadDeviation(f"{place}: column: a text, got {column!r}")
    return Deviation(
        **texts,
        column=column,
        device="cuda" if device == "cuda" else "emulator",
        witness=_witness(place, fields["witness"], law, family),
        place=place,
        releases=releases,
        expires=_day(place, fields.get("expires")),
    )


def _day(place: str, value: object) -> datetime.date | None:
    try:
        return None if value is None else datetime.date.fromisoformat(str(value))
    except ValueError:
        raise BadDeviation(f"{place}: expires: {value!r} is no day; write for example '2027-03-31'") from None


def _witness(place: str, data: object, law: str, family: str) -> AnyCase:
    if not isinstance(data, dict):
        raise BadDeviation(f"{place}: witness: the case of a ticket as an object, got {type(data).__name__}")
    try:
        case = read_case(data)
    except BadCase as error:
        raise BadDeviation(f"{place}: witness: {error}") from None
    if not isinstance(case, LAWS[law].kind):
        raise BadDeviation(
            f"{place}: witness: law {law} is about a {LAWS[law].kind.__name__}, and this is a {type(case).__name__}"
        )
    if case.family != family:
        raise BadDeviation(f"{place}: witness: its family is {case.family!r}, and the entry's {family!r}")
    return case


def _fields(place: str, data: object, *, needed: Sequence[str], optional: Sequence[str] = ()) -> Mapping[str, object]:
    if not isinstance(data, dict):
        raise BadDeviation(f"{place}: an object with {', '.join(needed)}, got {type(data).__name__}")
    for name in needed:
        if name not in data:
            raise BadDeviation(f"{place}: the field {name!r} is missing; needed are {', '.join(needed)}")
    for name in data:
        _need(place, "field", name, (*needed, *optional))
    return data


def _text(place: str, name: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise BadDeviation(f"{place}: {name}: a text that is not empty, got {value!r}")
    return value


def _need(place: str, name: str, value: object, choices: Iterable[str]) -> None:
    if value not in (every := list(choices)):
        raise BadDeviation(f"{place}: {name}: {value!r} is not one of {', '.join(map(repr, every))}")
