"""Loads a model, and compiles exactly its decoder and, on request, its encoders (SPEC D1, D2, D5, D6)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel

from reference.compilation.compiled_forward import CompileServices
from reference.compilation.config import CompilationConfig, CompilationMode
from reference.compilation.recipes import COMPILED, WISHES, configure, services_of
from reference.transformers_backend.building import ModelBuilder, configs
from reference.transformers_backend.decorating import PartDecorator
from reference.transformers_backend.errors import BackendError
from reference.transformers_backend.finding import PartFinder
from reference.transformers_backend.parts import Part, Parts
from reference.transformers_backend.tracing import PartWishes, services_for, stays_eager

logger = logging.getLogger(__name__)

# Equal decorations are one class, also when two threads ask for them at once.
_decorating = threading.Lock()


@dataclass(frozen=True, eq=False)
class Change:
    """One module whose class was replaced by its decorated subclass."""

    part: Part
    module: nn.Module
    original: type[nn.Module]
    decorated: type[nn.Module]

    def undo(self) -> None:
        """Gives the module its class back, and takes away its programs.

        Raises:
            BackendError: somebody gave it another class since.
        """
        if type(self.module) is self.original:
            return
        if type(self.module) is not self.decorated:
            raise BackendError(
                f"{self.part.path or 'the model'} is a {type(self.module).__qualname__} of somebody else by now, not "
                f"the decorated {self.original.__qualname__}: undo that first."
            )
        self.module.__class__ = self.original
        vars(self.module).pop(COMPILED, None)
        vars(self.module).pop(WISHES, None)


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model that is ready to run, and what was done to it."""

    model: PreTrainedModel
    parts: Parts | None
    """None if nothing was to be compiled."""
    changes: Sequence[Change] = ()

    @property
    def compiled(self) -> tuple[Part, ...]:
        """The parts that compile: not one with dynamic rope (BUG-H02), nor one that was called and did not trace."""
        return tuple(each.part for each in self.changes if WISHES in vars(each.module) and not stays_eager(each.module))

    def undo(self) -> None:
        """Leaves the model as transformers makes it. A second time nothing happens.

        Raises:
            BackendError: somebody gave one of its modules another class since.
        """
        for change in reversed(self.changes):
            change.undo()


class PartsCache:
    """Parts by the shape of a configuration, found once on the meta device if all of them are known."""

    def __init__(self, builder: ModelBuilder, finder: PartFinder) -> None:
        self.builder = builder
        self.finder = finder
        self._known: dict[Hashable, Parts] = {}
        self._finding = threading.RLock()

    def of(self, config: PreTrainedConfig) -> Parts:
        """The parts of the model that the configuration makes.

        Raises:
            BackendError: no model, or no parts.
        """
        key = self.key(config)
        with self._finding:
            if key in self._known:
                return self._known[key]
            found = self.finder.find(self.builder.build_on_meta(config))
            # What one configuration lacks, the next one of the same classes may have: that is not remembered.
            if not found.unresolved:
                self._known[key] = found
            return found

    def key(self, config: PreTrainedConfig) -> Hashable:
        """What decides on classes: those of the configuration and of all inside of it, and the class it names."""
        model_class = self.builder.model_class(config)
        inside = tuple((type(each), each.model_type) for each in configs(config))
        return inside, model_class


