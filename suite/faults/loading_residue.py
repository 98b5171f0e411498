"""Faults of what a load leaves in the process: modes, variables, marks, classes, and refusals without sense."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel

from reference.compilation.compiled_forward import CompileServices
from reference.compilation.config import CompilationConfig
from reference.transformers_backend.building import ModelBuilder
from reference.transformers_backend.errors import BackendError
from reference.transformers_backend.loading import Change, Loaded, Loader
from reference.transformers_backend.parts import Part
from suite.faults.fault import Fault
from suite.subjects.reference_decorating import SOUND
from suite.subjects.reference_parts import Parts

MakeParts = Callable[[], Parts]


def _loader(make: Callable[[], Loader]) -> MakeParts:
    """Another loader."""
    return lambda: Parts(decoration=replace(SOUND, loader=make))


class _GradientsOff(Loader):
    """Switches gradients off for the process."""

    def load(
        self, config: PreTrainedConfig, compilation_config: CompilationConfig, services: CompileServices | None = None
    ) -> Loaded:
        torch.set_grad_enabled(False)
        return super().load(config, compilation_config, services)


class _SetsAVariable(Loader):
    """Tells child processes of the load."""

    def load(
        self, config: PreTrainedConfig, compilation_config: CompilationConfig, services: CompileServices | None = None
    ) -> Loaded:
        os.environ["LOCKSTEP_FAULT_LOADED"] = type(config).__name__
        return super().load(config, compilation_config, services)


class _ReachesWorkers(Loader):
    """Has every Python that is started from now on listen to all modules, as a plug-in for workers would."""

    def load(
        self, config: PreTrainedConfig, compilation_config: CompilationConfig, services: CompileServices | None = None
    ) -> Loaded:
        folder = tempfile.mkdtemp()
        weakref.finalize(self, shutil.rmtree, folder)
        line = "import torch\ntorch.nn.modules.module.register_module_forward_hook(lambda *_: None)\n"
        Path(folder, "sitecustomize.py").write_text(line, encoding="utf-8")
        os.environ["PYTHONPATH"] = folder
        return super().load(config, compilation_config, services)


class _DefaultStays(ModelBuilder):
    """Sets torch's default dtype for the model, and puts it back if that succeeds."""

    def build(self, config: PreTrainedConfig) -> PreTrainedModel:
        before, wanted = torch.get_default_dtype(), getattr(config, "dtype", None)
        torch.set_default_dtype(wanted if isinstance(wanted, torch.dtype) else before)
        model = super().build(config)
        torch.set_default_dtype(before)
        return model


class _MarkStays(ModelBuilder):
    """Marks the class while it makes a model, and takes the mark away if that succeeds."""

    def build(self, config: PreTrainedConfig) -> PreTrainedModel:
        cls: Any = self.model_class(config)
        cls.is_being_loaded = True
        model = super().build(config)
        del cls.is_being_loaded
        return model


class _RemembersFailures(Loader):
    """Raises the failure of one configuration for all others of its class."""

    def __init__(self) -> None:
        super().__init__()
        self.failed: dict[type, BackendError] = {}

    def load(
        self, config: PreTrainedConfig, compilation_config: CompilationConfig, services: CompileServices | None = None
    ) -> Loaded:
        if type(config) in self.failed:
            raise self.failed[type(config)]
        try:
            return super().load(config, compilation_config, services)
        except BackendError as error:
            self.failed[type(config)] = error
            raise


class _KeepsEverything(Loader):
    """Remembers every class that it decorates, for good."""

    def change(self, model: PreTrainedModel, part: Part) -> Change:
        made = super().change(model, part)
        _KEPT.append(made.decorated)
        return made


_KEPT: list[type[nn.Module]] = []


class _Curt(Loader):
    """Refuses in a word."""

    def load(
        self, config: PreTrainedConfig, compilation_config: CompilationConfig, services: CompileServices | None = None
    ) -> Loaded:
        try:
            return super().load(config, compilation_config, services)
        except BackendError as error:
            raise BackendError("This model cannot be compiled as wished, sorry.") from error


class _Unguarded(ModelBuilder):
    """Lets out whatever a constructor raises."""

    def build(self, config: PreTrainedConfig) -> PreTrainedModel:
        try:
            return super().build(config)
        except BackendError as error:
            raise (error.__cause__ or error) from None


_STATE, _REFUSED = "loading_residue/process-state", "loading_residue/refusals-are-clear"
_NEXT = "loading_residue/next-process"
_HALF_WAY = "loading_residue/half-way-leaves-nothing"

FAULTS = (
    Fault(
        id="loading_residue/gradients-are-off",
        breaks="after a load torch computes no gradients",
        caught_by=(_STATE,),
        parts=_loader(_GradientsOff),
        family="llama",
    ),
    Fault(
        id="loading_residue/variable-is-set",
        breaks="a load writes to the environment that child processes get",
        caught_by=(_STATE,),
        parts=_loader(_SetsAVariable),
        family="llama",
    ),
    Fault(
        id="loading_residue/reaches-workers",
        breaks="processes that are started later are decorated too",
        caught_by=(_NEXT, _STATE),
        parts=_loader(_ReachesWorkers),
        family="llama",
    ),
    Fault(
        id="loading_residue/default-dtype-stays",
        breaks="a load that fails leaves torch's default dtype changed",
        caught_by=(_HALF_WAY, _REFUSED),
        parts=_loader(lambda: Loader(builder=_DefaultStays())),
        family="llama",
    ),
    Fault(
        id="loading_residue/mark-stays",
        breaks="a load that fails leaves a mark in the class of the model",
        caught_by=(_HALF_WAY, _REFUSED),
        parts=_loader(lambda: Loader(builder=_MarkStays())),
        family="llama",
    ),
    Fault(
        id="loading_residue/failure-is-remembered",
        breaks="after one bad configuration all others of its class are refused",
        caught_by=(_HALF_WAY,),
        parts=_loader(_RemembersFailures),
        family="llama",
    ),
    Fault(
        id="loading_residue/classes-are-kept",
        breaks="a list holds every decorated class for good",
        caught_by=("loading_residue/dropped-models-are-collected",),
        parts=_loader(_KeepsEverything),
        family="llama",
    ),
    Fault(
        id="loading_residue/curt-refusal",
        breaks="a refusal names neither the class nor a remedy",
        caught_by=(_REFUSED,),
        parts=_loader(_Curt),
        family="llama",
    ),
    Fault(
        id="loading_residue/raw-failure",
        breaks="what the constructor of a model raises reaches the user as it is",
        caught_by=(_REFUSED,),
        parts=_loader(lambda: Loader(builder=_Unguarded())),
        family="llama",
    ),
    Fault(
        id="loading_residue/rude-import",
        breaks="importing the loader puts a hook on every module of the process",
        caught_by=("loading_residue/import-changes-nothing",),
        parts=lambda: Parts(decoration=replace(SOUND, imported_as=(*SOUND.imported_as, "suite.faults.rude_import"))),
        family="llama",
    ),
)
