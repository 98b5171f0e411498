"""Subjects by name: each name stands for one or more columns, the first of which runs everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from suite.subjects.column import Column
from suite.subjects.reference import ReferenceSubject
from suite.subjects.reference_parts import Parts
from suite.subjects.reference_session import Route

Device = Literal["emulator", "cuda"]
WHERE_THE_BORDER_SHOWS = (
    "capture/no-synchronisation",
    "capture/no-host-numbers",
    "capture/nothing-escapes",
    "values/replay-equals-eager",
    "values/videos",
)
"""Laws that can find more when host tensors and device tensors are told apart."""
DEVICES: tuple[Device, ...] = ("emulator", "cuda")


class UnknownSubject(ValueError):
    """No subject has this name: the text lists those that exist."""


def reference_columns(
    device: Device, *, name: str = "reference", parts: Parts | None = None, isolated: bool = False
) -> tuple[Column, ...]:
    """The reference on every route to graphs that the device offers.

    On the emulator: the emulator injected as its device; its unmodified `torch.cuda` device under the shim;
    and an emulator with two devices, where host and device tensors are told apart. On CUDA: real graphs.
    """

    def by(route: Route) -> ReferenceSubject:
        return ReferenceSubject(name=name, route=route, parts=parts, isolated=isolated)

    if device == "cuda":
        return (Column(by("cuda"), text="real CUDA graphs"),)
    return (
        Column(by("injected"), text="the emulator injected as its device"),
        Column(
            by("shim"),
            text="its own torch.cuda device, unmodified, with torch.cuda routed to the emulator",
            name="shim",
            every_family=False,
            graphs_only=True,
        ),
        Column(
            by("accelerator"),
            text="an emulator with two devices, which tells host tensors from device tensors",
            name="two devices",
            laws=WHERE_THE_BORDER_SHOWS,
        ),
    )


SUBJECTS: dict[str, Callable[[Device], tuple[Column, ...]]] = {"reference": reference_columns}


def columns(name: str, *, device: Device) -> tuple[Column, ...]:
    """The columns of the subject of that name.

    Raises:
        UnknownSubject: there is none.
    """
    if name not in SUBJECTS:
        raise UnknownSubject(f"no subject {name!r}: choose one of {', '.join(SUBJECTS)}, or fault:<id>")
    return SUBJECTS[name](device)
