"""Subjects by name: each name stands for one or more columns, the first of which runs everywhere.

A name is one of ours (`reference`), an engine that the suite knows (`vllm`), a subject that an installed package
offers (entry points of the group `lockstep.subjects`), or `package.module:name`. After a plus sign a name may say which
model is put before an engine: `vllm+package.module:factory`. Tickets, records and case files carry the whole name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from suite.subjects.column import Column
from suite.subjects.finding import GROUP, UnknownSubject, columns_at, object_at, offered
from suite.subjects.reference import ReferenceSubject
from suite.subjects.reference_parts import Parts
from suite.subjects.reference_session import Route
from suite.subjects.strangers import STRANGERS, EngineMissing, Stranger, look_for

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
MODEL = "+"
"""Stands between a subject and the model that is put before it."""


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


def names() -> tuple[str, ...]:
    """Names of subjects that can be asked for as they are: ours, known engines, and what installed packages offer."""
    return tuple(dict.fromkeys((*SUBJECTS, *STRANGERS, *offered())))


def with_model(subject: str, model: str | None) -> str:
    """The whole name of a subject before which a model is put."""
    return f"{subject}{MODEL}{model}" if model else subject


def columns(name: str, *, device: Device, strangers: Mapping[str, Stranger] = STRANGERS) -> tuple[Column, ...]:
    """The columns of the subject of that name; `strangers` are the engines that are known.

    Raises:
        UnknownSubject: there is none, it cannot be had here, or its model cannot.
    """
    subject, _, model = name.partition(MODEL)
    if subject in strangers:
        return _of_stranger(subject, strangers[subject], model, device)
    if subject not in SUBJECTS:
        return columns_at(_path(subject), device=device, model=_factory(model) if model else None, name=subject)
    if model:
        raise UnknownSubject(_no_model(subject))
    return SUBJECTS[subject](device)


def _of_stranger(name: str, stranger: Stranger, model: str, device: Device) -> tuple[Column, ...]:
    if model and not stranger.takes_model:
        raise UnknownSubject(_no_model(name))
    try:
        look_for(name, stranger)
    except EngineMissing as missing:
        raise UnknownSubject(str(missing)) from None
    return columns_at(stranger.adapter, device=device, model=_factory(model) if model else None, name=name)


def _no_model(subject: str) -> str:
    takers = ", ".join(name for name, stranger in STRANGERS.items() if stranger.takes_model)
    return f"subject {subject!r} takes no model: --model goes with {takers}, or with an adapter that takes `model`"


def _path(subject: str) -> str:
    """Where the subject stands, as `package.module:name`."""
    found = offered().get(subject, subject)
    if ":" not in found:
        raise UnknownSubject(
            f"no subject {subject!r}: choose one of {', '.join(names())}, fault:<id>, or package.module:name; no "
            f"installed package offers it as an entry point of {GROUP}"
        )
    return found


def _factory(path: str) -> object:
    """What makes the user's model.

    Raises:
        UnknownSubject: it is not there, or it cannot be called.
    """
    found = object_at(path)
    if not callable(found):
        raise UnknownSubject(f"--model {path!r} is an object of {type(found).__qualname__}; name a class or a factory")
    return found
