"""The page in a real Chromium: offline, without JavaScript, narrow, dark, printed, and with hostile records."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reports import html
from reports.records import read
from reports.summary import summarise
from selftests.reports import sample
from selftests.reports.browser import Browser, browser
from selftests.reports.sample_decoration import LONG_AFTER, decoration_violation
from selftests.reports.test_report_html import HOSTILE, _hostile

pytestmark = pytest.mark.browser

OPEN_ALL = "document.querySelectorAll('details').forEach((one) => { one.open = true; })"
OVERLAPS = """(() => {
  const found = [];
  for (const drawing of document.querySelectorAll(".ledger svg, svg.stacked, svg.shares")) {
    const labels = [...drawing.querySelectorAll("text")].filter((one) => one.textContent.trim());
    const boxes = labels.map((one) => [one.textContent, one.getBoundingClientRect()]);
    const whole = drawing.getBoundingClientRect();
    boxes.forEach(([name, box], index) => {
      if (box.left < whole.left || box.right > whole.right) found.push(`${name} leaves the drawing`);
      for (const [other, next] of boxes.slice(index + 1)) {
        const beside = box.right <= next.left || next.right <= box.left;
        const above = box.bottom <= next.top + 3 || next.bottom <= box.top + 3;
        if (!beside && !above) found.push(`${name} lies on ${other}`);
      }
    });
  }
  return found;
})()"""
"""Labels of the drawings of seconds and of ranks that lie on one another, or leave their drawing."""
COMMANDS = [
    *sample.numbers_violation().reproduce,
    *sample.plain_violation().reproduce,
    *decoration_violation().reproduce,
    "pytest -n auto suite/tests --profile premerge",
]


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One Chromium for the module."""
    with browser(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The sample's page as a file address."""
    folder = tmp_path_factory.mktemp("browser")
    path = folder / "index.html"
    path.write_text(html.render(summarise(read(sample.write(folder / "r.jsonl")))), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
def test_offline_and_silent(chromium: Browser, url: str, width: int, dark: bool) -> None:
    """One request, for the file itself; not a word on the console; no page wider than the window."""
    page = chromium.open(url, width=width, dark=dark)
    page.run(OPEN_ALL)
    assert page.requests == [url]
    assert page.complaints == []
    assert page.run("document.documentElement.scrollWidth") == width
    assert page.run("matchMedia('(prefers-color-scheme: dark)').matches") is dark


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_contrast(chromium: Browser, url: str, dark: bool) -> None:
    """All text, and the lines of the drawings, stand out from their ground as WCAG 2.1 AA asks."""
    page = chromium.open(url, dark=dark)
    page.run(OPEN_ALL)
    result = page.run((Path(__file__).parent / "contrast.js").read_text(encoding="utf-8"))
    assert isinstance(result, dict)
    assert result["judged"] > 300
    assert result["found"] == []


def test_complete_without_javascript(chromium: Browser, url: str) -> None:
    """Verdict, limits, every violation's text and every command are visible, and no control promises more."""
    words = (page := chromium.open(url, javascript=False)).text
    assert "7 of 11 laws hold." in words
    assert "No GPU took part" in words
    for command in COMMANDS:
        assert command in words
    for violation in (sample.numbers_violation(), sample.plain_violation()):
        assert violation.because in words
    assert page.run("document.querySelectorAll('button').length") == 0


def test_drawing_has_size_and_words(chromium: Browser, url: str) -> None:
    """The drawing is as wide as its place, and a screen reader is told its numbers."""
    page = chromium.open(url)
    assert page.run("document.querySelector('svg.bars').getBoundingClientRect().width > 500") is True
    tree = page.send("Accessibility.getFullAXTree")["nodes"]
    assert isinstance(tree, list)
    names = {node["name"]["value"] for node in tree if "name" in node}
    assert "Packing of the minimal case, to scale" in names
    assert "holds" in names


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_ledger_is_drawn_and_told(chromium: Browser, url: str, dark: bool) -> None:
    """It is as wide as its place, fillings differ without their colours, no label leaves its bar or another's."""
    page = chromium.open(url, dark=dark)
    assert page.run("document.querySelector('.ledger svg').getBoundingClientRect().width > 500") is True
    fills = "[...document.querySelectorAll('.ledger svg .own:not(.residual)')].map((one) => getComputedStyle(one).fill)"
    assert page.run(f"[...new Set({fills})].sort()") == ['url("#own-0")', 'url("#own-1")']
    assert page.run(OVERLAPS) == []
    tree = page.send("Accessibility.getFullAXTree")["nodes"]
    assert isinstance(tree, list)
    names = {node["name"]["value"] for node in tree if "name" in node}
    assert "Whose each second is, and who counted it, to scale" in names
    words = page.text
    assert "what is too much was counted already for B, worker 0, thread 0: encoder" in words
    assert "10.999875" in words
    assert "Compile ledger" in words


@pytest.mark.parametrize("width", [1280, 390])
def test_decoration_stands_side_by_side(chromium: Browser, url: str, width: int) -> None:
    """Before and after have the same width and height on a desk and on a phone, and no value leaves its side."""
    page = chromium.open(url, width=width)
    sides = "[...document.querySelectorAll('.violation > .diff > .sides tbody tr:not(.area)')]"
    boxes = f"{sides}.map((row) => [...row.querySelectorAll('td')].map((cell) => cell.getBoundingClientRect()))"
    assert page.run(f"{sides}.length > 5") is True
    assert page.run(f"{boxes}.every(([one, two]) => one.top === two.top && one.right <= two.left + 1)") is True
    assert page.run(f"{boxes}.every(([one, two]) => Math.abs(one.width - two.width) < 24 && one.width > 100)") is True
    wide = f"{sides}.some((row) => [...row.querySelectorAll('td')].some((cell) => cell.scrollWidth > cell.clientWidth))"
    assert page.run(wide) is False


def test_whole_values_can_be_reached(chromium: Browser, url: str) -> None:
    """A cut value is opened by hand without a script, and on paper it is whole."""
    page = chromium.open(url, javascript=False)
    assert LONG_AFTER not in page.text
    page.run("document.querySelectorAll('details.long').forEach((one) => { one.open = true; })")
    assert LONG_AFTER in page.text
    page = chromium.open(url)
    page.send("Emulation.setEmulatedMedia", media="print")
    whole = "[...document.querySelectorAll('details.long > code')]"
    assert page.run(f"{whole}.length") == 2
    assert page.run(f"{whole}.every((one) => one.getClientRects().length > 2)") is True
    assert page.run("document.querySelector('details.long > summary').checkVisibility()") is False
    assert page.run("document.querySelector('details.quiet .sides').getBoundingClientRect().height > 40") is True


def test_link_opens_what_it_points_into(chromium: Browser, url: str) -> None:
    """A deep link opens the law it names; one to a violation shows it; an unknown one is answered."""
    page = chromium.open(f"{url}#law-packing-every-item-once-0")
    assert page.run("document.getElementById('announce').textContent") == (
        "This report has nothing named law-packing-every-item-once-0."
    )
    target = str(page.run("document.querySelector('details.law').id"))
    page = chromium.open(f"{url}#{target}")
    assert page.run(f"document.getElementById('{target}').open") is True
    violation = str(page.run("document.querySelector('[id^=v-7f3a91c2]').id"))
    page = chromium.open(f"{url}#{violation}")
    assert page.run(f"Math.abs(document.getElementById('{violation}').getBoundingClientRect().top) < 100") is True


def test_copy_button(chromium: Browser, url: str) -> None:
    """Copying says that it worked, or tells the reader to select the text."""
    page = chromium.open(url)
    assert page.run(f"document.querySelectorAll('.command').length > {len(COMMANDS)}") is True
    assert page.run("[...document.querySelectorAll('.command')].every((one) => one.querySelector('button'))") is True
    page.run("document.querySelector('.command button').click()")
    answer = page.wait_for("document.getElementById('announce').textContent")
    assert answer in ("The command is copied.", "The browser refused to copy: select the text by hand.")


def test_first_tab_is_the_skip_link(chromium: Browser, url: str) -> None:
    """The first stop of the keyboard leads past the head, and everything that scrolls can be reached."""
    page = chromium.open(url)
    page.press()
    assert page.run("document.activeElement.className") == "skip"
    assert page.run("document.activeElement.getBoundingClientRect().left >= 0") is True
    assert page.run("[...document.querySelectorAll('.scroll')].every((one) => one.tabIndex === 0)") is True


def test_print_shows_everything(chromium: Browser, url: str) -> None:
    """On paper closed laws are open, buttons are gone, and the ground is white in the dark theme too."""
    page = chromium.open(url, dark=True)
    assert page.pdf().startswith(b"%PDF")
    page.send("Emulation.setEmulatedMedia", media="print")
    assert page.run("document.querySelector('details.law .said').getBoundingClientRect().height > 10") is True
    assert page.run("document.querySelector('button').checkVisibility()") is False
    assert page.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_injected_script_is_refused(chromium: Browser, url: str) -> None:
    """The policy of the page lets its own script run and no other."""
    page = chromium.open(url)
    page.run(
        "(() => { const one = document.createElement('script'); one.textContent = 'window.bad = 1';"
        " document.body.append(one); document.body.insertAdjacentHTML('beforeend',"
        ' \'<img src="http://example.org/x.png" onerror="window.bad = 1">\'); })()'
    )
    assert page.run("window.bad === undefined") is True
    page.look()
    complaints = [complaint for complaint in page.complaints if "Content Security Policy" in complaint]
    assert any("inline script" in complaint for complaint in complaints)
    assert any("example.org" in complaint for complaint in complaints)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_records(chromium: Browser, tmp_path: Path, text: str) -> None:
    """Hostile strings neither run, nor ask for anything, nor widen the page."""
    records = sample.write(tmp_path / "r.jsonl", _hostile(text), changes={"subject": text, "command": text})
    path = tmp_path / "index.html"
    path.write_text(html.render(summarise(read(records))), encoding="utf-8")
    page = chromium.open(path.as_uri(), width=320)
    page.run(OPEN_ALL)
    assert page.requests == [path.as_uri()]
    assert page.complaints == []
    assert page.run("document.documentElement.scrollWidth") == 320
    assert page.run("document.querySelectorAll('img, iframe, object').length") == 0
