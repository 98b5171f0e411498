"""The small file that a run of the subject's own tests leaves beside the records, where the next run takes it up."""

from __future__ import annotations

from pathlib import Path

from reports.encoding import decode, encode
from reports.files import write_atomically
from reports.subject_schema import OwnTests
from reports.validation import RecordError, build

FILE = "own-tests.json"
WHAT = "not known"


def write_own_tests(folder: Path, tests: OwnTests) -> Path:
    """Writes the file into the folder of a report, and gives its path.

    Raises:
        OSError: it cannot be written.
    """
    path = folder / FILE
    write_atomically(path, encode(tests) + "\n")
    return path


def read_own_tests(folder: Path, *, release: str, remedy: str) -> OwnTests:
    """What the file in the folder says of that release; unknown, with the reason and the remedy, if it says nothing."""
    path = folder / FILE
    try:
        found = _read(path)
    except FileNotFoundError:
        return _unknown(release, f"there is no {FILE} beside the records; {remedy} leaves one")
    except (OSError, ValueError) as error:
        return _unknown(release, f"{FILE} cannot be read: {error}; {remedy} writes it anew")
    if found.release != release:
        return _unknown(
            release, f"{FILE} is of release {found.release}, and this is {release}; {remedy} writes it anew"
        )
    return found


def _read(path: Path) -> OwnTests:
    plain = decode(path.read_text(encoding="utf-8"))
    if not isinstance(plain, dict):
        raise RecordError(f"an object was expected, got {type(plain).__name__}")
    return build(OwnTests, plain, where=FILE)


def _unknown(release: str, reason: str) -> OwnTests:
    return OwnTests(release=release, what=WHAT, reason=reason)
