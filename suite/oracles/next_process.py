"""A process of its own that builds a plain model and says what it got: whatever a load handed on would show there.

`python -m suite.oracles.next_process MODEL` answers with one line of JSON.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import asdict, dataclass, fields
from typing import Any, cast

import torch

from models.whole import whole_model
from suite.oracles.fresh_process import ROOT, SECONDS, TOKENS, ChildLost
from suite.oracles.instance_snapshot import global_hooks
from suite.oracles.running import running


@dataclass(frozen=True)
class PlainAnswer:
    """What a plain model with the weights of one seed is and answers in a new process."""

    logits: str
    """Form and a hash of their bits."""
    in_python: str
    """Paths of the modules that Python ran."""
    classes: str
    """The class of each module."""
    hooks: str
    """Hooks that torch calls for every module."""

    def unlike(self, other: PlainAnswer) -> tuple[str, ...]:
        """What differs, in words."""
        pairs = ((each.name, getattr(self, each.name), getattr(other, each.name)) for each in fields(self))
        return tuple(f"{name}: was {mine}, is {theirs}" for name, mine, theirs in pairs if mine != theirs)


def ask_next_process(model: str) -> PlainAnswer:
    """Starts a process with what this one hands on, and has it build the plain model and call it.

    Raises:
        ChildLost: it died, hung, or answered with something else.
    """
    command = [sys.executable, "-m", "suite.oracles.next_process", model]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired as error:
        raise ChildLost(f"no answer after {SECONDS:g} s") from error
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        raise ChildLost(f"exit status {done.returncode}: {done.stderr.strip()[-2000:]}")
    return PlainAnswer(**json.loads(lines[-1]))


def answer(name: str) -> PlainAnswer:
    """What the plain model answers in this process."""
    whole = whole_model(name)
    torch.manual_seed(0)
    model = whole.build()
    with torch.no_grad(), running(model) as ran:
        logits = cast(Any, model)(**whole.inputs(TOKENS)).logits
    digest = hashlib.sha256(logits.contiguous().view(torch.uint8).numpy().tobytes()).hexdigest()[:16]
    classes = ", ".join(f"{type(each).__module__}.{type(each).__qualname__}" for each in model.modules())
    return PlainAnswer(
        logits=f"{tuple(logits.shape)} {logits.dtype} {digest}",
        in_python=", ".join(sorted(ran)),
        classes=classes,
        hooks=", ".join(sorted(global_hooks())),
    )


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(answer(sys.argv[1]))) + "\n")
