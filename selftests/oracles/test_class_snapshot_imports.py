"""Imports, and what torch and transformers do to their own classes, are no decoration; everything else is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from suite.oracles.class_difference import Change, differences
from suite.oracles.class_snapshot import snapshot

HOME = "lazy_towers"
ROOT = Path(__file__).resolve().parents[2]


class _Lazy(ModuleType):
    """Fills itself when it is asked, as transformers' packages do."""


@pytest.fixture
def package() -> Iterator[ModuleType]:
    """A package with one submodule that it does not name yet."""
    made, inner = ModuleType(HOME), ModuleType(f"{HOME}.inner")
    sys.modules.update({HOME: made, f"{HOME}.inner": inner})
    made.tower = "tower"  # type: ignore[attr-defined]  # an invented module
    yield made
    for name in [each for each in sys.modules if each.partition(".")[0] == HOME]:
        del sys.modules[name]


def test_an_import_is_no_change(package: ModuleType) -> None:
    """A submodule that appears is none; a name that appears, changes or goes is one, in a module that was given."""
    before = snapshot([], modules=[HOME])
    package.inner = sys.modules[f"{HOME}.inner"]  # type: ignore[attr-defined]  # an invented module
    package.__warningregistry__ = {}  # type: ignore[attr-defined]  # an invented module
    assert differences(before, snapshot([], modules=[HOME])) == ()
    package.more = 1  # type: ignore[attr-defined]  # an invented module
    del package.tower
    assert differences(before, snapshot([], modules=[HOME])) == (
        Change(f"module {HOME}", "namespace", "tower", "'tower'", "absent"),
        Change(f"module {HOME}", "namespace", "more", "absent", "1"),
    )


def test_a_module_that_goes_is_a_change(package: ModuleType) -> None:
    """Told once, and not name by name; a module that was not there yet is none."""
    before = snapshot([], modules=[HOME, "never_imported"])
    del sys.modules[HOME]
    sys.modules["never_imported"] = package
    after = snapshot([], modules=[HOME, "never_imported"])
    del sys.modules["never_imported"]
    assert differences(before, after) == (Change(f"module {HOME}", "namespace", "itself", "imported", "absent"),)


def test_a_lazy_module_may_fill_itself(package: ModuleType) -> None:
    """There, a new name is none; another value for an old one is a change yet."""
    package.__class__ = _Lazy
    before = snapshot([], modules=[HOME])
    package.more = 1  # type: ignore[attr-defined]  # an invented module
    assert differences(before, snapshot([], modules=[HOME])) == ()
    package.tower = "other"  # type: ignore[attr-defined]  # an invented module
    assert [each.what for each in differences(before, snapshot([], modules=[HOME]))] == ["tower"]


class Base:
    """A parent, of which further modules may inherit."""


def test_an_imported_subclass_is_no_change(package: ModuleType) -> None:
    """A class that a new module names is none; one that hides in it, or is of a module known before, is a change."""
    before = snapshot({"base": Base})
    later = sys.modules[f"{HOME}.later"] = ModuleType(f"{HOME}.later")
    imported = later.Tower = type("Tower", (Base,), {"__module__": later.__name__})  # type: ignore[attr-defined]
    assert differences(before, snapshot({"base": Base})) == ()
    hidden = type("Hidden", (Base,), {"__module__": later.__name__})
    made = package.Made = type("Made", (Base,), {"__module__": HOME})  # type: ignore[attr-defined]
    seen = {each.what for each in differences(before, snapshot({"base": Base}))}
    assert seen == {f"{each.__module__}.{each.__name__}" for each in (hidden, made)}
    assert imported in Base.__subclasses__()


FRESH = """
import torch
from transformers.models.clip import modeling_clip
from suite.oracles.class_difference import differences
from suite.oracles.class_reading import relatives
from suite.oracles.class_snapshot import settle_torch, snapshot

def seen(before):
    return sorted({each.what for each in differences(before, snapshot(classes, modules=["transformers"]))})

classes = relatives(modeling_clip.CLIPVisionModel)
sizes = dict(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
before = snapshot(classes)
modeling_clip.CLIPVisionModel(modeling_clip.CLIPVisionConfig(**sizes))
print(seen(before))
before = snapshot(classes, modules=["transformers"])
import transformers
transformers.BertModel(transformers.BertConfig(vocab_size=16, **sizes))
print(seen(before))
settle_torch()
print(seen(before))
before = snapshot(classes, modules=["transformers"])
torch.compile(torch.nn.Linear(2, 2), backend="eager")(torch.ones(1, 2))
print(seen(before))
"""


def test_a_fresh_process_is_quiet() -> None:
    """After a class's first instance and torch's first compile, imports and compiles elsewhere are no change."""
    done = subprocess.run(
        [sys.executable, "-c", FRESH], cwd=ROOT, capture_output=True, text=True, timeout=50, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    built, imported, settled, compiled = done.stdout.splitlines()
    assert "'smart_apply'" in built
    assert "_cached_value'" in built
    assert imported == compiled == "[]"
    assert "'___needs_generation_tag_patch', '__init__'" in settled
