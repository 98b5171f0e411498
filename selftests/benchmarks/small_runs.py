"""Records of runs with a single law."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from reports.records import Records, RecordWriter, read

HEADER = {
    "kind": "header",
    "project": "lockstep",
    "version": "0",
    "subject": "reference",
    "device": "emulator",
    "profile": "seeds",
    "started": "2026-01-01T00:00:00+00:00",
    "command": "pytest",
}
NODE = "suite/tests/test_values.py::test_values[replay-equals-eager@toy]"
HELD = {"kind": "law", "law": "values/replay-equals-eager", "family": "toy", "verdict": "holds", "cases": 3}
UNKNOWN = {**HELD, "verdict": "unknown", "reason": "the check was stopped"}
VIOLATED = {
    **HELD,
    "verdict": "violated",
    "node": NODE,
    "violation": {
        "id": "0badcafe",
        "expected": "equal",
        "actual": "3 / 16 elements differ",
        "because": "eager itself differs",
        "case": {},
        "case_text": "toy: history [[2x2]]",
        "reproduce": [f'pytest "{NODE}"', "python -m suite replay reports/out/seeds/7/cases/0badcafe.json"],
    },
}


def records_of(folder: Path, law: Mapping[str, object] | None, *, status: int | None = 0) -> Records:
    """A run that planned one law, read back; without a status it has no footer."""
    writer = RecordWriter(folder / "records.jsonl", HEADER)
    writer.append({"kind": "plan", "laws": [{"law": HELD["law"], "family": "toy"}], "faults": []})
    if law is not None:
        writer.append(law)
    writer.close(None if status is None else {"kind": "footer", "exit_status": status, "wall_seconds": 1.0})
    return read(writer.path)
