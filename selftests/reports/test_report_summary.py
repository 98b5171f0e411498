"""The numbers of a run, in JSON, text, Markdown and annotations: never better than the records allow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from reports import annotations as github
from reports.markdown import as_markdown, escape
from reports.merge import merge
from reports.records import RecordWriter, read
from reports.schema import Deviation, Fault, Inapplicable, Law, Note, Plan, Record
from reports.summary import Summary, as_json, as_text, summarise
from reports.tables import strength
from reports.unshown import unshown
from reports.validation import RecordError
from selftests.reports import sample


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    """The sample's summary."""
    return summarise(read(sample.write(tmp_path_factory.mktemp("summary") / "r.jsonl")))


def _of(tmp_path: Path, *lines: Record, ended: bool = True, **changes: str) -> Summary:
    return summarise(read(sample.write(tmp_path / "r.jsonl", lines, ended=ended, changes=changes)))


def _green() -> tuple[Plan, Law, Fault]:
    law = "packing/every-item-once"
    plan = replace(sample.plan(), laws=sample.plan().laws[:1], faults=("packing/drops-last",))
    fault = next(fault for fault in sample.faults() if fault.fault == "packing/drops-last")
    return plan, sample.law(law, plan.laws[0].family), fault


def test_json_has_every_number(summary: Summary) -> None:
    """The machine's summary of the sample, number by number."""
    found = as_json(summary)
    assert found["complete"] is True
    assert found["verdict"] == "violated"
    assert found["laws"] == {"total": 11, "holds": 7, "violated": 3, "unknown": 1, "inapplicable": 0}
    assert found["cells"] == {"total": 61, "holds": 54, "violated": 5, "unknown": 2, "inapplicable": 4}
    assert found["cases"] == 7281
    assert found["families"] == sorted(sample.FAMILIES)
    assert found["columns"] == ["", sample.SECOND_ROUTE]
    assert found["faults"] == {
        "total": 8,
        "killed": 6,
        "survivors": ["values/shared-lengths"],
        "not_run": ["classes/writes-bases"],
    }
    assert found["false_alarms"] == 5
    assert found["wall_seconds"] == 93.4
    assert (found["subject"], found["device"]) == ("reference", "emulator")


def test_requirements_name_their_laws(summary: Summary) -> None:
    """Each requirement lists the laws that cite it, with the worst verdict over families."""
    spec = as_json(summary)["spec"]
    assert isinstance(spec, dict)
    assert list(spec) == ["D6", "G3", "G4", "G6", "G7", "G8", "T2", "T9"]
    assert spec["G6"] == [
        {"law": "memory/results-survive", "verdict": "unknown"},
        {"law": "values/batch-equals-alone", "verdict": "holds"},
        {"law": "values/replay-equals-eager", "verdict": "violated"},
    ]


def test_only_everything_is_green(tmp_path: Path) -> None:
    """A run holds if all that was planned ran, held over some case, ended, and caught every fault."""
    assert _of(tmp_path, *_green()).standing == "holds"


@pytest.mark.parametrize("missing", [1, 2])
def test_what_did_not_run_is_unknown(tmp_path: Path, missing: int) -> None:
    """A planned law or fault without a record keeps the run from holding."""
    lines = _green()
    assert _of(tmp_path, *lines[:missing], *lines[missing + 1 :]).standing == "unknown"


def test_no_footer_is_unknown(tmp_path: Path) -> None:
    """A run that did not end is not a pass."""
    found = _of(tmp_path, *_green(), ended=False)
    assert found.standing == "unknown"
    assert as_json(found)["complete"] is False
    assert as_json(found)["wall_seconds"] is None


def test_no_case_is_unknown(tmp_path: Path) -> None:
    """A law that held over no case shows nothing."""
    plan, law, fault = _green()
    found = _of(tmp_path, plan, replace(law, cases=0), fault)
    assert found.standing == "unknown"
    assert found.cells[0].reason == "held over 0 cases, which shows nothing"


def test_survivor_is_no_pass(tmp_path: Path) -> None:
    """A run in which a fault survived does not hold."""
    plan, law, fault = _green()
    survivor = replace(fault, killed=False, by=None)
    assert _of(tmp_path, plan, law, survivor).standing == "unknown"


def test_empty_run_is_no_pass(tmp_path: Path) -> None:
    """A run without laws says so."""
    found = _of(tmp_path)
    assert found.standing == "unknown"
    assert "No law was judged." in as_text(found)


