"""Shards of one run -> the records of the whole run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reports.encoding import Json, encode
from reports.records import Records, join_plans
from reports.schema import Footer, Header, Note, Record
from reports.validation import RecordError

SAME = ("project", "version", "subject", "subject_version", "device", "profile")
"""Header fields in which the shards of one run cannot differ."""


def merge(shards: Mapping[str, Records]) -> str:
    """The text of one records file that holds every record of the named shards.

    The footer's wall seconds are those of the slowest shard, its exit status the highest. A shard that is
    not complete leaves the whole without a footer, and a note says which and why.

    Raises:
        RecordError: shards of different runs, or the same shard twice.
    """
    _check(shards)
    found = list(shards.values())
    lines: list[Record | Mapping[str, Json]] = [join_plans([shard.plan for shard in found])]
    for shard in found:
        lines += [
            *shard.laws,
            *shard.faults,
            *shard.inapplicable,
            *shard.deviations,
            *shard.notes,
            *shard.unknown,
        ]
    lines += [Note(topic="merge", text=f"Shard {name}: {gap}") for name, shard in shards.items() for gap in shard.gaps]
    body = sorted(encode(line) for line in lines)
    text = [encode(_header([shard.header for shard in found])), *body]
    footer = _footer(found, len(body))
    return "\n".join([*text, encode(footer)] if footer is not None else text) + "\n"


def _check(shards: Mapping[str, Records]) -> None:
    names = list(shards)
    first = shards[names[0]]
    for name in names[1:]:
        for field in SAME:
            ours, theirs = getattr(first.header, field), getattr(shards[name].header, field)
            if ours != theirs:
                what = f"{field} is {ours!r} in {names[0]} and {theirs!r} in {name}"
                raise RecordError(f"not shards of one run: {what}; merge shards of one {field} only")
    content: dict[str, str] = {}
    for name, shard in shards.items():
        text = encode([shard.laws, shard.faults])
        if (shard.laws or shard.faults) and text in content:
            raise RecordError(f"{content[text]} and {name} hold the same records; name each shard once")
        content[text] = name


def _header(headers: Sequence[Header]) -> Header:
    seeds = {header.seed for header in headers}
    tests = [header.own_tests for header in headers if header.own_tests is not None]
    workers = [header.workers for header in headers if header.workers is not None]
    return replace(
        headers[0],
        started=min(header.started for header in headers),
        command="\n".join(dict.fromkeys(header.command for header in headers)),
        seed=headers[0].seed if len(seeds) == 1 else None,
        workers=sum(workers) if workers else None,
        # A shard that knows more than another says it, and a failure before a pass.
        own_tests=max(tests, key=lambda each: (each.count("failed"), each.passed), default=None),
    )


def _footer(found: Sequence[Records], count: int) -> Footer | None:
    footers = [shard.footer for shard in found if shard.footer is not None and shard.complete]
    if len(footers) < len(found):
        return None
    return Footer(
        exit_status=_exit_status([footer.exit_status for footer in footers]),
        wall_seconds=max(footer.wall_seconds for footer in footers),
        records=count,
    )


def _exit_status(statuses: Sequence[int]) -> int:
    # 5 means that a shard had nothing to run: it says nothing about the others.
    ran = [status for status in statuses if status != 5]
    return max(ran, default=5)
