"""Every law on what loading may not change, on a loader that is not the reference: an honest one, and broken ones."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from torch import nn

from selftests.properties.hunting import hunt, ids_of, whole_violation
from selftests.properties.wrapping_loader import CompiledCall, Load, WrappingLoader
from suite.contract.decorating import Wishes
from suite.contract.subject import Refused
from suite.contract.verdict import Outcome
from suite.driver.search import Found
from suite.properties import loading_effects, loading_residue

OURS = ids_of(loading_effects, loading_residue)


class _CompilesEveryone(WrappingLoader):
    """Compiles through the class, so every instance of it."""

    def wrap(self, part: nn.Module, wishes: Wishes) -> None:
        for each in [each for each in gc.get_referrers(type(part)) if type(each) is type(part)]:
            vars(each)["forward"] = CompiledCall(each, wishes.mode)


class _Marks(WrappingLoader):
    """Writes to the class."""

    def wrap(self, part: nn.Module, wishes: Wishes) -> None:
        super().wrap(part, wishes)
        type.__setattr__(type(part), "_wrapped", getattr(type(part), "_wrapped", 0) + 1)


class _Renames(WrappingLoader):
    """Adds a buffer."""

    def wrap(self, part: nn.Module, wishes: Wishes) -> None:
        super().wrap(part, wishes)
        part.register_buffer("calls", torch.zeros(1))


class _Writes(WrappingLoader):
    """Writes to the caller's configuration."""

    def built(self, config: object) -> nn.Module:
        cast(Any, config).use_cache = False
        return super().built(config)


class _PastHooks(WrappingLoader):
    """Loses the hooks of what it compiles."""

    def wrap(self, part: nn.Module, wishes: Wishes) -> None:
        super().wrap(part, wishes)
        part.register_forward_pre_hook = lambda *_, **__: _Nothing()  # type: ignore[method-assign, assignment]  # broken on purpose


class _Nothing:
    """A handle of no hook."""

    def remove(self) -> None:
        """Nothing."""


class _Mute(CompiledCall):
    """Refuses to be copied without a word."""

    def __reduce__(self) -> str:
        raise TypeError("no")


class _RefusesCopies(WrappingLoader):
    """Says nothing of why it cannot be copied."""

    def wrap(self, part: nn.Module, wishes: Wishes) -> None:
        vars(part)["forward"] = _Mute(part, wishes.mode)


class _KeepsOne(Load):
    """Undo forgets a part."""

    def undo(self) -> None:
        for part in self.parts[:-1]:
            vars(part).pop("forward", None)


class _Forgetful(WrappingLoader):
    """Its loads undo too little."""

    load_kind = _KeepsOne


class _Threads(WrappingLoader):
    """Leaves a variable in the environment."""

    def built(self, config: object) -> nn.Module:
        os.environ["LOCKSTEP_STRANGER"] = "was here"
        return super().built(config)


class _Reaches(WrappingLoader):
    """Has every Python that is started later begin with a module of its own."""

    def built(self, config: object) -> nn.Module:
        folder = tempfile.mkdtemp()
        weakref.finalize(self, shutil.rmtree, folder)
        line = "import torch\ntorch.set_default_dtype(torch.float64)\n"
        Path(folder, "sitecustomize.py").write_text(line, encoding="utf-8")
        os.environ["PYTHONPATH"] = folder
        return super().built(config)


class _Keeps(WrappingLoader):
    """Keeps every model."""

    def built(self, config: object) -> nn.Module:
        _KEPT.append(super().built(config))
        return _KEPT[-1]


class _Curt(WrappingLoader):
    """Refuses in a word."""

    def built(self, config: object) -> nn.Module:
        try:
            return super().built(config)
        except Refused:
            raise Refused("cannot do that") from None


class _LeavesADefault(WrappingLoader):
    """Leaves the default dtype behind when it fails."""

    def built(self, config: object) -> nn.Module:
        torch.set_default_dtype(torch.float64)
        made = super().built(config)
        torch.set_default_dtype(torch.float32)
        return made


class _Rude(WrappingLoader):
    """Is imported as something that touches everyone."""

    def __init__(self) -> None:
        super().__init__()
        self.capabilities = replace(self.capabilities, imported_as=("suite.faults.rude_import",))


_KEPT: list[nn.Module] = []
BROKEN: dict[str, Callable[[], WrappingLoader]] = {
    "loading_effects/earlier-instances": _CompilesEveryone,
    "loading_effects/classes-untouched": _Marks,
    "loading_effects/state-is-the-plain-one": _Renames,
    "loading_effects/configuration-is-the-users": _Writes,
    "loading_effects/hooks-fire": _PastHooks,
    "loading_effects/copies-work": _RefusesCopies,
    "loading_effects/undo-restores": _Forgetful,
    "loading_residue/process-state": _Threads,
    "loading_residue/next-process": _Reaches,
    "loading_residue/dropped-models-are-collected": _Keeps,
    "loading_residue/refusals-are-clear": _Curt,
    "loading_residue/half-way-leaves-nothing": _LeavesADefault,
    "loading_residue/import-changes-nothing": _Rude,
}
"""By law, the stranger that it must catch."""


def _search(law_id: str, stranger: WrappingLoader, *, examples: int) -> Found:
    return hunt(law_id, cast(Any, stranger), examples=examples, family="llama", seconds=40.0)


@pytest.mark.parametrize("law_id", OURS)
def test_an_honest_stranger_holds(law_id: str) -> None:
    """A loader that shares nothing with the reference satisfies every law: none is about the reference."""
    found = _search(law_id, WrappingLoader(), examples=1)
    assert found.verdict.outcome is Outcome.HOLDS, found.verdict


@pytest.mark.parametrize("law_id", OURS)
def test_a_broken_stranger_is_caught(law_id: str) -> None:
    """The one thing that the law is about done wrongly: a violation with all its parts."""
    whole_violation(_search(law_id, BROKEN[law_id](), examples=10))


def test_every_law_has_its_broken_stranger() -> None:
    """A new law needs a stranger that it catches; no stranger is left without its law."""
    assert set(BROKEN) == set(OURS)