def test_inapplicable_laws_are_counted_apart(tmp_path: Path) -> None:
    """A law that applies to no family is neither held nor unknown, and the reader is told."""
    plan, _, fault = _green()
    excuse = Inapplicable(law="packing/every-item-once", family=sample.FAMILIES[0], reason="no packer")
    found = _of(tmp_path, plan, excuse, fault)
    assert as_json(found)["laws"] == {"total": 0, "holds": 0, "violated": 0, "unknown": 0, "inapplicable": 1}
    assert any("no packer" in limit.text for limit in unshown(found))


def test_violation_outweighs_the_excuse(tmp_path: Path) -> None:
    """A cell that is excused and ran all the same is judged by what ran; of several records the worst counts."""
    law = sample.law("packing/every-item-once", "toy")
    broken = replace(law, verdict="violated", violation=sample.plain_violation())
    excuse = Inapplicable(law=law.law, family="toy", reason="no packer")
    found = _of(tmp_path, law, broken, excuse)
    assert [cell.standing for cell in found.cells] == ["violated"]


def test_false_alarms_need_the_clean_subject(tmp_path: Path) -> None:
    """A violation of a stranger is a finding, not a false alarm."""
    lines = (sample.law("packing/every-item-once", "toy", verdict="violated", violation=sample.plain_violation()),)
    assert _of(tmp_path, *lines).false_alarms == 1
    assert _of(tmp_path, *lines, subject="vllm").false_alarms == 0


def test_limits_of_the_sample(summary: Summary) -> None:
    """What the run does not show is said: notes, what did not run, excuses, classes never drawn."""
    said = [(limit.topic, limit.text) for limit in unshown(summary)]
    assert ("device", "No GPU took part: captures ran on the emulator.") in said
    assert ("laws", "1 planned cell did not run.") in said
    assert ("faults", "1 planned fault did not run.") in said
    assert ("not applicable", "4 cells not applicable: the subject declares no data parallel mode.") in said
    assert ("inputs", "The class of inputs 'single-token' was never drawn by 11 laws.") in said


def test_device_is_always_said(tmp_path: Path) -> None:
    """Without a note the missing GPU is stated all the same; on a GPU it is not."""
    assert any(limit.topic == "device" for limit in unshown(_of(tmp_path, *_green())))
    assert not any(limit.topic == "device" for limit in unshown(_of(tmp_path, *_green(), device="cuda:0")))


def test_strength_is_three_over_n() -> None:
    """Zero failures in N cases bound the rate by 3/N, and say nothing below four cases."""
    assert strength(57) == pytest.approx(3 / 57)
    assert strength(3) is None


def test_text_is_short(summary: Summary) -> None:
    """The terminal shows verdict, faults, and one line for each cell that does not hold."""
    lines = as_text(summary).split("\n")
    assert lines[1].startswith("7 of 11 laws hold. 3 violated; 1 unknown; 1 known failure;")
    assert lines[2] == "6 of 8 deliberate faults caught; 1 survived; 1 did not run."
    assert sum(line.startswith(("violated", "unknown")) for line in lines) == 7


def test_markdown_escapes(tmp_path: Path) -> None:
    """Names cannot break out of their table cell, start markup or mention anybody."""
    hostile = "a|b`<img src=x>`@someone\n# head \ud800"
    law = sample.law("packing/every-item-once", hostile, verdict="unknown", cases=0, reason=hostile)
    text = as_markdown(_of(tmp_path, law))
    (row,) = [line for line in text.split("\n") if "packing/every-item-once" in line]
    assert row.count("|") == 6
    assert not set("<`@").intersection(row)
    text.encode("utf-8")
    assert escape("plain text") == "plain text"


def test_markdown_leads_with_the_verdict(summary: Summary) -> None:
    """The first line is the verdict, and each cell that does not hold is a row."""
    lines = as_markdown(summary).split("\n")
    assert lines[0] == "### \N{MULTIPLICATION X} 7 of 11 laws hold."
    assert sum(line.startswith("| ") for line in lines) == 8


def test_annotations_group_by_cause(summary: Summary) -> None:
    """One error for each distinct cause; a known failure is no news; a stale one is."""
    lines = github.lines(summary)
    assert all(line.startswith("::error title=") for line in lines)
    assert lines[0].startswith("::error title=values/replay-equals-eager violated::On qwen3-vl, qwen3-vl (route two")
    assert lines[1].startswith("::error title=compile/counted-once violated::On toy: a monitor inside")
    assert any("Fault values/shared-lengths survived" in line for line in lines)
    assert any("Stale known failure of packing/order-restored" in line for line in lines)
    assert not any("llava-next: a monitor" in line for line in lines)


