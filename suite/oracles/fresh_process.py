"""A process of its own that looks at a plain model before and after modules are imported.

`python -m suite.oracles.fresh_process MODEL MODULE...` answers with one line of JSON.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from models.whole import whole_model
from suite.oracles.class_difference import differences
from suite.oracles.class_reading import relatives
from suite.oracles.class_snapshot import settle_torch, snapshot
from suite.oracles.decoration_sheet import rows_in
from suite.oracles.inherited_state import handed_on, inherited_state
from suite.oracles.process_state import changes, process_state
from suite.oracles.running import running

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 50.0
TOKENS = 5


class ChildLost(Exception):
    """The child did not answer: the text says how it ended."""


@dataclass(frozen=True)
class Imported:
    """What importing did to a process that had a plain model in it."""

    changed: tuple[tuple[str, str, str, str, str, str], ...]
    """Of classes, instances, registries and hooks: subject, aspect, what, before, after, row of SPEC D6."""
    state: tuple[str, ...]
    """Parts of the process's state that changed."""
    is_the_same: bool
    """Whether the plain model, and one built afterwards with the same seed, answer as before to the bit, in Python."""
    failed: str = ""
    """What importing raised."""
    looked_at: tuple[str, ...] = ()
    """Rows of SPEC D6 of which a change would have been seen."""


def import_elsewhere(model: str, modules: Sequence[str]) -> Imported:
    """Imports the modules in a new process, after a plain model was built there.

    Raises:
        ChildLost: it died, hung, or answered with something else.
    """
    command = [sys.executable, "-m", "suite.oracles.fresh_process", model, *modules]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired as error:
        raise ChildLost(f"no answer after {SECONDS:g} s") from error
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        raise ChildLost(f"exit status {done.returncode}: {done.stderr.strip()[-2000:]}")
    answer = json.loads(lines[-1])
    told = tuple(tuple(each) for each in answer.pop("changed"))
    state, rows = tuple(answer.pop("state")), tuple(answer.pop("looked_at"))
    return Imported(changed=cast(Any, told), state=state, looked_at=rows, **answer)


def look(model: str, modules: Sequence[str]) -> Imported:
    """What importing the modules does to this process, which must be new."""
    plain = _built(model)
    seen = _seen(plain, model)
    settle_torch()
    # The first instance and the first call, with which transformers writes to its classes, are behind it.
    classes = list({id(each): each for inner in plain.modules() for each in relatives(type(inner))}.values())
    modes, kept = process_state(), inherited_state()
    before = snapshot(classes, {"a plain model": plain})
    failed = _import(modules)
    found = differences(before, snapshot(classes, {"a plain model": plain}))
    state = (*changes(modes), *handed_on(kept))
    told = tuple((each.subject, each.aspect, each.what, each.before, each.after, each.row) for each in found)
    same = _equal(seen, _seen(plain, model)) and _equal(seen, _seen(_built(model), model))
    return Imported(told, state, same, failed, tuple(sorted(rows_in(before))))


def _built(model: str) -> nn.Module:
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        made: nn.Module = whole_model(model).build()
    return made


def _seen(plain: nn.Module, model: str) -> tuple[Tensor, frozenset[str]]:
    with torch.no_grad(), running(plain) as ran:
        logits: Tensor = cast(Any, plain)(**whole_model(model).inputs(TOKENS)).logits
    return logits, frozenset(ran)


def _equal(one: tuple[Tensor, frozenset[str]], other: tuple[Tensor, frozenset[str]]) -> bool:
    return torch.equal(one[0], other[0]) and one[1] == other[1]


def _import(modules: Sequence[str]) -> str:
    try:
        for name in modules:
            importlib.import_module(name)
    except Exception as error:
        return f"{name}: {type(error).__name__}: {error}"
    return ""


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(look(sys.argv[1], sys.argv[2:]))) + "\n")
