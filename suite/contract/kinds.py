"""Every kind of case, by the name under which its JSON carries it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from suite.contract.case import AnyCase, BadCase, case_from_data
from suite.contract.decoration import decoration_case_from_data
from suite.contract.engine_case import engine_case_from_data
from suite.contract.kept_case import kept_case_from_data
from suite.contract.loading import load_case_from_data
from suite.contract.program import program_case_from_data
from suite.contract.shard_case import shard_case_from_data
from suite.contract.startup_case import startup_case_from_data
from suite.contract.timeline import timeline_from_data

READERS: Mapping[str, Callable[[object], AnyCase]] = {
    "timeline": timeline_from_data,
    "program": program_case_from_data,
    "load": load_case_from_data,
    "decoration": decoration_case_from_data,
    "shards": shard_case_from_data,
    "startup": startup_case_from_data,
    "engine": engine_case_from_data,
    "kept": kept_case_from_data,
}
"""Kinds beside the plain one, which is a history of batches and carries no name."""


def read_case(data: Mapping[str, object]) -> AnyCase:
    """The case from its parsed JSON, whatever its kind.

    Raises:
        BadCase: no such kind, or a field is missing, unknown or of the wrong type.
    """
    if "kind" not in data:
        return case_from_data(data)
    kind = data["kind"]
    if not isinstance(kind, str) or kind not in READERS:
        raise BadCase(f"not a case: kind {kind!r}; choose one of {', '.join(READERS)}, or none for a history.")
    try:
        return READERS[kind]({name: value for name, value in data.items() if name != "kind"})
    except (KeyError, TypeError) as error:
        raise BadCase(f"not a case of kind {kind!r}: {type(error).__name__}: {error}.") from None