def test_annotations_stop_at_ten(tmp_path: Path) -> None:
    """Ten errors, then one notice that counts the rest; special characters cannot start a command."""
    laws = [
        sample.law("packing/every-item-once", f"f{n}", verdict="unknown", cases=0, reason=f"cause {n}\n::error::x")
        for n in range(14)
    ]
    lines = github.lines(_of(tmp_path, *laws))
    assert len(lines) == 11
    assert not any("\n" in line for line in lines)
    assert lines[0] == "::error title=Unknown%3A packing/every-item-once::On f0: cause 0%0A::error::x."
    assert lines[-1] == "::notice title=Not every cause is shown::4 more causes; the HTML report has them all."


def test_annotations_of_a_pass(tmp_path: Path) -> None:
    """A run that holds is silent."""
    assert github.lines(_of(tmp_path, *_green())) == ()


def test_known_failures_are_counted(tmp_path: Path) -> None:
    """A violated cell that a deviation covers stays violated and is called known."""
    law = sample.law("packing/every-item-once", "toy", verdict="violated", violation=sample.plain_violation())
    known = Deviation(law=law.law, family="toy", deviation_kind="bug", still_fails=True)
    found = _of(tmp_path, law, known)
    assert found.standing == "violated"
    assert "1 known failure" in as_text(found)


def _shards(tmp_path: Path, *, ended: bool = True) -> dict[str, Path]:
    plan, *rest = sample.records()
    half = len(rest) // 2
    return {
        "one": sample.write(tmp_path / "one.jsonl", (plan, *rest[:half])),
        "two": sample.write(tmp_path / "two.jsonl", (plan, *rest[half:]), ended=ended),
    }


def _merged(tmp_path: Path, shards: dict[str, Path]) -> Path:
    path = tmp_path / "whole.jsonl"
    path.write_text(merge({name: read(shard) for name, shard in shards.items()}))
    return path


def test_merged_shards_are_the_whole_run(tmp_path: Path) -> None:
    """Two shards say together what one run says, whichever is named first."""
    whole = as_json(summarise(read(sample.write(tmp_path / "direct.jsonl"))))
    shards = _shards(tmp_path)
    for names in (("one", "two"), ("two", "one")):
        merged = as_json(summarise(read(_merged(tmp_path, {name: shards[name] for name in names}))))
        assert merged == whole


def test_merge_keeps_the_gap(tmp_path: Path) -> None:
    """A shard that did not end leaves the whole incomplete, and a note names it."""
    found = read(_merged(tmp_path, _shards(tmp_path, ended=False)))
    assert not found.complete
    assert Note(topic="merge", text=f"Shard two: {read(tmp_path / 'two.jsonl').gaps[0]}") in found.notes


def test_merge_refuses_other_runs(tmp_path: Path) -> None:
    """Shards of different subjects, and one shard twice, are refused with their names."""
    first = read(sample.write(tmp_path / "a.jsonl"))
    other = read(sample.write(tmp_path / "b.jsonl", changes={"subject": "vllm"}))
    with pytest.raises(RecordError, match="subject is 'reference' in a and 'vllm' in b; merge shards of one"):
        merge({"a": first, "b": other})
    with pytest.raises(RecordError, match="a and b hold the same records"):
        merge({"a": first, "b": first})


def test_merge_keeps_unknown_kinds(tmp_path: Path) -> None:
    """Lines of a later release survive a merge."""
    writer = RecordWriter(tmp_path / "r.jsonl", sample.header())
    writer.close({"exit_status": 0, "wall_seconds": 1})
    path = writer.path
    path.write_text(path.read_text().replace('{"kind":"footer"', '{"kind":"later","$x":1}\n{"kind":"footer"'))
    text = merge({"r": read(path)})
    assert '{"kind":"later","$$x":1}' in text or '"$x":1' in text


def test_many_excuses_are_told_together(tmp_path: Path) -> None:
    """A stranger lacks much: up to five reasons are told one by one, more as one sentence with the laws' names."""

    def said(count: int) -> list[tuple[str, tuple[str, ...]]]:
        excuses = [Inapplicable(law=f"a/{number}", family="toy", reason=f"no {number}") for number in range(count)]
        found = unshown(_of(tmp_path, *excuses))
        return [(limit.text, limit.names) for limit in found if limit.topic == "not applicable"]

    assert [text for text, _ in said(5)] == [f"1 cell not applicable: no {number}." for number in range(5)]
    assert said(6) == [
        (
            "6 laws not applicable, for 6 reasons: each stands with its law.",
            tuple(f"a/{number}" for number in range(6)),
        )
    ]
