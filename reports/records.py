"""Reading and writing a records file: JSON lines, a header first, a footer last.

A run that died leaves a file without a footer: it is read all the same and is not `complete`. Half a last
line is dropped and counted; a damaged line is counted with its reason; a line of an unknown kind is kept and
counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import IO, TypeVar

from reports.encoding import Json, decode, encode
from reports.schema import (
    KINDS,
    SCHEMA,
    Deviation,
    Fault,
    Footer,
    Header,
    Inapplicable,
    Law,
    Line,
    Note,
    Plan,
    PlannedLaw,
    Record,
)
from reports.validation import RecordError, build, parse

Kind = TypeVar("Kind", bound=Line)

ENDED_BY_ITSELF = (0, 1, 5)
"""Exit statuses of pytest after which every planned test had its turn: passed, failed, nothing collected."""
DAMAGE_SHOWN = 5
"""Damaged lines that are named one by one."""

_ONE_RUN = "one file holds one run; join files with `python -m reports merge`"


@dataclass(frozen=True, kw_only=True)
class Damage:
    """A line that could not be used: its number in the file, from 1, and why."""

    line: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Records:
    """One run as its file tells it. Every tuple is sorted by content, so arrival order is gone."""

    header: Header
    plan: Plan
    laws: tuple[Law, ...]
    faults: tuple[Fault, ...]
    inapplicable: tuple[Inapplicable, ...]
    deviations: tuple[Deviation, ...]
    notes: tuple[Note, ...]
    footer: Footer | None
    count: int
    """Lines between header and footer, unusable ones included."""
    dropped: int
    """1 if the file ends in half a line."""
    damaged: tuple[Damage, ...]
    unknown: tuple[Mapping[str, Json], ...]
    """Lines of kinds that this schema does not have."""

    @property
    def gaps(self) -> tuple[str, ...]:
        """Sentences that say why the file is not the whole run; empty if it is."""
        return tuple(_gaps(self))

    @property
    def complete(self) -> bool:
        """Whether the run ended by itself and every line of it is here."""
        return not self.gaps

    @property
    def unknown_kinds(self) -> dict[str, int]:
        """How many lines there are of each kind that this schema does not have."""
        return dict(sorted(Counter(str(line.get("kind")) for line in self.unknown).items()))


def read(path: Path) -> Records:
    """The records in a file.

    Raises:
        OSError: the file cannot be read.
        RecordError: the file is not a records file, or its schema is newer than this reader.
    """
    lines = path.read_bytes().split(b"\n")
    header = _header(lines[0], path)
    found = _Found()
    for number, line in enumerate(lines[1:], start=2):
        if line.strip():
            found.take(line, number, last=number == len(lines))
    return found.records(header)


class RecordWriter:
    """Writes one run, a flushed line per record, so that whatever kills the run leaves a readable file."""

    def __init__(self, path: Path | str, header: Header | Mapping[str, object]) -> None:
        """Create the file (and its folder) and write the header; `schema` is filled in.

        Raises:
            OSError: the file cannot be created.
            RecordError: the header does not follow the schema.
        """
        self.path = Path(path)
        self.count = 0
        line = _checked(header, Header, schema=SCHEMA)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[str] = self.path.open("w", encoding="ascii", newline="\n")
        self._write(line)

    def append(self, record: Record | Mapping[str, object]) -> None:
        """Write one record: a dataclass of the schema, or an object with its `kind`.

        Raises:
            RecordError: the record does not follow the schema; nothing was written.
        """
        line = encode(record)
        kind = parse(decode(line), strict=True)
        if isinstance(kind, (Header, Footer)):
            raise RecordError(f"kind: {kind.KIND!r} opens or closes a file; it is not appended")
        self._write(line)
        self.count += 1

    def close(self, footer: Footer | Mapping[str, object] | None = None) -> None:
        """Write the footer, its `records` filled in, and close. Without one the run stays incomplete.

        Raises:
            RecordError: the footer does not follow the schema; the file is closed without one.
        """
        if self._file.closed:
            return
        try:
            if footer is not None:
                self._write(_checked(footer, Footer, records=self.count))
        finally:
            self._file.close()

    def _write(self, line: str) -> None:
        self._file.write(line + "\n")
        self._file.flush()

    def __enter__(self) -> RecordWriter:
        """The writer itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close without a footer, if `close` was not called: the block did not get that far."""
        self.close()


def _checked(line: Line | Mapping[str, object], shape: type[Header] | type[Footer], **filled: int) -> str:
    plain = decode(encode(line))
    if not isinstance(plain, dict):
        raise RecordError(f"a {shape.KIND} is an object, got {plain!r}")
    plain = {"kind": shape.KIND} | plain | filled
    if plain["kind"] != shape.KIND:
        raise RecordError(f"kind: expected {shape.KIND!r}, got {plain['kind']!r}")
    parse(plain, strict=True)
    return encode(plain)


def _header(line: bytes, path: Path) -> Header:
    hint = "the first line of a records file is a header, as `pytest --records FILE` writes it"
    try:
        plain = decode(line.decode("utf-8"))
    except ValueError:
        what = "is empty" if not line.strip() else "does not begin with a line of JSON"
        raise RecordError(f"{path} {what}: {hint}") from None
    if not isinstance(plain, dict) or plain.get("kind") != "header":
        raise RecordError(f"{path} does not begin with a header: {hint}")
    schema = plain.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        known = f"this reader knows 1 to {SCHEMA}: read the file with a newer version"
        raise RecordError(f"{path} has schema {schema}, {known}")
    if schema != SCHEMA or isinstance(schema, bool):
        raise RecordError(f"{path}: header.schema: {schema!r} is not a known schema; valid: 1 to {SCHEMA}")
    try:
        return build(Header, {name: value for name, value in plain.items() if name != "kind"}, where="header")
    except RecordError as error:
        raise RecordError(f"{path}: {error}") from None


class _Found:
    """What the lines after the header have held so far."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.unknown: list[Mapping[str, Json]] = []
        self.damaged: list[Damage] = []
        self.footer: Footer | None = None
        self.dropped = 0
        self.count = 0

    def take(self, line: bytes, number: int, *, last: bool) -> None:
        try:
            plain = decode(line.decode("utf-8"))
        except ValueError as error:
            # Only the last line may lack its line break: that one was cut while it was being written.
            if last:
                self.dropped += 1
            else:
                self._damage(number, f"not JSON: {error}")
            return
        try:
            self._sort(plain)
        except RecordError as error:
            self._damage(number, str(error))

    def _damage(self, number: int, reason: str) -> None:
        self.damaged.append(Damage(line=number, reason=reason))
        self.count += 1

    def _sort(self, plain: Json) -> None:
        if self.footer is not None:
            raise RecordError(f"after the footer: {_ONE_RUN}")
        if isinstance(plain, dict) and isinstance(plain.get("kind"), str) and plain["kind"] not in KINDS:
            self.unknown.append(plain)
            self.count += 1
            return
        line = parse(plain)
        if isinstance(line, Header):
            raise RecordError(f"a second header: {_ONE_RUN}")
        if isinstance(line, Footer):
            self.footer = line
            return
        self.lines.append(line)
        self.count += 1

    def of(self, kind: type[Kind]) -> tuple[Kind, ...]:
        return tuple(sorted((line for line in self.lines if isinstance(line, kind)), key=encode))

    def records(self, header: Header) -> Records:
        return Records(
            header=header,
            plan=join_plans(self.of(Plan)),
            laws=tuple(sorted(self.of(Law), key=lambda law: (law.law, law.family, law.column, law.node or ""))),
            faults=self.of(Fault),
            inapplicable=self.of(Inapplicable),
            deviations=self.of(Deviation),
            notes=self.of(Note),
            footer=self.footer,
            count=self.count,
            dropped=self.dropped,
            damaged=tuple(self.damaged),
            unknown=tuple(sorted(self.unknown, key=encode)),
        )


