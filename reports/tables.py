"""Records -> tables: cells (law x family x column), laws, faults, labels and requirements, each sorted.

A verdict here is never better than the records allow: what was planned and did not run is unknown, and so is
a law that held over no case at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from reports.records import Records
from reports.schema import Deviation, Fault, Inapplicable, Law, PlannedLaw

Standing: TypeAlias = Literal["violated", "unknown", "holds", "inapplicable"]
FaultStanding: TypeAlias = Literal["survived", "not run", "killed"]
Key: TypeAlias = tuple[str, str, str]
"""Law, family, column."""

WORST_FIRST: tuple[Standing, ...] = ("violated", "unknown", "holds", "inapplicable")


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One law on one family in one column. `deviation` is the known failure that covers it, if there is one."""

    law: str
    family: str
    column: str
    standing: Standing
    reason: str | None
    records: tuple[Law, ...] = ()
    deviation: Deviation | None = None

    @property
    def place(self) -> str:
        """Where the law was checked: `toy`, or `toy (route shim)` where the column is not the first."""
        return place(self.family, self.column)

    @property
    def cases(self) -> int:
        """Cases over all records of the cell."""
        return sum(law.cases for law in self.records)


@dataclass(frozen=True, kw_only=True)
class LawRow:
    """One law over all families, with the worst verdict of its cells."""

    law: str
    standing: Standing
    cells: tuple[Cell, ...]
    statement: str
    ignores: str
    spec: tuple[str, ...]
    labels: Mapping[str, int]

    @property
    def topic(self) -> str:
        """What the law is about: its id up to the first slash."""
        return topic(self.law)

    @property
    def records(self) -> tuple[Law, ...]:
        """Every record of the law."""
        return tuple(law for cell in self.cells for law in cell.records)

    @property
    def cases(self) -> int:
        """Cases over all families."""
        return sum(cell.cases for cell in self.cells)

    @property
    def seconds(self) -> float:
        """Seconds over all families, summed over workers."""
        return sum(law.seconds for law in self.records)

    @property
    def margin(self) -> float | None:
        """Largest used share of the tolerance."""
        return max((law.margin for law in self.records if law.margin is not None), default=None)

    @property
    def noise(self) -> float | None:
        """Greatest absolute A/A difference."""
        return max((law.noise.max_abs for law in self.records if law.noise is not None), default=None)


@dataclass(frozen=True, kw_only=True)
class FaultRow:
    """One deliberate fault: whether a law caught it, and what each law said."""

    fault: str
    area: str
    standing: FaultStanding
    breaks: str = ""
    source: str | None = None
    caught_by: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    cases: int = 0
    seconds: float = 0.0
    verdicts: Mapping[str, Standing]


@dataclass(frozen=True, kw_only=True)
class LabelRow:
    """One class of inputs: how often it was drawn, by how many laws, and which laws never drew it."""

    label: str
    drawn: int
    laws: int
    cases: int
    """Cases of the laws that look for this class."""
    never: tuple[str, ...]


def topic(law: str) -> str:
    """A law id up to its first slash."""
    return law.split("/", 1)[0]


def place(family: str, column: str) -> str:
    """The family, and the route to the subject if it is not the first."""
    return f"{family} (route {column})" if column else family


def worst(standings: Iterable[Standing]) -> Standing:
    """The worst of some verdicts; unknown if there is none."""
    found = set(standings)
    for standing in WORST_FIRST:
        if standing in found:
            return standing
    return "unknown"


def strength(cases: int) -> float | None:
    """Upper bound (95 %) of the failure rate after `cases` independent cases without a failure: 3/N.

    None below four cases, where the rule bounds nothing.
    """
    return 3 / cases if cases > 3 else None


def cells(records: Records) -> tuple[Cell, ...]:
    """One cell for each law, family and column that was planned, ran, or was found inapplicable."""
    ran: defaultdict[Key, list[Law]] = defaultdict(list)
    for law in records.laws:
        ran[_key(law)].append(law)
    excused = {_key(entry): entry.reason for entry in records.inapplicable}
    known = _known(records)
    keys = {_key(planned) for planned in records.plan.laws} | set(ran) | set(excused)
    return tuple(_cell(key, ran.get(key, []), excused.get(key), known.get(key)) for key in sorted(keys))


def law_rows(records: Records) -> tuple[LawRow, ...]:
    """One row for each law, by id."""
    spec: defaultdict[str, set[str]] = defaultdict(set)
    for planned in records.plan.laws:
        spec[planned.law].update(planned.spec)
    for law in records.laws:
        spec[law.law].update(law.spec)
    grouped: defaultdict[str, list[Cell]] = defaultdict(list)
    for cell in cells(records):
        grouped[cell.law].append(cell)
    return tuple(_law_row(name, grouped[name], spec[name]) for name in sorted(grouped))


