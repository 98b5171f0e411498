"""Values as text for a reader: numbers, durations, and strings in which nothing is hidden."""

from __future__ import annotations

import hashlib
import json
import math
import re
import unicodedata

from reports.encoding import Json, encode

_SAFE_ANCHOR = re.compile(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?")
_MINUTE = 60.0
FAR = 10.0
"""A share from which on it is a number of times, and no percentage."""
_HUGE = 1e6

# Categories of characters that change how the text around them is shown, or are not shown themselves.
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def visible(text: str) -> str:
    """`text` with every control, bidirectional mark, line separator and lone surrogate spelled out.

    Line feeds and tabs stay. What a reader sees is then what the records hold, in that order.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(letter if _shown(letter) else _spelled(letter) for letter in text)


def _shown(letter: str) -> bool:
    return letter in "\n\t" or unicodedata.category(letter) not in _HIDDEN


def _spelled(letter: str) -> str:
    return letter.encode("ascii", "backslashreplace").decode() if ord(letter) > 127 else f"\\x{ord(letter):02x}"


def anchor(prefix: str, name: str, *, digest_only: bool = False) -> str:
    """A stable id for an element: the name if it can be one, a hash of it if not, or a hash alone."""
    if _SAFE_ANCHOR.fullmatch(name) and not digest_only:
        return f"{prefix}-{name}"
    plain = "" if digest_only else re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40]
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return "-".join(part for part in (prefix, plain, digest) if part)


def case(value: Json) -> str:
    """A case as JSON, one line for each of its parts, so that a history is not a column of brackets."""
    if not isinstance(value, dict) or not value:
        return _compact(value)
    return "\n".join(f"{name}: {_compact(part)}" for name, part in value.items())


def json_lines(value: object, *, depth: int = 2) -> str:
    """A value as JSON in which each field of the outer `depth` objects has a line of its own."""
    return _nested(json.loads(encode(value)), depth, "")


def _nested(value: Json, depth: int, indent: str) -> str:
    if not isinstance(value, dict) or not value or not depth:
        return json.dumps(value)
    deeper = indent + "  "
    fields = (f"{deeper}{json.dumps(name)}: {_nested(part, depth - 1, deeper)}" for name, part in value.items())
    return "{\n" + ",\n".join(fields) + f"\n{indent}}}"


def _compact(value: Json) -> str:
    return json.dumps(json.loads(encode(value)), ensure_ascii=False)


def number(value: float | int | None) -> str:
    """`1.3e-06`, `12,480`, `NaN`, `Inf`; `not measured` for None."""
    if value is None:
        return "not measured"
    if isinstance(value, int):
        return f"{value:,}"
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Inf" if value > 0 else "-Inf"
    return "0" if value == 0 else f"{value:.3g}"


def percent(share: float | None) -> str:
    """`5.3 %`, with two digits that count; `1,321 times` where a percentage would not be read."""
    if share is None or math.isnan(share):
        return "unknown"
    if share > FAR:
        return f"{share:,.0f} times" if share < _HUGE else f"{share:.3g} times" if math.isfinite(share) else "Inf"
    return f"{share * 100:.2g} %" if share < 0.995 else f"{share * 100:.0f} %"


def duration(seconds: float | None) -> str:
    """`0.4 s`, `2 min 5 s`, `1 h 2 min`."""
    if seconds is None or not math.isfinite(seconds):
        return "unknown"
    if seconds < _MINUTE:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
