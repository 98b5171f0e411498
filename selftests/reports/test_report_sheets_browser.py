"""Ranks and starts in a real Chromium: to scale on a desk and on a phone, in both themes, and told without colours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from reports import html
from reports.records import read
from reports.summary import summarise
from selftests.reports import sample
from selftests.reports.browser import Browser, browser
from selftests.reports.sample_sheets import SHARED_BADLY, STARTS, shares_violation
from selftests.reports.test_report_browser import OPEN_ALL, OVERLAPS

pytestmark = pytest.mark.browser

WIDE = """[...document.querySelectorAll('.starts > .scroll')].filter((one) => one.scrollWidth > one.clientWidth + 1)
  .length"""
"""Tables of starts that have to be scrolled."""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One Chromium for the module."""
    with browser(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page with a violation of each kind, and with what the sample shows of both."""
    folder = tmp_path_factory.mktemp("sheets")
    other = replace(shares_violation("57a27"), because="a warm start compiles again")
    lines = [
        *sample.records(),
        sample.law("ranks/balanced", "f1", verdict="violated", violation=shares_violation(), sheet=SHARED_BADLY),
        sample.law("compile/counted-once", "f2", verdict="violated", violation=other, sheet=STARTS),
    ]
    path = folder / "index.html"
    path.write_text(html.render(summarise(read(sample.write(folder / "r.jsonl", lines)))), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_drawn_and_readable(chromium: Browser, url: str, width: int, dark: bool) -> None:
    """No page wider than the window, no label on another, enough contrast, and starts that need no scrolling."""
    page = chromium.open(url, width=width, dark=dark)
    page.run(OPEN_ALL)
    assert page.complaints == []
    assert page.run("document.documentElement.scrollWidth") == width
    assert page.run("document.querySelectorAll('.shares').length") == 6
    assert page.run(OVERLAPS) == []
    assert page.run(WIDE) == 0
    result = page.run((Path(__file__).parent / "contrast.js").read_text(encoding="utf-8"))
    assert isinstance(result, dict)
    assert result["found"] == []


@pytest.mark.parametrize(("width", "beside"), [(1280, True), (390, False)])
def test_panels_find_their_place(chromium: Browser, url: str, width: int, beside: bool) -> None:
    """What is encoded stands beside what is to be gathered, or above it on a phone, both in full width."""
    page = chromium.open(url, width=width)
    tops = "[...document.querySelectorAll('#sharing .panel')].map((one) => one.getBoundingClientRect())"
    assert page.run(f"(([one, two]) => one.top === two.top)({tops})") is beside
    assert page.run(f"{tops}.every((one) => one.width > 300)") is True


def test_told_to_a_screen_reader(chromium: Browser, url: str) -> None:
    """Drawings have names, and what is wrong stands in words with a mark."""
    page = chromium.open(url)
    tree = page.send("Accessibility.getFullAXTree")["nodes"]
    assert isinstance(tree, list)
    names = {node["name"]["value"] for node in tree if "name" in node}
    assert "Encodes: input rows by rank, batch 1" in names
    assert "To gather: output rows and padding by rank, batch 1" in names
    assert "\N{MULTIPLICATION X} On no rank: item 5." in page.text


def test_on_paper(chromium: Browser, url: str) -> None:
    """Nothing is cut off in print, and a table that is closed on the screen is no loss: its numbers are in the bars."""
    page = chromium.open(url, dark=True)
    page.send("Emulation.setEmulatedMedia", media="print")
    assert page.run("document.querySelector('#sharing .shares').getBoundingClientRect().height > 80") is True
    assert page.run("document.querySelector('#startup .span-bar').getBoundingClientRect().width > 30") is True
