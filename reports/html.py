"""The HTML report: one file, no request, complete without JavaScript.

The page is rendered by jinja2 with autoescape, strict about undefined names. Every string passes `visible`,
so that no control character, bidirectional mark or lone surrogate reaches the page. The one script is allowed
by its hash: an injected one would not run.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reports import text
from reports.causes import because, causes
from reports.compare import Comparison
from reports.compiled import compiled
from reports.decoration import Diff, cut_sheet, diff
from reports.decoration_story import story
from reports.drawing import Drawing, draw
from reports.grid import breakdown, grid
from reports.ledger import Ledger, draw_ledger
from reports.margins import margins
from reports.markdown import MARKS
from reports.matrix import catches, kill_matrix
from reports.ranks import RankView, examples, rank_view
from reports.ruler import Ruler, rule
from reports.schema import Deviation, Law, Violation
from reports.startup import StartTable, start_table, startups
from reports.summary import (
    Summary,
    details_sentence,
    faults_sentence,
    plural,
    verdict_sentence,
)
from reports.tables import Cell, LawRow, label_rows, place, requirements, strength
from reports.unshown import unshown

VIOLATION_LIMIT = 200
"""Violations that are shown in full; the rest is named in the tables."""
SHORT = 72
"""Characters of a name in a table of many names."""
HEAVY = 1_500
"""Cells from which on the browser may put off the layout of what is not in its window."""
LATE = 20
"""The same for violations."""
MARGIN_LIMIT = 40
"""Laws that are shown with the share of the tolerance that they used."""
NOISE_ARM = "eager again"
"""The arm that runs eager a second time (A/A), as `schema.md` names it."""


_INDENT = re.compile(r"(?<=>)\s*\n\s+(?=<)")
"""White space between two tags. Text never holds a bracket of its own: it is escaped."""
_TICKS = re.compile("`([^`]+)`")


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One violation as the page shows it."""

    anchor: str
    law: Law
    violation: Violation | None
    drawing: Drawing | None
    ruler: Ruler | None
    ledger: Ledger | None
    diff: Diff | None
    ranks: RankView | None
    starts: StartTable | None
    deviation: Deviation | None
    raw: str
    again: Shown | None
    """The earlier violation of the page that has the same cause."""
    late: bool
    """Whether many violations stand before it."""

    @property
    def key(self) -> tuple[str, str, str]:
        """Law, family, column."""
        return self.law.law, self.law.family, self.law.column


def render(summary: Summary) -> str:
    """The whole page for one run, as text without lone surrogates."""
    environment = _environment()
    shown = tuple(violations(summary))
    page = environment.get_template("page.html").render(
        summary=summary,
        header=summary.records.header,
        footer=summary.records.footer,
        verdict=verdict_sentence(summary),
        details=details_sentence(summary),
        faults=faults_sentence(summary),
        unshown=unshown(summary),
        violations=shown[:VIOLATION_LIMIT],
        left_out=shown[VIOLATION_LIMIT:],
        causes=causes(summary.cells, "violated"),
        doubts=causes(summary.cells, "unknown"),
        anchors={id(one.law): one.anchor for one in shown[:VIOLATION_LIMIT]},
        links={one.key: one.anchor for one in reversed(shown[:VIOLATION_LIMIT])},
        grid=grid(summary.laws),
        compiled=compiled(summary.cells),
        decoration=story(summary.cells),
        sharing=examples(summary.cells),
        startup=startups(summary.cells),
        margins=margins(summary.laws),
        labels=label_rows(summary.laws),
        requirements={name: rows for name, rows in requirements(summary.laws).items() if any(map(_judged, rows))},
        matrix=kill_matrix(summary.faults),
        catches=catches(summary.faults),
        script_hash=_hash(environment.get_template("report.js").render()),
    )
    return _INDENT.sub("\n", page) + "\n"


def render_comparison(comparison: Comparison) -> str:
    """The whole page for several runs side by side. It has no script."""
    page = _environment().get_template("compare.html").render(comparison=comparison)
    return _INDENT.sub("\n", page).lstrip() + "\n"


def _judged(row: LawRow) -> bool:
    return row.standing != "inapplicable"


def violations(summary: Summary) -> Iterator[Shown]:
    """Every violated record, cause by cause, new ones before known failures, each with an anchor of its own."""
    used: Counter[str] = Counter()
    first: dict[str, Shown] = {}
    by_cause = [cell for cause in causes(summary.cells, "violated") for cell in cause.cells]
    for cell in sorted(by_cause, key=lambda cell: cell.deviation is not None):
        for law in cell.records:
            if law.verdict == "violated":
                # One case can violate several laws: the place tells them apart, in this run and in the next.
                name = text.anchor("v", law.violation.id if law.violation else "none")
                name = text.anchor(name, f"{law.law} {cell.place}", digest_only=True)
                used[name] += 1
                anchor = name if used[name] == 1 else f"{name}--{used[name]}"
                shown = _shown(law, cell, anchor, again=first.get(because(cell)), late=used.total() > LATE)
                first.setdefault(because(cell), shown)
                yield shown


def _shown(law: Law, cell: Cell, anchor: str, *, again: Shown | None, late: bool) -> Shown:
    violation, brief = law.violation, late or again is not None
    return Shown(
        anchor=anchor,
        law=law,
        violation=violation,
        drawing=draw(violation.plan or ()) if violation is not None else None,
        ruler=rule(violation.arms or ()) if violation is not None else None,
        ledger=draw_ledger(violation.ledger) if violation is not None else None,
        diff=diff(law.decoration, brief=brief),
        ranks=rank_view(law.sheet),
        starts=start_table(law.sheet),
        deviation=cell.deviation,
        raw=text.json_lines(_record(law, brief=brief)),
        again=again,
        late=late,
    )


def _record(law: Law, *, brief: bool) -> Law:
    """The record, less the changes of a long decoration that the page does not show."""
    sheet = law.decoration
    return law if sheet is None else replace(law, decoration=cut_sheet(sheet, brief=brief))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.filters |= {
        "number": text.number,
        "percent": text.percent,
        "duration": text.duration,
        "strength": strength,
        "short": _short,
        "code": _code,
        "content": _content,
        "case": text.case,
        "ticks": _ticks,
    }
    environment.globals |= {
        "marks": MARKS,
        "plural": plural,
        "anchor": text.anchor,
        "breakdown": breakdown,
        "place": place,
        "heavy": HEAVY,
        "noise_arm": NOISE_ARM,
        "margin_limit": MARGIN_LIMIT,
        "id": id,
    }
    return environment


def _finalize(value: object) -> object:
    if isinstance(value, Markup):
        return value
    return text.visible(value) if isinstance(value, str) else value


def _content(source: str) -> Markup:
    """Text between two tags, where quotes need no escape: JSON has many."""
    return Markup(html.escape(text.visible(source), quote=False))


def _short(name: str) -> str:
    return name if len(name) <= SHORT else f"{name[: SHORT - 1]}\N{HORIZONTAL ELLIPSIS}"


def _code(name: str) -> Markup:
    """A name that may break after a slash or an underscore, and is copied unbroken."""
    escaped = Markup.escape(text.visible(name))
    return escaped.replace("/", Markup("/<wbr>")).replace("_", Markup("_<wbr>"))


def _ticks(words: str) -> Markup:
    """Words in which what stands between backticks is code."""
    return Markup(_TICKS.sub(r"<code>\1</code>", str(Markup.escape(text.visible(words)))))


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return "sha256-" + base64.b64encode(digest).decode("ascii")
