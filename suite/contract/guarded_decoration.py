"""A workbench and a loaded model behind the guard."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from suite.contract.calls import Guard, SubjectFailed
from suite.contract.decorating import DecorationFacts, LoadedModel, Options, Workbench

_Answer = TypeVar("_Answer")


class GuardedWorkbench:
    """A workbench whose calls are guarded."""

    def __init__(self, workbench: Workbench, *, guard: Guard) -> None:
        self._workbench = workbench
        self._guard = guard

    def decorate(
        self, cls: type[nn.Module], options: Options, dims: Mapping[str, int] | None = None
    ) -> type[nn.Module]:
        """As `Workbench.decorate`; what comes back is a class of modules."""
        with self._guard.call(f"decorate {cls.__qualname__}"):
            decorated = self._workbench.decorate(cls, options, dims)
        if not (isinstance(decorated, type) and issubclass(decorated, nn.Module)):
            raise SubjectFailed(f"decorating {cls.__qualname__} returned {decorated!r}, which is no class of modules")
        return decorated

    def build(self, cls: type[nn.Module], *arguments: object, **keywords: object) -> nn.Module:
        """As `Workbench.build`; what comes back is an instance of the class."""
        with self._guard.call(f"build {cls.__qualname__}"):
            made = self._workbench.build(cls, arguments, keywords)
        if not isinstance(made, cls):
            raise SubjectFailed(f"building {cls.__qualname__} returned a {type(made).__qualname__}")
        return made

    def ask(self, what: str, call: Callable[[], _Answer]) -> _Answer:
        """What a call of something that the subject made returns, in inference; what it raises is the subject's.

        Raises:
            SubjectFailed: it raised; the exception is the cause.
        """
        return _asked(self._guard, what, call)

    def at_once(self, what: str, works: Sequence[Callable[[Workbench], _Answer]]) -> list[_Answer]:
        """Runs each work with the workbench, in a thread of its own and in inference, all at the same time.

        Raises:
            Refused, SubjectFailed: what the first of them that raised raises.
        """
        gate = threading.Barrier(len(works))

        def run(work: Callable[[Workbench], _Answer]) -> _Answer:
            gate.wait()
            with torch.no_grad():
                return work(self._workbench)

        # One guard around all: it swaps the process's streams, which two threads would swap crosswise.
        with self._guard.call(what), ThreadPoolExecutor(len(works)) as pool:
            return [each.result() for each in [pool.submit(run, work) for work in works]]

    def undo(self, cls: type[nn.Module]) -> type[nn.Module]:
        """As `Workbench.undo`."""
        with self._guard.call(f"undo {cls.__qualname__}"):
            return self._workbench.undo(cls)

    def facts(self) -> DecorationFacts:
        """As `Workbench.facts`."""
        with self._guard.call("facts"):
            return self._workbench.facts()

    def close(self) -> None:
        """As `Workbench.close`."""
        with self._guard.call("close"):
            self._workbench.close()


class GuardedLoad:
    """A loaded model whose calls are guarded."""

    def __init__(self, loaded: LoadedModel, *, guard: Guard) -> None:
        self._loaded = loaded
        self._guard = guard

    @property
    def model(self) -> nn.Module:
        """As `LoadedModel.model`; it is a module."""
        with self._guard.call("model"):
            model = self._loaded.model
        if not isinstance(model, nn.Module):
            raise SubjectFailed(f"loading returned a {type(model).__qualname__}, which is no module")
        return model

    def logits(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """What the model answers, `[1, tokens, vocabulary]`, in inference.

        Raises:
            SubjectFailed: it raised, or has no logits.
        """
        model = self.model
        answer = self.ask("a call of the model", lambda: model(**inputs))
        logits: Any = getattr(answer, "logits", None)
        if not isinstance(logits, Tensor):
            raise SubjectFailed(f"the model answered with a {type(answer).__qualname__} without logits")
        return logits

    def ask(self, what: str, call: Callable[[], _Answer]) -> _Answer:
        """As `GuardedWorkbench.ask`."""
        return _asked(self._guard, what, call)

    def undo(self) -> None:
        """As `LoadedModel.undo`."""
        with self._guard.call("undo"):
            self._loaded.undo()

    def facts(self) -> DecorationFacts:
        """As `LoadedModel.facts`."""
        with self._guard.call("facts"):
            return self._loaded.facts()

    def close(self) -> None:
        """As `LoadedModel.close`."""
        with self._guard.call("close"):
            self._loaded.close()


def _asked(guard: Guard, what: str, call: Callable[[], _Answer]) -> _Answer:
    with guard.call(what), torch.no_grad():
        return call()
