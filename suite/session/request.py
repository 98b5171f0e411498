"""What a run was asked for, checked once, with one sentence for every wrong value."""

from __future__ import annotations

import datetime
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from models.families import FAMILIES
from models.whole import MODELS
from suite.contract.subject import AdapterBroken
from suite.driver.deviations import BadDeviation, Deviation, DeviationFile, Key, deviations_of, known_files
from suite.driver.profiles import Profile, UnknownProfile, profile
from suite.driver.ticket import REFERENCE, columns_of
from suite.faults.catalogue import FAULTS, UnknownFault
from suite.subjects.column import Column
from suite.subjects.finding import UnknownSubject
from suite.subjects.registry import DEVICES, Device, with_model


@dataclass(frozen=True)
class Request:
    """The options of a run, valid."""

    subject: str
    """Its whole name, with the model that is put before it."""
    device: Device
    profile: Profile
    seed: int
    families: tuple[str, ...]
    """Towers."""
    models: tuple[str, ...]
    """Whole models, for laws about loading them."""
    report_dir: Path
    shown_dir: str
    """The same folder as a user would type it where pytest was started."""
    shard: tuple[int, int]
    """Which part of how many, from 1."""
    narrowed: bool
    """Whether the command asks for less than everything: then fewer laws are no alarm."""
    today: datetime.date
    """The day of the run, UTC: it decides which accepted failures have expired."""
    deviation_files: tuple[DeviationFile, ...] = ()
    """Failures that are accepted: the suite's files, and those that the command names."""
    named_files: tuple[Path, ...] = ()
    """Those that the command names."""

    def columns(self) -> tuple[Column, ...]:
        """The subject's columns, made afresh."""
        return columns_of(self.subject, device=self.device)

    def deviations(self, columns: tuple[Column, ...]) -> dict[Key, tuple[Deviation, ...]]:
        """What is accepted of the subject, by cell.

        Raises:
            BadDeviation: an entry does not fit the subject.
        """
        return deviations_of(self.subject, columns, device=self.device, files=self.deviation_files)

    @property
    def options(self) -> str:
        """The options that make another run of pytest draw the same cases, each led by a space."""
        given = {
            "--subject": "" if self.subject == REFERENCE else self.subject,
            "--device": "" if self.device == DEVICES[0] else self.device,
            "--profile": self.profile.name,
            "--seed": str(self.seed) if self.profile.random else "",
        }
        files = "".join(f" --deviations {shlex.quote(str(path))}" for path in self.named_files)
        return "".join(f" {name} {value}" for name, value in given.items() if value) + files

    @property
    def faults(self) -> tuple[str, ...]:
        """Ids of the faults to plant: none unless the subject is the clean reference they are made from."""
        if self.subject != REFERENCE or self.profile.faults == "none":
            return ()
        lethal = self.profile.faults == "lethal"
        every = lethal or self.profile.faults == "all"
        families = {*self.families, *self.models}
        return tuple(
            fault.id
            for fault in FAULTS.values()
            if (every or fault.sampled) and (lethal or not fault.lethal) and fault.family in families
        )

    @property
    def gpu_is_missing(self) -> bool:
        """Whether real graphs were asked for where there is no GPU."""
        return self.device == "cuda" and not torch.cuda.is_available()


def request_of(config: pytest.Config, *, root: Path) -> Request:
    """The request behind pytest's options.

    Raises:
        pytest.UsageError: a value that is not valid; the text names it and the valid ones.
    """
    try:
        chosen = profile(config.getoption("lockstep_profile"))
        shard = _shard(config.getoption("shard"))
        report_dir = Path(config.getoption("report_dir") or root / "reports" / "out").resolve()
        named = _files(config)
        request = Request(
            subject=with_model(config.getoption("subject"), config.getoption("model")),
            device=_device(config.getoption("device")),
            profile=chosen,
            seed=_seed(config.getoption("seed"), chosen),
            families=_families(config.getoption("family")),
            models=_models(config.getoption("family")),
            report_dir=report_dir,
            shard=shard,
            shown_dir=_as_typed(report_dir, config.invocation_params.dir),
            narrowed=shard[1] > 1
            or bool(config.option.keyword or config.option.markexpr or config.getoption("family"))
            or any(not Path(arg).is_dir() for arg in config.args),
            deviation_files=known_files(named),
            named_files=named,
            today=datetime.datetime.now(datetime.UTC).date(),
        )
        request.deviations(request.columns())
    except (UnknownProfile, UnknownFault, UnknownSubject, BadDeviation, AdapterBroken) as error:
        raise pytest.UsageError(str(error)) from None
    return request


def _files(config: pytest.Config) -> tuple[Path, ...]:
    return tuple(config.invocation_params.dir / name for name in config.getoption("deviations") or ())


def _as_typed(folder: Path, start: Path) -> str:
    """Relative to where pytest was started, if below it."""
    return str(folder.relative_to(start)) if folder.is_relative_to(start) else str(folder)


def _device(name: str) -> Device:
    if name not in DEVICES:
        raise pytest.UsageError(f"no device {name!r}: choose one of {', '.join(DEVICES)}")
    return name


def _seed(text: str | None, chosen: Profile) -> int:
    if text is None:
        return 0
    if not chosen.random:
        raise pytest.UsageError(
            f"--seed {text} has no effect: profile {chosen.name} always draws the same cases. Use --profile "
            "dev, nightly or seeds."
        )
    if not text.isdecimal():
        raise pytest.UsageError(f"--seed {text!r} is not a whole number from 0 up")
    return int(text)


def _shard(text: str | None) -> tuple[int, int]:
    if text is None:
        return 1, 1
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise pytest.UsageError(f"--shard {text!r} is not a part of a whole: give for example 1/2 and 2/2")
    return int(found[1]), int(found[2])


def _families(names: list[str] | None) -> tuple[str, ...]:
    if names is None:
        return tuple(each.name for each in FAMILIES)
    towers = tuple(each.name for each in FAMILIES if each.name in names)
    unknown = [name for name in names if name not in towers and name not in MODELS]
    if unknown:
        choices = dict.fromkeys((*(each.name for each in FAMILIES), *MODELS))
        raise pytest.UsageError(f"There is no family {unknown[0]!r}: choose one of {', '.join(choices)}")
    return towers


def _models(names: list[str] | None) -> tuple[str, ...]:
    return tuple(each for each in MODELS if names is None or each in names)
