"""All faults, by id."""

from __future__ import annotations

from suite.faults import (
    adapter,
    buffers,
    callers,
    capture,
    compile_cache,
    compile_cache_processes,
    compile_counts,
    compile_keys,
    compiled,
    compiled_effects,
    compiled_sizes,
    configuration,
    decoration,
    decoration_effects,
    device,
    engine,
    engine_failures,
    engine_lines,
    engine_processes,
    failures,
    host,
    isolation,
    kept_outputs,
    ladder,
    ledger,
    lethal,
    lifecycle,
    lines,
    loaded_encoders,
    loading,
    loading_copies,
    loading_effects,
    loading_residue,
    order,
    ownership,
    packing,
    padding,
    process,
    real_starts,
    recovery,
    restored,
    rubbish,
    several_loads,
    sharding,
    sharding_failures,
    sharding_processes,
    startup,
    startup_caches,
    startup_failures,
    statistics,
    trace,
    values,
)
from suite.faults.fault import Fault

AREAS = (
    values,
    order,
    buffers,
    padding,
    adapter,
    isolation,
    ownership,
    packing,
    host,
    capture,
    device,
    statistics,
    configuration,
    ladder,
    lifecycle,
    process,
    recovery,
    rubbish,
    kept_outputs,
    sharding,
    sharding_failures,
    sharding_processes,
    engine,
    engine_lines,
    engine_failures,
    engine_processes,
    ledger,
    failures,
    lines,
    callers,
    compiled,
    compiled_effects,
    compiled_sizes,
    compile_counts,
    compile_cache,
    compile_cache_processes,
    restored,
    compile_keys,
    trace,
    decoration,
    decoration_effects,
    loading,
    loaded_encoders,
    several_loads,
    loading_effects,
    loading_copies,
    loading_residue,
    startup,
    startup_caches,
    startup_failures,
    real_starts,
    lethal,
)
FAULTS: dict[str, Fault] = {fault.id: fault for area in AREAS for fault in area.FAULTS}


class UnknownFault(ValueError):
    """No fault has this id: the text lists those that exist."""


def fault_named(name: str) -> Fault:
    """The fault of that id.

    Raises:
        UnknownFault: there is none.
    """
    if name not in FAULTS:
        raise UnknownFault(f"no fault {name!r}: choose one of {', '.join(FAULTS)}")
    return FAULTS[name]