def join_plans(plans: Sequence[Plan]) -> Plan:
    """One plan that holds what any of them holds, each entry once."""
    laws: dict[tuple[str, str, str], PlannedLaw] = {}
    for planned in (entry for plan in plans for entry in plan.laws):
        key = (planned.law, planned.family, planned.column)
        laws[key] = replace(planned, spec=tuple(sorted({*planned.spec, *laws.get(key, planned).spec})))
    faults = sorted({fault for plan in plans for fault in plan.faults})
    return Plan(laws=tuple(laws[key] for key in sorted(laws)), faults=tuple(faults))


def _gaps(records: Records) -> Iterator[str]:
    footer = records.footer
    if footer is None:
        yield "The file has no footer: the run did not end by itself, or is still going."
    elif footer.exit_status not in ENDED_BY_ITSELF:
        yield f"The run ended with exit status {footer.exit_status} before every planned test had its turn."
    if footer is not None and footer.records != records.count:
        yield f"The footer counts {footer.records} records, the file holds {records.count}."
    if records.dropped:
        yield "The last line was cut while it was being written; it was dropped."
    for damage in records.damaged[:DAMAGE_SHOWN]:
        yield f"Line {damage.line} could not be used: {damage.reason}."
    if len(records.damaged) > DAMAGE_SHOWN:
        yield f"{len(records.damaged) - DAMAGE_SHOWN} more lines could not be used."
