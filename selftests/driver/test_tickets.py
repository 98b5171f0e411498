"""Tickets and records: a verdict can be had again from what was written of it."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from reports.encoding import decode, encode
from reports.schema import Law as LawLine
from reports.validation import parse
from selftests.contract.invented import CASE, encodes_first_batch, invented_law
from selftests.driver.hunting import WRONG, hunt
from suite.contract.case import BadCase, Case, ItemSpec
from suite.contract.verdict import Difference, DrawnBin, DrawnItem, Evidence, Outcome, holds, unknown, violated
from suite.driver.catalogue import LAWS, Cell
from suite.driver.recording import Place, law_line, text_of
from suite.driver.ticket import Ticket, replay, ticket_from_data

TICKET = Ticket("packing/every-item-once", "reference", "", "emulator", CASE)
PLACE = Place(
    node="suite/tests/test_packing.py::test_packing[every-item-once@toy]", subject="reference", device="emulator"
)
CELL = Cell(LAWS["packing/every-item-once"], "toy")


def test_an_id_is_the_same_everywhere() -> None:
    """Pinned: another hash or order of fields would orphan every id in an old report."""
    assert TICKET.id == "bd86de8f"


def test_different_tickets_have_different_ids() -> None:
    """Another law, column, order or seed is another id; another subject of the same case is not."""
    swapped = replace(CASE, history=CASE.history[::-1])
    reseeded = replace(CASE, history=((ItemSpec(CASE.history[0][0].grid, seed=9),),))
    others = [
        replace(TICKET, law="packing/no-limit-exceeded"),
        replace(TICKET, column="shim"),
        replace(TICKET, case=swapped),
        replace(TICKET, case=reseeded),
    ]
    assert len({each.id for each in [TICKET, *others]}) == 5
    assert replace(TICKET, subject="fault:packing/loses-one").id == TICKET.id


def test_a_ticket_survives_a_file() -> None:
    """Written and read as JSON it is the same ticket."""
    assert ticket_from_data(json.loads(json.dumps(TICKET.as_data()))) == TICKET


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"law": None}, "not a case: law missing. Valid fields: law, subject, column, device, and the case's."),
        ({"device": "tpu"}, "not a case: device 'tpu'; choose one of emulator, cuda"),
        ({"family": "tpy"}, "not a case: family 'tpy'; choose one of toy, qwen2_vl"),
        ({"history": 1}, "not a case: TypeError: "),
    ],
)
def test_what_is_no_ticket_is_refused(change: dict[str, object], sentence: str) -> None:
    """A field that is missing or wrong: one sentence with the valid ones."""
    with pytest.raises(BadCase) as refusal:
        ticket_from_data({**TICKET.as_data(), **change})
    assert str(refusal.value).startswith(sentence)


def test_another_kind_of_file_is_refused() -> None:
    """A list is no ticket."""
    with pytest.raises(BadCase, match="not a case: list instead of an object"):
        ticket_from_data([])


def test_a_replay_judges_the_same_case() -> None:
    """The clean reference holds a ticket's law; a column that does not exist is named."""
    law, verdict = replay(TICKET)
    assert (law.id, verdict.outcome) == (TICKET.law, Outcome.HOLDS)
    with pytest.raises(ValueError, match="subject reference has no column 'moon' on emulator"):
        replay(replace(TICKET, column="moon"))


EVIDENCE = Evidence(
    arms=(Difference("subject", 0.5, math.inf, 3, 32, 1, 0, (1, 7), item=1, rows=(1,)),),
    first_arm="subject",
    tolerance={"rtol": 1e-5, "atol": 1e-4, "source": "torch.testing"},
    plan=((DrawnBin(4, (DrawnItem(0, "2x2", 1), DrawnItem(1, "2x4", 2)), ((1, 2),)), DrawnBin(None, ())), ()),
)
VERDICTS = {
    "holds": holds(noise=EVIDENCE.arms[0], margin=0.25),
    "unknown": unknown("adapter broken: \udce9 and \x1b[31m"),
    "violated": violated(expected="one", actual="two", because="three", evidence=EVIDENCE),
    "poisoned": WRONG,
}


@pytest.mark.parametrize("name", VERDICTS)
def test_every_verdict_makes_a_valid_record(name: str) -> None:
    """The line follows the schema of the report, with its case, its plan and its commands."""
    poisoned = Case("toy", CASE.setup, ((ItemSpec(CASE.history[0][0].grid, fill=math.nan),),))
    case = poisoned if name == "poisoned" else CASE
    found = replace(hunt(encodes_first_batch), law=CELL.law, verdict=VERDICTS[name], case=case)
    line = parse(decode(encode(law_line(CELL, found, PLACE))), strict=True)
    assert isinstance(line, LawLine)
    assert line.verdict == VERDICTS[name].outcome.value
    assert (line.violation is None) == (name in ("holds", "unknown"))


def test_a_violation_can_be_replayed_from_its_record() -> None:
    """The case in the record is a ticket, and the id in the text is that ticket's."""
    found = replace(hunt(encodes_first_batch), law=CELL.law, verdict=VERDICTS["violated"], case=CASE)
    data = json.loads(encode(law_line(CELL, found, PLACE)))
    ticket = ticket_from_data(data["violation"]["case"])
    assert ticket == TICKET
    violation = found.verdict.violation
    assert violation is not None
    text = text_of(violation, ticket, found, PLACE)
    assert f"(id {ticket.id})" in text
    assert f"python -m suite replay reports/out/cases/{ticket.id}.json" in text


def test_the_command_repeats_the_options() -> None:
    """Without the profile, another run of pytest would draw other cases."""
    place = replace(PLACE, options=" --profile premerge")
    assert place.commands(TICKET)[0] == f'pytest "{PLACE.node}" --profile premerge'


def test_a_law_of_the_searches_is_invented() -> None:
    """The laws of these tests are no laws of the catalogue."""
    assert invented_law().id not in LAWS
