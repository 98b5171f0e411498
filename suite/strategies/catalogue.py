"""Every strategy of cases, by the name under which laws ask for it, and the labels of what it draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

from models.api import Family
from suite.contract.case import AnyCase, Case
from suite.contract.decoration import DecorationCase
from suite.contract.engine_case import EngineCase
from suite.contract.kept_case import KeptCase
from suite.contract.loading import LoadCase
from suite.contract.program import ProgramCase
from suite.contract.shard_case import ShardCase
from suite.contract.startup_case import StartupCase
from suite.contract.timeline import Timeline
from suite.strategies.cases import CASES, Space
from suite.strategies.decoration_labels import DECORATION_LABELS
from suite.strategies.decorations import DECORATIONS
from suite.strategies.engine_labels import ENGINE_LABELS
from suite.strategies.engines import ENGINES
from suite.strategies.kept import KEPT
from suite.strategies.kept_labels import KEPT_LABELS
from suite.strategies.labels import LABELS
from suite.strategies.load_effects import LOAD_EFFECT_LABELS, LOAD_EFFECTS
from suite.strategies.load_labels import LOAD_LABELS
from suite.strategies.loads import LOADS
from suite.strategies.program_labels import PROGRAM_LABELS
from suite.strategies.programs import PROGRAMS, slow_backends
from suite.strategies.rank_processes import PROCESS_LABELS, RANK_PROCESSES
from suite.strategies.restarts import RESTART_LABELS, RESTARTS
from suite.strategies.shard_labels import SHARD_LABELS
from suite.strategies.shards import SHARDS
from suite.strategies.startups import STARTUP_LABELS, STARTUPS
from suite.strategies.timelines import TIMELINE_LABELS, TIMELINES

STRATEGIES: Mapping[str, Callable[[Space], st.SearchStrategy[AnyCase]]] = {
    **CASES,
    **TIMELINES,
    **PROGRAMS,
    **RESTARTS,
    **LOAD_EFFECTS,
    **DECORATIONS,
    **LOADS,
    **SHARDS,
    **STARTUPS,
    **RANK_PROCESSES,
    **ENGINES,
    **KEPT,
}

_LABELS: Mapping[type, Mapping[str, Callable[[Any], bool]]] = {
    Timeline: TIMELINE_LABELS,
    ProgramCase: {**PROGRAM_LABELS, **RESTART_LABELS},
    DecorationCase: DECORATION_LABELS,
    LoadCase: {**LOAD_LABELS, **LOAD_EFFECT_LABELS},
    StartupCase: STARTUP_LABELS,
    EngineCase: ENGINE_LABELS,
}
"""Labels of every kind of case but histories, whose labels look at the family too."""


def unreachable(name: str, space: Space) -> str | None:
    """Why a family has no cases of that name; None if it has."""
    if name == "videos" and "video" not in space.family.modalities:
        return "the family takes no video"
    if name == "photographs" and not space.photographs:
        return "the family has no image processor to read photographs with"
    if name == "generated_code" and not slow_backends(space):
        return "the subject generates no code here"
    return None


def cases(name: str, space: Space) -> st.SearchStrategy[AnyCase]:
    """The cases of that name.

    Raises:
        ValueError: no such strategy.
    """
    if name not in STRATEGIES:
        raise ValueError(f"no strategy {name!r}; valid: {', '.join(STRATEGIES)}")
    return STRATEGIES[name](space)


def labels(case: AnyCase, family: Family) -> tuple[str, ...]:
    """Names of the classes of inputs that the case belongs to, sorted."""
    if isinstance(case, Case):
        return tuple(sorted(name for name, is_in in LABELS.items() if is_in(case, family)))
    if isinstance(case, KeptCase):
        return tuple(sorted(name for name, is_in in KEPT_LABELS.items() if is_in(case, family)))
    if isinstance(case, ShardCase):
        return tuple(sorted(name for name, is_in in {**SHARD_LABELS, **PROCESS_LABELS}.items() if is_in(case, family)))
    known = next((names for kind, names in _LABELS.items() if isinstance(case, kind)), {})
    return tuple(sorted(name for name, is_in in known.items() if is_in(case)))