class Loader:
    """Loads models. Each part of it can be replaced, each decision is a method of its own."""

    def __init__(
        self,
        *,
        builder: ModelBuilder | None = None,
        finder: PartFinder | None = None,
        decorator: PartDecorator | None = None,
        cache: PartsCache | None = None,
    ) -> None:
        self.builder = builder or ModelBuilder()
        self.finder = finder or PartFinder()
        self.decorator = decorator or PartDecorator()
        self.cache = cache or PartsCache(self.builder, self.finder)

    def load(
        self, config: PreTrainedConfig, compilation_config: CompilationConfig, services: CompileServices | None = None
    ) -> Loaded:
        """A model with random weights, in inference mode, whose parts compile at their first call.

        Only modules of this model get another class. Nothing else in the process is written to, whatever fails.

        Raises:
            BackendError: the model cannot be made, or has not the parts that are to compile.
            TypeError: the compilation configuration is none.
        """
        _require_config(compilation_config)
        if compilation_config.mode is CompilationMode.NONE:
            return Loaded(self.builder.build(config), None)
        parts = self.cache.of(config)
        self.chosen(parts, compilation_config)
        model = self.builder.build(config)
        if not parts.fit(model):
            # A switch inside of the configuration decided on a class: the model itself is asked.
            parts = self.finder.find(model)
        chosen = self.chosen(parts, compilation_config)
        self.warn(parts, chosen)
        return self.attach(model, parts, chosen, compilation_config, services)

    def chosen(self, parts: Parts, wishes: CompilationConfig) -> tuple[Part, ...]:
        """What compiles: the decoder always, encoders on request (BUG-H01).

        Raises:
            BackendError: encoders are to compile, and one of them is not known.
        """
        if not wishes.compile_mm_encoder:
            return (parts.decoder,)
        if parts.unresolved:
            raise BackendError(
                f"{'; '.join(parts.unresolved.values())}: name its tower in EXCEPTIONS, or leave "
                "compile_mm_encoder off."
            )
        return (parts.decoder, *parts.encoders)

    def warn(self, parts: Parts, chosen: Sequence[Part]) -> None:
        """Says what to expect of compiled encoders (SPEC D5)."""
        if names := sorted({each.cls.__name__ for each in chosen if each.is_encoder}):
            logger.warning(
                "%s: compiling %s of %s. Only encoders that trace as one graph compile, and only on platforms with a "
                "compiler; all others stay eager.",
                "compile_mm_encoder",
                ", ".join(names),
                parts.model_class.__name__,
            )

    def attach(
        self,
        model: PreTrainedModel,
        parts: Parts,
        chosen: Sequence[Part],
        wishes: CompilationConfig,
        services: CompileServices | None,
    ) -> Loaded:
        """Gives the chosen modules their decorated classes, all or none."""
        changes: list[Change] = []
        loaded = Loaded(model, parts, changes)
        try:
            for part in chosen:
                changes.append(self.change(model, part))
                self.configure(changes[-1].module, wishes, services)
        except BaseException:
            loaded.undo()
            raise
        return loaded

    def change(self, model: PreTrainedModel, part: Part) -> Change:
        """Gives one module its decorated class."""
        module = part.module(model)
        with _decorating:
            decorated = self.decorator.decorated(part, getattr(module, "config", None))
        try:
            module.__class__ = decorated
        except TypeError as error:
            raise BackendError(
                f"{part.cls.__qualname__} ({part.path}) does not let its instances change class: {error}. "
                "Load it with mode=CompilationMode.NONE."
            ) from error
        return Change(part, module, part.cls, decorated)

    def configure(self, module: nn.Module, wishes: CompilationConfig, services: CompileServices | None) -> None:
        """Lets one decorated module compile."""
        configure(module, wishes, services_for(services or services_of(wishes)))
        if WISHES in vars(module):
            vars(module)[WISHES] = PartWishes(wishes, vars(module)[WISHES].services)


_loader = Loader()


def load(
    config: PreTrainedConfig, compilation_config: CompilationConfig, services: CompileServices | None = None
) -> Loaded:
    """A model of transformers with random weights, whose decoder compiles, and its encoders on request.

    Raises:
        BackendError: the model cannot be made or split into parts; the text names the class and the remedy.
        TypeError: the compilation configuration is none.
    """
    return _loader.load(config, compilation_config, services)


def _require_config(config: object) -> None:
    if not isinstance(config, CompilationConfig):
        raise TypeError(f"compilation_config={config!r} is not a CompilationConfig: give one.")
