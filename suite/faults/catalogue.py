"""All faults, by id."""

from __future__ import annotations

from suite.faults.fault import Fault
from suite.faults import buffers, packing

FAULTS: dict[str, Fault] = {fault.id: fault for module in (buffers, packing) for fault in module.FAULTS}


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