def fault_rows(records: Records) -> tuple[FaultRow, ...]:
    """One row for each fault that was planned or ran, by id."""
    ran: defaultdict[str, list[Fault]] = defaultdict(list)
    for fault in records.faults:
        ran[fault.fault].append(fault)
    return tuple(_fault_row(fault, ran.get(fault, [])) for fault in sorted({*records.plan.faults, *ran}))


def label_rows(rows: Iterable[LawRow]) -> tuple[LabelRow, ...]:
    """One row for each class of inputs, most drawn first."""
    users: defaultdict[str, list[LawRow]] = defaultdict(list)
    for row in rows:
        for label in row.labels:
            users[label].append(row)
    found = [
        LabelRow(
            label=label,
            drawn=sum(row.labels[label] for row in using),
            laws=len(using),
            cases=sum(row.cases for row in using),
            never=tuple(row.law for row in using if not row.labels[label]),
        )
        for label, using in users.items()
    ]
    return tuple(sorted(found, key=lambda row: (-row.drawn, row.label)))


def requirements(rows: Iterable[LawRow]) -> dict[str, tuple[LawRow, ...]]:
    """The laws that cite each requirement, in the order G2, G10, T1."""
    found: defaultdict[str, list[LawRow]] = defaultdict(list)
    for row in rows:
        for requirement in row.spec:
            found[requirement].append(row)
    return {name: tuple(found[name]) for name in sorted(found, key=_natural)}


def _known(records: Records) -> dict[Key, Deviation]:
    """Of several entries for a cell, the first that still fails tells of it."""
    found: dict[Key, Deviation] = {}
    for entry in records.deviations:
        earlier = found.get(_key(entry))
        if earlier is None or (entry.still_fails and not earlier.still_fails):
            found[_key(entry)] = entry
    return found


def _key(entry: Law | PlannedLaw | Inapplicable | Deviation) -> Key:
    return entry.law, entry.family, entry.column


def _natural(name: str) -> tuple[str, int, str]:
    digits = "".join(letter for letter in name if letter in "0123456789")[:9]
    return name[:1], int(digits or 0), name


def _cell(key: Key, ran: list[Law], excused: str | None, known: Deviation | None) -> Cell:
    standing: Standing = worst(_settled(law)[0] for law in ran)
    if ran:
        reasons = [reason for law in ran for settled, reason in (_settled(law),) if settled == standing]
        reason = next((text for text in reasons if text), None)
    elif excused is not None:
        standing, reason = "inapplicable", excused
    else:
        reason = "planned, but did not run"
    if known is not None and not known.still_fails and standing == "violated":
        # What the entry is about holds: this is another violation.
        known = None
    law, family, column = key
    return Cell(
        law=law, family=family, column=column, standing=standing, reason=reason, records=tuple(ran), deviation=known
    )


def _settled(law: Law) -> tuple[Standing, str | None]:
    if law.verdict == "holds" and law.cases == 0:
        return "unknown", "held over 0 cases, which shows nothing"
    return law.verdict, law.reason


def _law_row(law: str, row: list[Cell], spec: set[str]) -> LawRow:
    ran = [record for cell in row for record in cell.records]
    labels: defaultdict[str, int] = defaultdict(int)
    for record in ran:
        for label, count in record.labels.items():
            labels[label] += count
    return LawRow(
        law=law,
        standing=worst(cell.standing for cell in row),
        cells=tuple(row),
        statement=next((record.statement for record in ran if record.statement), ""),
        ignores=next((record.ignores for record in ran if record.ignores), ""),
        spec=tuple(sorted(spec, key=_natural)),
        labels=dict(sorted(labels.items())),
    )


def _fault_row(fault: str, ran: list[Fault]) -> FaultRow:
    if not ran:
        return FaultRow(fault=fault, area=topic(fault), standing="not run", verdicts={})
    verdicts: dict[str, Standing] = {}
    for record in ran:
        for law, verdict in sorted(record.verdicts.items()):
            verdicts[law] = worst((verdict, verdicts.get(law, verdict)))
    first = ran[0]
    return FaultRow(
        fault=fault,
        area=first.area or topic(fault),
        standing="killed" if any(record.killed for record in ran) else "survived",
        breaks=first.breaks,
        source=first.source,
        caught_by=tuple(sorted({law for record in ran for law in record.caught_by})),
        by=tuple(sorted({record.by for record in ran if record.killed and record.by})),
        cases=sum(record.cases for record in ran),
        seconds=sum(record.seconds for record in ran),
        verdicts=verdicts,
    )
