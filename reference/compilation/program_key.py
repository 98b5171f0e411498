"""The key of a whole program, fixed before anything is traced (SPEC C2, BUG-C01, BUG-C02, BUG-C14)."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import platform
import types
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from reference.compilation.compiled_forward import Target
from reference.compilation.variants import Variant, kind_of

_OWN = ("_compilation_wishes", "_compiled_forward")
_WEIGHTS = ("_parameters", "_buffers", "_modules")
_DEPTH = 5


class AotKey:
    """Makes the key of one module and one kind of call. One method per factor, so that each can be seen to matter."""

    def of(self, target: Target, variant: Variant) -> str:
        """Hexadecimal digest of all factors, equal in every process."""
        facts = json.dumps(self.factors(target, variant), sort_keys=True, default=repr)
        return hashlib.sha256(facts.encode()).hexdigest()[:40]

    def factors(self, target: Target, variant: Variant) -> dict[str, object]:
        """Everything that changes the program, by name."""
        return {
            "configuration": self.configuration(target),
            "dims": self.dims(target),
            "sources": self.sources(target),
            "attributes": self.attributes(target),
            "weights": self.weights(target),
            "inputs": self.inputs(variant),
            "modes": self.modes(variant),
            "environment": self.environment(target),
            "versions": self.versions(),
            "component": self.component(target),
        }

    def configuration(self, target: Target) -> str:
        """The user's wishes."""
        return target.config.compute_hash()

    def dims(self, target: Target) -> str:
        """Which dims are dynamic."""
        return repr(target.dims)

    def sources(self, target: Target) -> dict[str, list[str]]:
        """Digests of the code, and of the file, of all classes that the module is made of, by their names.

        A decorated class has the name of the class that it was made from, so both stand under it.
        """
        classes = {base for part in target.module.modules() for base in type(part).__mro__}
        found: dict[str, list[str]] = {}
        for each in filter(_is_users, classes):
            found.setdefault(f"{each.__module__}.{each.__qualname__}", []).append(_source_of(each))
        return {name: sorted(digests) for name, digests in found.items()}

    def attributes(self, target: Target) -> dict[str, object]:
        """What every part holds beside weights: hyperparameters, configurations, hooks."""
        return {
            name: {key: describe(value) for key, value in sorted(vars(part).items()) if key not in (*_OWN, *_WEIGHTS)}
            for name, part in target.module.named_modules()
        }

    def weights(self, target: Target) -> dict[str, str]:
        """Kind, shape and stride of every parameter and buffer. Their values are inputs."""
        named = [*target.module.named_parameters(remove_duplicate=False), *target.module.named_buffers()]
        return {name: f"{kind_of(each)} {tuple(each.shape)} {each.stride()}" for name, each in named}

    def inputs(self, variant: Variant) -> object:
        """Which arguments are None, and the dtype, rank and device of the others."""
        return variant.arguments

    def modes(self, variant: Variant) -> object:
        """Training, gradients, inference mode and autocast."""
        return variant.ambient

    def environment(self, target: Target) -> dict[str, str | None]:
        """Values of the environment variables that the trace is known to read."""
        return {name: os.environ.get(name) for name in target.services.environment}

    def versions(self) -> tuple[str, ...]:
        """What compiles and runs it."""
        return torch.__version__, platform.python_version(), platform.machine(), torch.backends.cpu.get_cpu_capability()

    def component(self, target: Target) -> tuple[str, str]:
        """Encoder or language model, and the class (BUG-C08)."""
        return target.component, f"{type(target.module).__module__}.{target.class_name}"


def describe(value: object, depth: int = _DEPTH) -> object:
    """A value as data without addresses, equal in every process."""
    if value is None or isinstance(value, bool | int | float | str | bytes | torch.dtype | torch.device | Path):
        return repr(value)
    if isinstance(value, Tensor):
        return f"{kind_of(value)} {tuple(value.shape)}"
    if isinstance(value, types.FunctionType):
        return f"{value.__module__}.{value.__qualname__} {_code_digest(value.__code__)}"
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}"
    if depth == 0 or isinstance(value, nn.Module):
        return type(value).__qualname__
    return [f"{type(value).__module__}.{type(value).__qualname__}", *_contents(value, depth - 1)]


def _contents(value: object, depth: int) -> Iterator[object]:
    if isinstance(value, Mapping):
        # Handles of hooks are numbers that differ from process to process.
        named = not all(isinstance(name, int) for name in value)
        yield from ([describe(name, depth) if named else "", describe(each, depth)] for name, each in value.items())
    elif isinstance(value, list | tuple):
        yield from (describe(each, depth) for each in value)
    elif isinstance(value, set | frozenset):
        yield from sorted(json.dumps(describe(each, depth)) for each in value)
    else:
        yield from ([name, describe(each, depth)] for name, each in sorted(getattr(value, "__dict__", {}).items()))


def _is_users(cls: type) -> bool:
    return cls.__module__.partition(".")[0] not in ("torch", "builtins", "typing", "abc")


def _source_of(cls: type) -> str:
    digest = hashlib.sha256()
    for name, each in sorted(vars(cls).items()):
        if isinstance(each, types.FunctionType):
            digest.update(f"{name} {_code_digest(inspect.unwrap(each).__code__)}".encode())
    try:
        digest.update(Path(inspect.getfile(cls)).read_bytes())
    except (OSError, TypeError):
        # A class that was made at run time has no file, and its code was read above.
        digest.update(b"no file")
    return digest.hexdigest()


def _code_digest(code: types.CodeType) -> str:
    constants = [_code_digest(each) if isinstance(each, types.CodeType) else _constant(each) for each in code.co_consts]
    return hashlib.sha256(repr((code.co_code, constants, code.co_names, code.co_varnames)).encode()).hexdigest()


def _constant(value: object) -> str:
    return repr(sorted(map(repr, value))) if isinstance(value, frozenset) else repr(value)
