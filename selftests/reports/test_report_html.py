"""The page as text: its order, its escaping, and that it does not depend on the order of the records."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports import html
from reports.compile_schema import CompiledGraph, LedgerEntry, LedgerSheet
from reports.decoration_schema import DecorationRow, DecorationSheet
from reports.records import read
from reports.schema import Fault, Inapplicable, Note, Record, Violation
from reports.sheet_schema import RanksSheet, Sheet
from reports.summary import summarise
from reports.text import anchor, case, duration, number, percent, visible
from selftests.reports import sample
from selftests.reports.decoration_records import DECORATIONS
from selftests.reports.sample_compile import DOUBLE
from selftests.reports.sample_decoration import WRITTEN, change
from selftests.reports.sample_sheets import STARTS, WRONG, share
from selftests.reports.sheet_records import DRAWN
from selftests.reports.test_report_encoding import ANY_TEXT
from selftests.reports.test_report_records import VIOLATIONS

HOSTILE = (
    "</script><img src=x onerror=alert(1)>",
    "'\"><svg/onload=alert(1)>",
    "--><script>alert(1)</script>",
    "{{ 7 * 7 }}{% raw %}",
    "\u202ereversed\u2066 \u2028 \u2029 \x00 \x1b[31m \ud800",
    "x" * 10_000,
    "",
    "javascript:alert(1)",
)
VOID = {"meta", "link", "br", "wbr", "img", "input", "hr"}


class Page(HTMLParser):
    """Elements of a page: ids, links, headings, text, and whether every tag was closed."""

    def __init__(self, source: str) -> None:
        """Parse the source."""
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.handlers: list[str] = []
        self.headings: list[int] = []
        self.words: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags[tag] += 1
        values = {name: value or "" for name, value in attrs}
        self.handlers += [name for name in values if name.startswith("on")]
        if "id" in values:
            self.ids.append(values["id"])
        if "href" in values:
            self.links.append(values["href"])
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that is closed at once."""
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        """Close an element: it must be the innermost one."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note the text."""
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data)

    @property
    def text(self) -> str:
        """All text, with its white space made plain."""
        return " ".join("".join(self.words).split())


def _source(path: Path, *lines: Record, **changes: object) -> str:
    return html.render(summarise(read(sample.write(path, lines or sample.records(), changes=changes))))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The sample's page."""
    return _source(tmp_path_factory.mktemp("page") / "r.jsonl")


def _hostile_ledger(text: str) -> LedgerSheet:
    entry = LedgerEntry(place=text, component=text, start=0.0, end=1.0, own=1.0, said=2.0, also=text)
    return replace(DOUBLE, title=text, entries=(*DOUBLE.entries, entry))


def _hostile_decoration(text: str) -> DecorationSheet:
    hostile = change(text, text, text, text, text + text, row=text or "none")
    rows = (DecorationRow(row="hostile", thing=text, promise=text),)
    return DecorationSheet(title=text, changes=(*WRITTEN.changes, hostile, replace(hostile, allowed=True)), rows=rows)


def _hostile(text: str) -> tuple[Record, ...]:
    """Records in which every string is hostile."""
    violation = replace(
        sample.numbers_violation(), id=text, expected=text, actual=text, because=text, case={text: [text]},
        case_text=None, reproduce=(text,), first_arm=text, ledger=_hostile_ledger(text),
    )  # fmt: skip
    return (
        sample.law(
            "values/replay-equals-eager", text, verdict="violated", reason=text, node=text, violation=violation,
            decoration=_hostile_decoration(text),
            sheet=RanksSheet(batches=(replace(WRONG, ranks=(share(0, (), most=1, error=text),)),)),
        ),
        replace(
            sample.law("packing/every-item-once", text), law=text, statement=text, spec=(text,), labels={text: 1},
            sheet=replace(STARTS, note=text),
            graphs=(CompiledGraph(program=text, backend=text, component=text, ranges=text, wall=1.0, counted=2.0),),
        ),
        Inapplicable(law=text + "2", family=text, reason=text),
        Fault(fault=text, area=text, breaks=text, killed=False, caught_by=(text,), source=text),
        Note(topic=text, text=text),
        *(record for record in sample.records() if record.KIND == "deviation"),
    )  # fmt: skip


def test_well_formed(source: str) -> None:
    """Every tag is closed in order, every id is unique, every inner link has a target, headings have no gap."""
    page = Page(source)
    assert page.open == []
    assert [name for name, count in Counter(page.ids).items() if count > 1] == []
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in zip(page.headings, page.headings[1:], strict=False))
    assert '<html lang="en">' in source


def test_tables_are_described(source: str) -> None:
    """Each table has a caption, and no header cell lacks its scope."""
    page = Page(source)
    assert page.tags["table"] == page.tags["caption"] > 8
    assert not re.search(r"<th(?![a-z])(?![^>]*scope=)", source)


def test_order_of_the_page(source: str) -> None:
    """Verdict first, then what the run does not show, then the violations, and so on."""
    page = Page(source)
    order = "main limits violations cells ledger decoration sharing startup margins inputs faults laws environment"
    assert " ".join(name for name in page.ids if name in order.split()) == order
    assert page.text.index("7 of 11 laws hold.") < page.text.index("What this run does not show")
    assert "\N{MULTIPLICATION X} 7 of 11 laws hold." in source[: source.index("</title>")]


