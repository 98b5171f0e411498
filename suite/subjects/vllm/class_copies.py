"""Classes of transformers once more: an engine that writes to classes writes to these, and plain models stay plain."""

from __future__ import annotations

import importlib.util
import inspect
import itertools
import sys
from types import FunctionType, ModuleType, TracebackType
from typing import Any

import transformers

_NUMBERS = itertools.count()
AUTO = "AutoModel"
"""Name under which modules of transformers and of the engine find classes by a configuration."""

GENERATING = (
    "AutoModelForImageTextToText",
    "AutoModelForSpeechSeq2Seq",
    "AutoModelForSeq2SeqLM",
    "AutoModelForMaskedLM",
    "AutoModelForCausalLM",
)
"""Tables of transformers in which whole models stand, a model with towers in the first one that has it."""


class ClassCopies:
    """Modules of transformers, executed again under other names when one of their classes is needed.

    It stands for `AutoModel` wherever classes are found by a configuration, so that parts of a model are copies too.
    Names are new ones each time: transformers keeps tables by the names of classes. They are known for a block.
    """

    def __init__(self) -> None:
        self._prefix = f"lockstep_copies_{next(_NUMBERS)}"
        self._copies: dict[str, ModuleType] = {}

    def __enter__(self) -> ClassCopies:
        """Begins to find copies."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """The modules of copies are forgotten; their classes live on as long as a model does."""
        for copied in self._copies.values():
            del sys.modules[copied.__name__]

    def of(self, cls: type) -> Any:  # noqa: ANN401 - a class of transformers, which has classmethods of its own
        """The copy of a class, as it is by now: an engine may have put another in its place."""
        return getattr(self._module(cls.__module__), cls.__name__)

    def _module(self, name: str) -> ModuleType:
        if name not in self._copies:
            spec = importlib.util.find_spec(name)
            if spec is None or spec.loader is None:
                raise ImportError(f"no source of {name}", name=name)
            copied = importlib.util.module_from_spec(spec)
            # Without dots: Dynamo imports modules by their names, and looks for packages before them.
            copied.__name__ = f"{self._prefix}_{name.replace('.', '_')}"
            sys.modules[copied.__name__] = self._copies[name] = copied
            text = inspect.getsource(sys.modules[name])
            exec(compile(text, str(spec.origin), "exec", dont_inherit=True), vars(copied))
            share_code(sys.modules[name], copied)
            if hasattr(copied, AUTO):
                vars(copied)[AUTO] = self
        return self._copies[name]

    def whole(self, config: object) -> Any:  # noqa: ANN401 - as above
        """The copy of the class that transformers has for generating, or for filling gaps, under a configuration.

        Raises:
            ValueError: it has none.
        """
        mappings = (vars(getattr(transformers, name))["_model_mapping"] for name in GENERATING)
        found = next((mapping[type(config)] for mapping in mappings if type(config) in mapping), None)
        if found is None:
            raise ValueError(
                f"{type(config).__name__} is in no table of transformers: looked at {', '.join(GENERATING)}"
            )
        return self.of(found)

    def from_config(self, config: object, *, trust_remote_code: bool = False, **keywords: object) -> Any:  # noqa: ANN401
        """As `AutoModel.from_config`, of a copy. No code from elsewhere is run, so nothing is to be trusted."""
        mapping: Any = vars(transformers.AutoModel)["_model_mapping"]
        found = mapping[type(config)]
        cls: type = found[0] if isinstance(found, list | tuple) else found
        return made(self.of(cls), config, **keywords)


def share_code(original: ModuleType, copied: ModuleType) -> None:
    """Gives the methods of copied classes the code of the originals', by which it is seen that Python runs them."""
    for name, cls in vars(copied).items():
        if isinstance(cls, type) and cls.__module__ == copied.__name__:
            known = vars(getattr(original, name))
            for each, method in vars(cls).items():
                ours, theirs = _plain(method), _plain(known.get(each))
                if ours is not None and theirs is not None:
                    ours.__code__ = theirs.__code__


def _plain(method: object) -> FunctionType | None:
    """The function below all that is wrapped around it."""
    found = inspect.unwrap(method) if callable(method) else None
    return found if isinstance(found, FunctionType) else None


def made(cls: Any, config: object, **keywords: object) -> Any:  # noqa: ANN401 - as above
    """What `AutoModel.from_config` calls of a class."""
    return cls._from_config(config, **keywords)
