"""What a report says of the subject beside its verdicts: what was replaced of it, and what its own tests say."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports import html
from reports.compare import compare
from reports.markdown import as_markdown
from reports.merge import merge
from reports.own_tests import FILE, read_own_tests, write_own_tests
from reports.records import read
from reports.subject_schema import OwnTests, Replacement, UnpassedTest
from reports.summary import Summary, as_json, as_text, summarise
from reports.validation import RecordError
from selftests.reports import sample

REPLACED = Replacement(name="engine.kernels", by="plain <torch>", why="there is no `GPU`")
IN_ONE = Replacement(name="the model", by="a tower", why="it is large", columns=("two devices",))
FAILED = UnpassedTest(name="test_file::test_one", outcome="failed", reason="assert 1 == 2")
PASSED = OwnTests(release="1", what="tests/test_file.py", passed=69, day="2027-01-02")
REMEDY = "`run it`"


def _summary(tmp_path: Path, name: str = "records.jsonl", **changes: object) -> Summary:
    return summarise(read(sample.write(tmp_path / name, changes=changes)))


def test_every_replacement_is_listed(tmp_path: Path) -> None:
    """Name, what stands for it, why; and where, if it is not everywhere."""
    page = html.render(_summary(tmp_path, replacements=[REPLACED, IN_ONE]))
    section = page.partition('<section id="stand-ins"')[2].partition("</section>")[0]
    for text in (
        "engine.kernels",
        "plain &lt;torch&gt;",
        "there is no <code>GPU</code>",
        "<td>all</td>",
        "two devices",
    ):
        assert text in section, text
    assert '<a href="#stand-ins">' in page
    everywhere = html.render(_summary(tmp_path, replacements=[REPLACED]))
    assert "Routes" not in everywhere.partition('<section id="stand-ins"')[2].partition("</section>")[0]


def test_where_nothing_is_replaced_there_is_no_section(tmp_path: Path) -> None:
    """As of the reference; the same of own tests where none are known."""
    page = html.render(_summary(tmp_path))
    assert "stand-ins" not in page
    assert "own-tests" not in page


@pytest.mark.parametrize(
    ("tests", "standing", "sentence"),
    [
        (PASSED, "holds", "69 passed, 0 failed"),
        (OwnTests(release="1", what="t", passed=2, others=(FAILED,)), "violated", "2 passed, 1 failed"),
        (OwnTests(release="1", what="t"), "unknown", "0 passed, 0 failed"),
        (OwnTests(release="1", what="t", reason="no net"), "unknown", "not known: no net"),
    ],
    ids=["passed", "failed", "none", "not run"],
)
def test_own_tests_stand_beside_the_laws(tmp_path: Path, tests: OwnTests, standing: str, sentence: str) -> None:
    """On the page, in a terminal, in Markdown and as JSON; what is not known is never green."""
    summary = _summary(tmp_path, own_tests=tests)
    page = html.render(summary)
    assert f'<p><span class="badge {standing}">' in page.partition('<section id="own-tests"')[2]
    assert sentence in page
    assert f"the subject's own tests: {sentence}" in as_text(summary)
    assert "the subject's own tests: " in as_markdown(summary)
    told = as_json(summary)["own_tests"]
    assert isinstance(told, dict)
    assert told["verdict"] == standing
    assert ("What the subject&#39;s own tests say is not known" in page) is (tests.reason is not None)


def test_a_failed_test_is_named(tmp_path: Path) -> None:
    """With its reason; the run's verdict is that of the laws."""
    tests = OwnTests(release="1", what="t", passed=2, others=(FAILED,))
    summary = _summary(tmp_path, own_tests=tests)
    page = html.render(summary)
    assert "<td>failed</td>" in page
    assert "assert 1 == 2" in page
    assert summary.standing == _summary(tmp_path).standing


def test_a_comparison_shows_both(tmp_path: Path) -> None:
    """A replacement once per subject with its releases, own tests in each run's row."""
    one = sample.write(
        tmp_path / "1", [], changes={"subject_version": "1", "replacements": [REPLACED], "own_tests": PASSED}
    )
    other = sample.write(tmp_path / "2", [], changes={"subject_version": "2", "replacements": [REPLACED, IN_ONE]})
    found = compare({"1": one, "2": other})
    assert [(each.replacement.name, each.releases) for each in found.stand_ins] == [
        ("engine.kernels", ("1", "2")),
        ("the model", ("2",)),
    ]
    page = html.render_comparison(found)
    assert "69 passed, 0 failed" in page
    assert '<td class="wide">no record</td>' in page
    assert 'id="stand-ins"' in page


def test_shards_say_the_most_that_is_known(tmp_path: Path) -> None:
    """A shard whose folder had no such file does not hide what another one knows, and a pass hides no failure."""
    law = sample.law("packing/order-restored", "toy")
    failed = OwnTests(release="1", what="t", passed=70, others=(FAILED,))
    unknown = OwnTests(release="1", what="t", reason="no net")
    shards = {}
    for name, tests in (("a", unknown), ("b", PASSED), ("c", failed)):
        other = sample.law("packing/order-restored", name)
        shards[name] = read(sample.write(tmp_path / name, [law, other], changes={"own_tests": tests}))
    whole = tmp_path / "whole"
    whole.write_text(merge(shards))
    assert read(whole).header.own_tests == failed
    whole.write_text(merge({name: shards[name] for name in "ab"}))
    assert read(whole).header.own_tests == PASSED


def test_the_file_comes_back(tmp_path: Path) -> None:
    """As it was left, of its own release alone."""
    write_own_tests(tmp_path, PASSED)
    assert read_own_tests(tmp_path, release="1", remedy=REMEDY) == PASSED
    other = read_own_tests(tmp_path, release="2", remedy=REMEDY)
    assert other.reason == "own-tests.json is of release 1, and this is 2; `run it` writes it anew"


@pytest.mark.parametrize("text", [None, "{", "[]", '{"release": 1}', "\x00"])
def test_a_missing_or_damaged_file_is_unknown(tmp_path: Path, text: str | None) -> None:
    """With the reason and what to run; never green, and never an exception that ends the run of the laws."""
    if text is not None:
        (tmp_path / FILE).write_text(text)
    found = read_own_tests(tmp_path, release="1", remedy=REMEDY)
    assert found.standing == "unknown"
    assert REMEDY in (found.reason or "")


@pytest.mark.parametrize("tests", [{"passed": -1}, {"passed": 1, "reason": "no net"}, {"others": [{"name": "a"}]}])
def test_a_header_that_contradicts_itself_is_refused(tmp_path: Path, tests: dict[str, object]) -> None:
    """By the writer."""
    with pytest.raises(RecordError, match="own_tests"):
        sample.write(tmp_path / "records.jsonl", changes={"own_tests": {"release": "1", "what": "t", **tests}})


def test_the_last_day_of_a_known_failure_is_shown(tmp_path: Path) -> None:
    """Beside its link; `none` where it has no last day."""
    page = html.render(_summary(tmp_path)).partition('id="known"')[2].partition("</table>")[0]
    assert "<td>2027-03-31</td>" in page
    assert "<td>none</td>" in page
    assert 'href="https://example.org/issues/1"' in page