def test_violation_says_everything(source: str) -> None:
    """Expected, actual, because, case, arms with A/A noise, place, commands: all are in the page."""
    page = Page(source)
    violation = sample.numbers_violation()
    for part in (violation.expected, violation.actual, violation.because, *violation.reproduce):
        assert " ".join(part.split()) in page.text
    for part in ("eager on padded buffers", "first to differ", "A/A noise, eager against itself: max abs 0"):
        assert part in page.text
    for part in ("96 of 256 (38 %)", "batch 0, item 0, [3, 17]", "rtol 1.3e-06, atol 1e-05", "1,321 times"):
        assert part in page.text
    assert "0 failures in 628 cases: rate below 0.48 % at 95 %" in page.text


def test_no_request(source: str) -> None:
    """Nothing is fetched: links leave the page only when they are followed, and the policy forbids the rest."""
    assert "default-src &#39;none&#39;" in source or "default-src 'none'" in source
    assert not re.search(r"""(src|srcset|data|action|poster)\s*=\s*["']?http""", source)
    assert not re.search(r"@import|url\((?!#)", source)
    page = Page(source)
    assert {link for link in page.links if not link.startswith(("#", "data:"))} == {"https://example.org/issues/1"}


def test_same_page_for_any_order(tmp_path: Path) -> None:
    """The page does not show in which order the records came."""
    lines = sample.records()
    assert _source(tmp_path / "a.jsonl", *lines) == _source(tmp_path / "b.jsonl", *lines[::-1])


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_strings_stay_text(tmp_path: Path, text: str) -> None:
    """A string of the records is never markup, a handler or an instruction to the template, and never hidden."""
    source = _source(tmp_path / "r.jsonl", *_hostile(text), subject=text, command=text, versions={"python": text})
    page = Page(source)
    plain = Page(_source(tmp_path / "p.jsonl", *_hostile("plain"), subject="plain", command="plain"))
    assert page.handlers == []
    assert page.tags["script"] == plain.tags["script"] == 1
    assert page.tags["img"] == 0
    assert page.tags["svg"] == plain.tags["svg"]
    assert [name for name, count in Counter(page.ids).items() if count > 1] == []
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert not set("\u202e\u2066\u2028\u2029\x00\x1b\ud800").intersection(source)
    source.encode("utf-8")


# A file and a page for each example: the first one compiles the templates.
@settings(deadline=None)
@given(violation=VIOLATIONS, sheet=st.none() | DECORATIONS, drawn=st.none() | DRAWN)
def test_any_violation_renders(
    tmp_path_factory: pytest.TempPathFactory, violation: Violation, sheet: DecorationSheet | None, drawn: Sheet | None
) -> None:
    """Whatever a violation holds, and whatever it lacks, the page is well formed."""
    law = sample.law("packing/every-item-once", "toy", verdict="violated", violation=violation, decoration=sheet)
    law = replace(law, sheet=drawn)
    assert Page(_source(tmp_path_factory.mktemp("any") / "r.jsonl", law)).open == []


def test_empty_and_broken_runs_render(tmp_path: Path) -> None:
    """A run without a single record, and one that died, are pages that say so."""
    path = sample.write(tmp_path / "r.jsonl", (), ended=False)
    page = Page(html.render(summarise(read(path))))
    assert "No law was judged." in page.text
    assert "The run is not complete." in page.text
    law = sample.law("packing/every-item-once", "toy", verdict="violated")
    assert "No counterexample was recorded" in Page(_source(path, law)).text


def test_long_runs_are_capped_aloud(tmp_path: Path) -> None:
    """Beyond the limit violations are named in the table, and the page says how many are in full."""
    count = html.VIOLATION_LIMIT + 7
    laws = [
        sample.law("packing/every-item-once", f"f{n}", verdict="violated", violation=sample.plain_violation(f"{n:08x}"))
        for n in range(count)
    ]
    page = Page(_source(tmp_path / "r.jsonl", *laws))
    assert f"{count} violations with 1 cause; the first {html.VIOLATION_LIMIT} in full below" in page.text
    assert page.tags["article"] == html.VIOLATION_LIMIT


@given(text=ANY_TEXT)
def test_visible_hides_nothing(text: str) -> None:
    """Hidden characters are spelled out, all others stay; what is shown can be written as UTF-8."""
    shown = visible(text)
    shown.encode("utf-8")
    assert visible(shown) == shown
    if text.isascii() and text.isprintable():
        assert shown == text


@given(names=st.lists(ANY_TEXT, unique=True, max_size=8))
def test_anchors_are_stable_and_distinct(names: list[str]) -> None:
    """Different names have different ids that a link can carry as they are."""
    found = [anchor("v", name) for name in names]
    assert len(set(found)) == len(names)
    assert all(re.fullmatch("[a-z0-9-]+", one) for one in found)
    assert anchor("v", "7f3a91c2") == "v-7f3a91c2"


def test_values_as_text() -> None:
    """Numbers do not depend on a locale, and what was not measured is not a zero."""
    assert [number(one) for one in (None, 0.0, 1.234567e-6, float("nan"), float("-inf"), 12480)] == [
        "not measured", "0", "1.23e-06", "NaN", "-Inf", "12,480",
    ]  # fmt: skip
    assert [duration(one) for one in (0.4, 93.4, 3725, None)] == ["0.40 s", "1 min 33 s", "1 h 2 min", "unknown"]
    assert [percent(one) for one in (0.0526, 1.0, 1321.0, None)] == ["5.3 %", "100 %", "1,321 times", "unknown"]
    assert case({"a": [1, 2], "b": float("nan")}) == 'a: [1, 2]\nb: {"$float": "nan"}'
