"""The HTML report: one file, no request, complete without JavaScript.

The page is rendered by jinja2 with autoescape, strict about undefined names. Every string passes `visible`,
so that no control character, bidirectional mark or lone surrogate reaches the page. The one script is allowed
by its hash: an injected one would not run.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reports import text
from reports.causes import causes
from reports.drawing import Drawing, draw
from reports.encoding import encode
from reports.markdown import MARKS
from reports.matrix import catches, kill_matrix
from reports.schema import Deviation, Law, Violation
from reports.summary import (
    Summary,
    details_sentence,
    faults_sentence,
    plural,
    verdict_sentence,
)
from reports.tables import Cell, label_rows, requirements, strength
from reports.unshown import unshown

VIOLATION_LIMIT = 200
"""Violations that are shown in full; the rest is named in the tables."""
SHORT = 72
"""Characters of a name in a table of many names."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One violation as the page shows it."""

    anchor: str
    law: Law
    violation: Violation | None
    drawing: Drawing | None
    deviation: Deviation | None
    raw: str


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
        labels=label_rows(summary.laws),
        requirements=requirements(summary.laws),
        matrix=kill_matrix(summary.faults),
        catches=catches(summary.faults),
        script_hash=_hash(environment.get_template("report.js").render()),
    )
    return page + "\n"


def violations(summary: Summary) -> Iterator[Shown]:
    """Every violated record, new ones before known failures, each with an anchor of its own."""
    used: Counter[str] = Counter()
    for cell in sorted(summary.cells, key=lambda cell: cell.deviation is not None):
        for law in cell.records:
            if law.verdict == "violated":
                # One case can violate several laws: the place tells them apart, in this run and in the next.
                name = text.anchor("v", law.violation.id if law.violation else "none")
                name = text.anchor(name, f"{law.law} {law.family}", digest_only=True)
                used[name] += 1
                yield _shown(law, cell, name if used[name] == 1 else f"{name}--{used[name]}")


def _shown(law: Law, cell: Cell, anchor: str) -> Shown:
    violation = law.violation
    return Shown(
        anchor=anchor,
        law=law,
        violation=violation,
        drawing=draw(violation.plan or ()) if violation is not None else None,
        deviation=cell.deviation,
        raw=json.dumps(json.loads(encode(law)), indent=2),
    )


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
        "case": text.case,
    }
    environment.globals |= {
        "marks": MARKS,
        "plural": plural,
        "anchor": text.anchor,
        "dict_of": _by_family,
        "id": id,
    }
    return environment


def _by_family(cells: tuple[Cell, ...]) -> dict[str, Cell]:
    return {cell.family: cell for cell in cells}


def _finalize(value: object) -> object:
    if isinstance(value, Markup):
        return value
    return text.visible(value) if isinstance(value, str) else value


def _short(name: str) -> str:
    return name if len(name) <= SHORT else f"{name[: SHORT - 1]}\N{HORIZONTAL ELLIPSIS}"


def _code(name: str) -> Markup:
    """A name that may break after a slash or an underscore, and is copied unbroken."""
    escaped = Markup.escape(text.visible(name))
    return escaped.replace("/", Markup("/<wbr>")).replace("_", Markup("_<wbr>"))


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return "sha256-" + base64.b64encode(digest).decode("ascii")
