"""Faults of keys: what changes the code is not in them, or what changes no code is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from torch import fx

from reference.compilation.aot import TorchTracer
from reference.compilation.artifacts import ArtifactStore
from reference.compilation.compiled_forward import Program, Target, Tracer
from reference.compilation.fingerprint import Fingerprint, Symbols
from reference.compilation.program_key import AotKey
from reference.compilation.ranges import CompileRange
from reference.compilation.stored_programs import AotProgram
from reference.compilation.variants import Variant
from suite.faults import injection
from suite.faults.fault import Fault
from suite.faults.injection import MakeParts


class _WithoutNumbers(Fingerprint):
    """Takes pieces with the same operations for equal, whatever numbers are in them."""

    def graph(self, graph: fx.GraphModule, symbols: Symbols) -> list[str]:
        return [re.sub(r"(int|float) [-+.\w]+", "number", line) for line in super().graph(graph, symbols)]


class _WithoutRange(Fingerprint):
    """Takes the code of one range for that of all."""

    def range(self, compile_range: CompileRange) -> str:
        return "any"


class _WithoutCompiler(Fingerprint):
    """Takes what one compiler made for what another one would make."""

    def compiler(self) -> str:
        return "any"

    def options(self) -> str:
        return "any"


class _WithoutDtypes(Fingerprint):
    """Knows shapes, and not what lies in them."""

    def inputs(self, graph: fx.GraphModule, symbols: Symbols) -> list[str]:
        return [re.sub(r"torch\.(float|int)\d+", "number", line) for line in super().inputs(graph, symbols)]


class _WithoutComponent(Fingerprint):
    """Takes an encoder's piece for a language model's."""

    def component(self) -> str:
        return "any"


class _WithoutClass(Fingerprint):
    """Takes pieces of two classes for equal if their graphs are."""

    def class_name(self) -> str:
        return "any"


class _FirstComesFirst(ArtifactStore):
    """Keeps everything below the name of whatever is there already."""

    def folder(self, label: str, key: str) -> Path:
        taken = sorted(each.name for each in self.root.iterdir()) if self.root.exists() else []
        return super().folder(taken[0] if taken else label, key)


class _IgnoresSplit(AotKey):
    """Keeps programs with and without pieces under one key."""

    def configuration(self, target: Target) -> str:
        return replace(target.config, splitting_ops=()).compute_hash()


class _IgnoresRanges(AotKey):
    """Keeps programs for all ranges under one key."""

    def configuration(self, target: Target) -> str:
        return replace(target.config, compile_ranges_endpoints=()).compute_hash()


class _IgnoresNumbers(AotKey):
    """Keeps programs of all hyperparameters under one key."""

    def attributes(self, target: Target) -> dict[str, object]:
        return {}


class _IgnoresNoneness(AotKey):
    """Knows the names of arguments, and not whether they are given."""

    def inputs(self, variant: Variant) -> object:
        return [name for name, _ in variant.arguments]


class _IgnoresEnvironment(AotKey):
    """Knows that a variable is read, and not what it says."""

    def environment(self, target: Target) -> dict[str, str | None]:
        return dict.fromkeys(target.services.environment)


class _IgnoresComponent(AotKey):
    """Keeps the program of an encoder under the key of the language model's."""

    def component(self, target: Target) -> tuple[str, str]:
        return "any", super().component(target)[1]

    def configuration(self, target: Target) -> str:
        return replace(target.config, compile_mm_encoder=False).compute_hash()


class _KnowsFolder(AotKey):
    """Has the place of the cache in the key."""

    def factors(self, target: Target, variant: Variant) -> dict[str, object]:
        return {**super().factors(target, variant), "folder": str(target.config.cache_dir)}


class _KeepsUnlisted(TorchTracer):
    """Keeps a program that read a variable of which its key knows nothing."""

    def save(self, key: str, program: Program) -> None:
        if isinstance(program, AotProgram):
            program.reads.environment.clear()
        super().save(key, program)


class _TrustsKeys(TorchTracer):
    """Knows nothing of arguments that are missing, and asks no guard of a stored program."""

    def __init__(self, target: Target) -> None:
        super().__init__(target, keys=_IgnoresNoneness())

    def fits(self, program: Program, args: tuple[object, ...], kwargs: Mapping[str, object]) -> bool:
        return True


def _keys(kind: Callable[[], AotKey]) -> MakeParts:
    """Whole programs under keys that another maker makes."""

    def make(target: Target) -> Tracer:
        return TorchTracer(target, keys=kind())

    return injection.compilation(tracer=make)


