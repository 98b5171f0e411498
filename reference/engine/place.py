"""Where a worker stands among its like, and what it is made of, as data that another process can read."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, cast

from reference.engine.errors import EngineConfigError

if TYPE_CHECKING:
    from reference.engine.times import CompilationTimes

SPAWN, BUILD, COMPILE, CAPTURE = "spawn", "build", "compile", "capture"
STAGES = (SPAWN, BUILD, COMPILE, CAPTURE)
"""Of a start, in order: the process is there, its model is built, compiled and warmed up, its graphs are captured."""


def _nobody_listens(_: str) -> None:
    return


@dataclass(frozen=True)
class Place:
    """One worker's place."""

    rank: int = 0
    world_size: int = 1
    rendezvous: str | None = None
    """Where the ranks meet: an `init_method` of torch.distributed. None: each works alone."""
    enter: Callable[[str], None] = field(default=_nobody_listens, compare=False)
    """Tells the executor that a stage begins, so that a failure is put down to the right one."""


class Worker(Protocol):
    """What an executor runs, one per rank."""

    def compile_or_warm_up_model(self) -> CompilationTimes:
        """Compiles whatever is to be compiled, captures graphs, and says how many seconds compiling took (SPEC T5)."""
        ...

    def shutdown(self) -> None:
        """Lets go of everything; called once, after a start that succeeded or did not."""
        ...


@dataclass(frozen=True)
class WorkerFactory:
    """Makes workers: a function that any process can import, and the rest of its arguments.

    The function is called with a `Place` and with `arguments` as keywords.

    Raises:
        EngineConfigError: the path is no `module:function`, or an argument cannot be written as JSON.
    """

    path: str
    """For example `reference.engine.zoo:worker`."""
    arguments: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        module, _, name = self.path.partition(":")
        if not all(part.isidentifier() for part in (*module.split("."), *name.split("."))):
            raise EngineConfigError(
                f"factory {self.path!r} is no place of a function: give 'module:function', for example "
                "'reference.engine.zoo:worker'."
            )
        try:
            json.dumps(dict(self.arguments), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise EngineConfigError(
                f"the arguments of factory {self.path!r} cannot be given to another process: {error}. "
                "Use texts, finite numbers, flags, None, lists and mappings of them."
            ) from error

    def as_json(self) -> str:
        """The factory as text."""
        return json.dumps({"path": self.path, "arguments": dict(self.arguments)}, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> WorkerFactory:
        """The factory again."""
        return cls(**json.loads(text))

    def make(self, place: Place) -> Worker:
        """The worker of one place.

        Raises:
            EngineConfigError: there is no such function.
            Exception: whatever the function raises.
        """
        made = imported(self.path)
        if not callable(made):
            raise EngineConfigError(f"factory {self.path!r} is a {type(made).__name__}, not a function: name one.")
        return cast(Callable[..., Worker], made)(place, **self.arguments)


def imported(path: str) -> object:
    """What stands in `module:name`.

    Raises:
        EngineConfigError: there is no such module, or nothing of that name in it.
    """
    module, _, name = path.partition(":")
    try:
        found: object = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ModuleNotFoundError, AttributeError) as error:
        raise EngineConfigError(
            f"factory {path!r} cannot be imported: {error}. Give 'module:function' as a fresh interpreter would "
            "import it."
        ) from error
    return found
