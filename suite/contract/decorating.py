"""The decoration facets of a subject: decorating classes, and loading whole models with some of their classes compiled.

Only subjects that declare `decorates` or `loads_models` have them. Which modules really run compiled is not asked of
the subject: `suite.oracles.running` watches whose forward Python runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import nn

from suite.contract.program import Component, Mode
from suite.contract.subject import Subject


@dataclass(frozen=True, order=True)
class Wishes:
    """What a user says of compiling, for a whole model or for decorated classes."""

    mode: Mode = "full"
    backend: str = "eager"
    encoder: bool | None = None
    """Whether encoders of a loaded model compile (SPEC D2); None: the user says nothing of it."""

    def __str__(self) -> str:
        said = {None: [], True: ["encoders too"], False: ["no encoders"]}[self.encoder]
        return ", ".join([self.mode, self.backend, *said])


@dataclass(frozen=True, order=True)
class Options:
    """How a class is decorated (SPEC D4)."""

    component: Component = "encoder"
    explicit: bool = False
    """Whether the dims that vary are given by name; otherwise they are inferred from annotations."""
    enabled: bool | None = None
    """What `enable_if` answers; None: it is not given."""

    def __str__(self) -> str:
        said = [self.component, "dims given" if self.explicit else "dims inferred"]
        return ", ".join([*said, *([] if self.enabled is None else [f"enable_if {self.enabled}"])])


@dataclass(frozen=True)
class DecorationFacts:
    """What was heard of a subject since it began."""

    language_model_seconds: float
    """Compile seconds that its configuration counts for language models."""
    encoder_seconds: float
    messages: tuple[str, ...]
    """Every line that was logged below WARNING, formatted."""
    warnings: tuple[str, ...]
    """Every line that was logged at WARNING or above, and every Python warning of the subject's own."""
    compiled: tuple[str, ...] = ()
    """Of a loaded model, paths of the modules that the subject says it compiles."""

    def seconds(self, component: Component) -> float:
        """What is counted for one component."""
        return self.encoder_seconds if component == "encoder" else self.language_model_seconds


class Workbench(Protocol):
    """One configuration under which classes are decorated, and instances of them compile."""

    def decorate(self, cls: type[nn.Module], options: Options, dims: Mapping[str, int] | None) -> type[nn.Module]:
        """The decorated class: another one, or the same; `dims` by argument, or None to infer them.

        Raises:
            Refused: the subject refuses the class or the options, in its own words.
        """
        ...

    def build(self, cls: type[nn.Module], arguments: tuple[object, ...], keywords: Mapping[str, object]) -> nn.Module:
        """An instance of a decorated class, as its users make one that compiles under this configuration."""
        ...

    def undo(self, cls: type[nn.Module]) -> type[nn.Module]:
        """Capability `undoes_decoration`: the class as it was before it was decorated."""
        ...

    def facts(self) -> DecorationFacts:
        """What was heard so far."""
        ...

    def close(self) -> None:
        """Gives everything back; classes that were decorated in place stay so."""
        ...


@runtime_checkable
class DecoratingSubject(Subject, Protocol):
    """A subject that decorates classes of modules."""

    def workbench(self, wishes: Wishes) -> Workbench:
        """Capability `decorates`.

        Raises:
            Refused: the implementation refuses the wishes.
        """
        ...


class LoadedModel(Protocol):
    """A whole model that a subject loaded."""

    @property
    def model(self) -> nn.Module:
        """The model: it is called, hooks are put on it, its state is read."""
        ...

    def facts(self) -> DecorationFacts:
        """What was heard so far."""
        ...

    def undo(self) -> None:
        """Capability `undoes_decoration`: the model becomes what transformers makes."""
        ...

    def close(self) -> None:
        """Gives everything back that is not the model's."""
        ...


@runtime_checkable
class LoadingSubject(Subject, Protocol):
    """A subject that loads whole models."""

    def load_model(self, config: object, wishes: Wishes) -> LoadedModel:
        """Capability `loads_models`: the model of a configuration of transformers, with random weights, for inference.

        Raises:
            Refused: the implementation refuses the configuration or the wishes, in its own words.
        """
        ...
