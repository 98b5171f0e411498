"""Engines that the suite knows by name: their adapters are imported only when they are asked for."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass

from suite.contract.subject import AdapterBroken


class EngineMissing(AdapterBroken):
    """The engine is not here, or cannot be used: the text says what was looked for, and where it is installed."""


@dataclass(frozen=True)
class Stranger:
    """An engine that others make, and where its adapter stands."""

    package: str
    """What `import` calls it: whether it can be found shows whether the engine is installed."""
    adapter: str
    """`module:function` that gives the columns."""
    environments: tuple[str, ...]
    """Environments of tox that install a release of it, the oldest first."""
    takes_model: bool = False
    """Whether a model of the user's can be put before it (`--model`)."""
    own_tests: str = ""
    """The module that runs the engine's own tests and leaves what came of them beside the records; empty: none."""


STRANGERS: dict[str, Stranger] = {
    "vllm": Stranger(
        "vllm",
        "suite.subjects.vllm.columns:columns",
        ("vllm-0.20", "vllm-0.22", "vllm-0.25", "vllm-0.28", "vllm-0.30", "vllm-0.33"),
        takes_model=True,
        own_tests="suite.witness.vllm_tests",
    ),
    "sglang": Stranger(
        "sglang",
        "suite.subjects.sglang.columns:columns",
        ("sglang-0.5.14", "sglang-0.5.18", "sglang-0.5.20", "sglang-0.5.23"),
    ),
}


def look_for(name: str, stranger: Stranger) -> None:
    """Makes sure that the engine is installed, without importing it.

    Raises:
        EngineMissing: it is not.
    """
    if stranger.package not in sys.modules and importlib.util.find_spec(stranger.package) is None:
        *others, newest = stranger.environments
        raise EngineMissing(
            f"subject {name!r}: looked for the package {stranger.package!r} and found none here; "
            f"`tox run -e {newest}` installs it (other releases: {', '.join(others)})"
        )