_ANSWER = "compile_keys/flip-gives-the-new-answer"
_REQUEST = "compile_keys/one-key-per-request"
_WHOLE = "compile_keys/whole-programs-are-told-apart"
_ORDER = "compile_keys/order-of-programs"
_ENVIRONMENT = "compile_keys/environment-is-in-the-key"

FAULTS = (
    Fault(
        id="compile_keys/numbers-are-missing",
        breaks="the key of a piece knows operations and shapes, and no number between them",
        caught_by=(_ANSWER,),
        parts=injection.piecewise(fingerprint=_WithoutNumbers),
        source="BUG-C06",
    ),
    Fault(
        id="compile_keys/range-is-missing",
        breaks="the code of a range is kept under a key without the range",
        caught_by=(_REQUEST,),
        parts=injection.piecewise(fingerprint=_WithoutRange),
    ),
    Fault(
        id="compile_keys/compiler-is-missing",
        breaks="what one compiler of pieces made is kept under a key that all of them use",
        caught_by=(_REQUEST,),
        parts=injection.piecewise(fingerprint=_WithoutCompiler),
    ),
    Fault(
        id="compile_keys/dtypes-are-missing",
        breaks="the key of a piece does not know the dtypes of its arguments",
        caught_by=(_ORDER,),
        parts=injection.piecewise(fingerprint=_WithoutDtypes),
    ),
    Fault(
        id="compile_keys/component-is-missing",
        breaks="neither folder nor key tells an encoder's pieces from a language model's",
        caught_by=(_ORDER, _REQUEST),
        parts=injection.piecewise(fingerprint=_WithoutComponent, label=lambda _, class_name: class_name),
        source="BUG-C08",
    ),
    Fault(
        id="compile_keys/class-is-missing",
        breaks="neither folder nor key tells the pieces of two classes apart",
        caught_by=(_ORDER, _REQUEST),
        parts=injection.piecewise(fingerprint=_WithoutClass, label=lambda component, _: component),
        source="BUG-C08",
    ),
    Fault(
        id="compile_keys/prefix-is-global",
        breaks="everything is kept below the name of the class that was compiled first",
        caught_by=(_ORDER,),
        parts=injection.compilation(store=_FirstComesFirst),
        source="BUG-C08",
    ),
    Fault(
        id="compile_keys/split-is-missing",
        breaks="the key of a whole program does not know at which operations it is split",
        caught_by=(_WHOLE,),
        parts=_keys(_IgnoresSplit),
        source="BUG-C02",
    ),
    Fault(
        id="compile_keys/ranges-are-missing",
        breaks="the key of a whole program does not know its ranges",
        caught_by=(_WHOLE,),
        parts=_keys(_IgnoresRanges),
        source="BUG-C02",
    ),
    Fault(
        id="compile_keys/hyperparameters-are-missing",
        breaks="the key of a whole program does not know the numbers in its modules",
        caught_by=(_WHOLE,),
        parts=_keys(_IgnoresNumbers),
        source="BUG-C02",
    ),
    Fault(
        id="compile_keys/absent-arguments-are-missing",
        breaks="the key of a whole program does not know which arguments are None",
        caught_by=(_WHOLE,),
        parts=_keys(_IgnoresNoneness),
        source="BUG-C01",
    ),
    Fault(
        id="compile_keys/another-signature-is-served",
        breaks="a stored program is loaded for arguments of another kind, and its guards are not asked",
        caught_by=(_WHOLE,),
        parts=injection.compilation(tracer=_TrustsKeys),
        source="BUG-C01",
    ),
    Fault(
        id="compile_keys/component-of-whole-is-missing",
        breaks="the key of a whole program does not know which part of the model it is",
        caught_by=(_WHOLE,),
        parts=_keys(_IgnoresComponent),
        source="BUG-C08",
    ),
    Fault(
        id="compile_keys/environment-is-missing",
        breaks="the key of a whole program does not know the values of the variables that its trace reads",
        caught_by=(_ENVIRONMENT, _WHOLE),
        parts=_keys(_IgnoresEnvironment),
        source="BUG-C14",
    ),
    Fault(
        id="compile_keys/unlisted-reads-are-kept",
        breaks="a program that read a variable of which its key knows nothing is kept",
        caught_by=(_ENVIRONMENT,),
        parts=injection.compilation(tracer=_KeepsUnlisted, environment=()),
        sampled=True,
        source="BUG-C14",
    ),
    Fault(
        id="compile_keys/folder-is-in-the-key",
        breaks="the key of a whole program knows in which folder it is kept",
        caught_by=("compile_keys/harmless-changes-keep-the-key",),
        parts=_keys(_KnowsFolder),
    ),
)
