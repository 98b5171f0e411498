"""Command line: `python -m suite list | meet | explain | faults | replay | deviation`.

Exit status 0, 1 if a replayed case does not hold, 2 for a bad request, with one sentence that names the remedy.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from models.families import FAMILIES
from reports.files import write_atomically
from reports.records import read
from reports.validation import RecordError
from suite.contract.case import BadCase
from suite.contract.law import Law
from suite.contract.subject import Capabilities
from suite.contract.text import unknown_text, violation_text
from suite.contract.verdict import Outcome, Verdict
from suite.driver.catalogue import LAWS, law_named
from suite.driver.deviations import KINDS, UNREPORTED, entry_of
from suite.driver.greeting import trouble
from suite.driver.profiles import PROFILES
from suite.driver.recording import replacement_lines
from suite.driver.script import script_of
from suite.driver.ticket import Ticket, column_of, columns_of, replay, ticket_from_data
from suite.faults.catalogue import FAULTS
from suite.strategies.catalogue import STRATEGIES
from suite.subjects.column import Column
from suite.subjects.registry import DEVICES, names, with_model

NOT_HELD = 1
BAD_REQUEST = 2
RECORDS = Path("reports/out/records.jsonl")
SUBJECT_HELP = "a name of `python -m suite list`, fault:<id>, or package.module:name"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit status."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except (ValueError, RecordError) as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"{error.filename}: {error.strerror}; give a file that can be read here")


def _refuse(sentence: str) -> int:
    print(f"python -m suite: {sentence}", file=sys.stderr)
    return BAD_REQUEST


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m suite", description="Ask the suite what it knows.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="laws, families, subjects and profiles")
    listing.set_defaults(run=_list)
    meet = commands.add_parser("meet", help="start the smallest session of a subject, and say what it declares")
    meet.add_argument("subject", metavar="SUBJECT", help=SUBJECT_HELP)
    meet.add_argument("--model", metavar="MODEL", help="package.module:factory of a model that is put before it")
    meet.add_argument("--device", choices=DEVICES, default=DEVICES[0], help=f"where graphs run ({DEVICES[0]})")
    meet.set_defaults(run=_meet)
    explain = commands.add_parser("explain", help="what a law says, where it comes from, which faults it must catch")
    explain.add_argument("law", metavar="LAW", help="for example packing/every-item-once")
    explain.set_defaults(run=_explain)
    faults = commands.add_parser("faults", help="every deliberate defect and the laws that must catch it")
    faults.set_defaults(run=_faults)
    again = _about_a_case(commands.add_parser("replay", help="judge one case once more"))
    again.add_argument("--subject", metavar="SUBJECT", help="judge another subject on the case than the one it is of")
    again.add_argument("--script", action="store_true", help="write a script that shows it without pytest and the laws")
    again.add_argument("--output", type=Path, metavar="FILE", help="where --script writes (the terminal)")
    again.set_defaults(run=_replay)
    accept = _about_a_case(commands.add_parser("deviation", help="write a violation as an entry of accepted failures"))
    accept.add_argument("--kind", choices=KINDS, required=True, help="; ".join(f"{k}: {v}" for k, v in KINDS.items()))
    accept.add_argument("--link", default=UNREPORTED, help=f"the public issue (default: {UNREPORTED})")
    accept.add_argument("--expires", metavar="DAY", help="the last day on which it is accepted, such as 2027-03-31")
    accept.add_argument("--reason", required=True, help="one sentence for a reader of the report")
    accept.set_defaults(run=_deviation)
    return parser


def _about_a_case(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("case", metavar="CASE", help="a case file, or the id of a violation in the records")
    parser.add_argument(
        "--records", type=Path, default=RECORDS, metavar="FILE", help=f"where ids are looked up ({RECORDS})"
    )
    return parser


def _list(_: argparse.Namespace) -> int:
    width = max(map(len, LAWS))
    print("laws")
    for law in LAWS.values():
        print(f"  {law.id:<{width}}  {law.statement}")
    print(f"\nfamilies  {', '.join(each.name for each in FAMILIES)}")
    print(f"subjects  {', '.join(names())}, fault:<id>, or package.module:name")
    print(f"profiles  {', '.join(PROFILES)}")
    print(f"faults    {len(FAULTS)}: `python -m suite faults`")
    return 0


def _meet(options: argparse.Namespace) -> int:
    columns = columns_of(with_model(options.subject, options.model), device=options.device)
    broken = {column.name: trouble(column.subject) for column in columns}
    for column in columns:
        print(_introduction(column, broken[column.name]))
    for line in replacement_lines(columns):
        where = "" if line["columns"] is None else f" (columns {line['columns']})"
        print(f"replaced{where}: {line['name']}\n  by        {line['by']}\n  because   {line['why']}")
    return NOT_HELD if any(broken.values()) else 0


def _introduction(column: Column, broken: str | None) -> str:
    """What a column is, what it declares, how many laws apply to it, and whether its smallest session works."""
    subject = column.subject
    common = asdict(Capabilities())
    declared = [name for name, value in asdict(subject.capabilities).items() if value != common[name]]
    rows = (
        ("declares", ", ".join(declared) or "nothing beyond the common laws"),
        ("laws", f"{sum(not law.missing(subject.capabilities) for law in LAWS.values())} of {len(LAWS)} apply"),
        ("session", broken or "the smallest one works"),
    )
    head = f"{subject.name} {subject.version}" + (f" ({column.name})" if column.name else "")
    return "\n".join([head, *(f"  {name:<8}  {text}" for name, text in rows)])


def _explain(options: argparse.Namespace) -> int:
    law = law_named(options.law)
    caught = [fault.id for fault in FAULTS.values() if law.id in fault.caught_by]
    rows = (
        ("says", law.statement),
        ("ignores", law.ignores),
        ("source", ", ".join(law.source)),
        ("cases", f"{law.inputs}: {' '.join((STRATEGIES[law.inputs].__doc__ or '').split())}"),
        ("needs", ", ".join(law.needs) or "nothing that a subject would have to declare"),
        ("held on", "every family" if law.everywhere else "the toy: the family does not matter to it"),
        ("catches", ", ".join(caught) or "no fault yet"),
    )
    print(law.id)
    for name, text in rows:
        print(f"  {name:<8}  {text}")
    return 0


def _faults(_: argparse.Namespace) -> int:
    width = max(map(len, FAULTS))
    for fault in FAULTS.values():
        source = f" ({fault.source})" if fault.source else ""
        print(f"{fault.id:<{width}}  {fault.breaks}{source}; caught by {', '.join(fault.caught_by)}")
    return 0


def _replay(options: argparse.Namespace) -> int:
    ticket = _ticket(options.case, options.records)
    if options.subject:
        ticket = replace(ticket, subject=options.subject)
    if options.script:
        return _script(ticket, options.output)
    if options.output is not None:
        raise BadCase(f"--output {options.output} is where --script writes: give --script too")
    law, verdict = replay(ticket)
    print(_verdict_text(law, ticket, verdict))
    return 0 if verdict.outcome is Outcome.HOLDS else NOT_HELD


def _script(ticket: Ticket, output: Path | None) -> int:
    text = script_of(ticket, column_of(ticket).subject)
    if output is None:
        print(text, end="")
    else:
        write_atomically(output, text)
        print(f"wrote {output}")
    return 0


def _deviation(options: argparse.Namespace) -> int:
    ticket = _ticket(options.case, options.records)
    entry = entry_of(ticket, kind=options.kind, link=options.link, reason=options.reason, expires=options.expires)
    print(json.dumps(entry, indent=2))
    return 0


def _ticket(name: str, records: Path) -> Ticket:
    """The ticket in a case file, or of the violation with that id.

    Raises:
        BadCase: there is neither.
    """
    path = Path(name)
    if path.suffix == ".json" or path.is_file():
        try:
            return ticket_from_data(json.loads(path.read_text(encoding="utf-8")))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise BadCase(f"{name} is not a case file: {error}") from None
    known = {line.violation.id: line.violation for line in read(records).laws if line.violation is not None}
    if name not in known:
        raise BadCase(f"no case {name!r} in {records}: it holds {', '.join(sorted(known)) or 'no violation'}")
    return ticket_from_data(known[name].case)


def _verdict_text(law: Law, ticket: Ticket, verdict: Verdict) -> str:
    subject = ticket.subject + (f" ({ticket.column})" if ticket.column else "")
    if verdict.violation is not None:
        return violation_text(
            law,
            ticket.case,
            verdict.violation,
            case_id=ticket.id,
            subject=subject,
            device=ticket.device,
            reproduce=(f"python -m suite explain {law.id}",),
            decoration=verdict.decoration,
        )
    if verdict.outcome is Outcome.UNKNOWN:
        return unknown_text(law, verdict, subject=subject, family=ticket.case.family)
    return f"HOLDS    {law.id}   {subject} · {ticket.case.family}\n  case       {ticket.case}  (id {ticket.id})"


if __name__ == "__main__":
    sys.exit(main())
