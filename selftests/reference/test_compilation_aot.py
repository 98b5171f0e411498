"""Whole programs on disk: saved, loaded without a trace, refused when anything differs (SPEC C2, T3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from reference.compilation.aot import TorchTracer
from reference.compilation.compiled_forward import CompileServices, Target
from reference.compilation.config import CompilationConfig
from reference.compilation.decorator import support_torch_compile
from reference.compilation.program_key import AotKey, describe
from reference.compilation.reads import environment_names
from reference.compilation.recipes import compiled_forward
from reference.compilation.variants import Variant
from selftests.reference.compiled_modules import Plus, ReadsEnvironment
from suite.oracles.torch_trace import recorded

X = torch.arange(12.0).view(3, 4)


def start(
    cache: Path, cls: type[nn.Module] = Plus, *, services: CompileServices | None = None, **arguments: object
) -> tuple[Any, CompileServices]:
    """An instance as a new process would make it: nothing of torch's is in memory."""
    torch._dynamo.reset()  # noqa: SLF001  (its public home)
    torch._dynamo.utils.counters.clear()  # noqa: SLF001  (torch's own record)
    torch.manual_seed(0)
    services = services or CompileServices()
    config = CompilationConfig(backend="eager", aot_compile=True, cache_dir=cache)
    module = support_torch_compile(cls)(compilation_config=config, services=services, **arguments)
    return module, services


def traces() -> int:
    """What torch itself counted since the start."""
    return int(torch._dynamo.utils.counters["stats"]["unique_graphs"])  # noqa: SLF001  (torch's own record)


def artifact(cache: Path) -> Path:
    """The one whole program in the cache."""
    (found,) = cache.glob("*/whole-*/artifact.bin")
    return found


def test_a_warm_start_loads_without_a_trace(tmp_path: Path) -> None:
    """And gives the same values for every size; other weights are other values of the same program."""
    with torch.no_grad():
        cold, services = start(tmp_path)
        expected = [cold(X[:rows]) for rows in (1, 0, 3)]
        assert (services.counter.num_aot_compiles, services.counter.num_aot_saves) == (1, 1)
        warm, services = start(tmp_path)
        assert all(torch.equal(warm(X[:rows]), each) for rows, each in zip((1, 0, 3), expected, strict=True))
        assert (services.counter.num_aot_loads, services.counter.num_aot_compiles, traces()) == (1, 0, 0)
        warm.linear.weight.zero_()
        assert torch.equal(warm(X), warm.linear.bias.expand(3, 4) * 2)


def test_a_warm_start_tells_what_the_cold_one_told(tmp_path: Path) -> None:
    """BUG-L03: the same artifacts and fields but for the way, each start under a number of its own."""
    seen = []
    for _ in range(2):
        with recorded() as trace, torch.no_grad():
            start(tmp_path)[0](X)
        seen.append(trace.artifacts("lockstep_"))
    cold, warm = seen
    assert [each.name for each in cold] == [each.name for each in warm] != []
    tables = [[each.table() for each in found if each.name.endswith("_start")] for found in seen]
    assert [[each.pop("is_loaded_whole") for each in found] for found in tables] == [[False], [True]]
    assert tables[0] == tables[1]
    assert all(len({each.compile_id for each in found} - {None}) == 1 for found in seen)


def test_a_damaged_program_is_replaced_with_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Equal values; the start after that loads."""
    with torch.no_grad():
        expected = start(tmp_path)[0](X)
        damaged = artifact(tmp_path)
        damaged.write_bytes(damaged.read_bytes()[:100])
        module, services = start(tmp_path)
        assert torch.equal(module(X), expected)
        assert (services.counter.num_aot_rejected, services.counter.num_aot_compiles) == (1, 1)
        assert [each.levelname for each in caplog.records].count("WARNING") == 1
        module, services = start(tmp_path)
        module(X)
    assert services.counter.num_aot_loads == 1


def test_bytes_that_torch_cannot_read_are_replaced_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The store's checksum is right, and the content is not a program."""
    module, _ = start(tmp_path)
    with torch.no_grad():
        expected = module(X)
        entry = artifact(tmp_path).parent
        module, services = start(tmp_path)
        tracer = TorchTracer(compiled_forward(module).target)
        assert tracer.store is not None
        tracer.store.reject(entry.parent.name, entry.name, "the test")
        assert tracer.store.write(entry.parent.name, entry.name, b"no program")
        caplog.clear()
        assert torch.equal(module(X), expected)
    assert (services.counter.num_aot_rejected, services.counter.num_aot_saves) == (1, 1)
    assert [each.levelname for each in caplog.records].count("WARNING") == 1


def test_an_attribute_that_tracing_bakes_makes_another_program(tmp_path: Path) -> None:
    """And one that changes later is noticed by the program's own guards."""
    with torch.no_grad():
        start(tmp_path)[0](X)
        other, services = start(tmp_path, scale=5.0)
        assert torch.equal(other(X), other.linear(X) * 5.0)
        assert services.counter.num_aot_loads == 0
        other.scale = 7.0
        assert torch.equal(other(X), other.linear(X) * 7.0)


def test_a_key_without_attributes_is_saved_by_the_guards(tmp_path: Path) -> None:
    """The second net under a forgotten factor (BUG-C01)."""

    class Forgetful(AotKey):
        def attributes(self, target: Target) -> dict[str, object]:
            return {}

    services = CompileServices(tracer=lambda target: TorchTracer(target, keys=Forgetful()))
    with torch.no_grad():
        start(tmp_path, services=services)[0](X)
        other, services = start(tmp_path, services=replace(services), scale=5.0)
        assert torch.equal(other(X), other.linear(X) * 5.0)
    assert services.counter.num_aot_rejected == 1


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize("first", ["", "1"])
def test_an_environment_variable_is_in_the_key_or_nothing_is_saved(
    listed: bool, first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """BUG-C14, also for a variable that was not set."""
    names = ("LOCKSTEP_SELFTEST",) if listed else ()
    for value in (first, "" if first else "1", first):
        monkeypatch.setenv("LOCKSTEP_SELFTEST", value) if value else monkeypatch.delenv("LOCKSTEP_SELFTEST", False)
        module, services = start(tmp_path, ReadsEnvironment, services=CompileServices(environment=names))
        assert torch.equal(module(X), X * 2 if value else X)
    assert services.counter.num_aot_loads == int(listed)
    warnings = [each for each in caplog.messages if "LOCKSTEP_SELFTEST" in each]
    assert len(warnings) == (0 if listed else 3)


def test_names_of_variables_are_read_off_the_source() -> None:
    """Every way to ask."""
    text = """
        def f():
            a = os.environ["A"], os.environ.get("B", 1), os.getenv("C"), getenv("D"), "E" in environ
            return other["X"], other.get("Y"), os.getenv(name)
    """
    assert set(environment_names(text)) == {"A", "B", "C", "D", "E", "<a name that is computed>"}


@pytest.mark.parametrize(
    ("factor", "change"),
    [
        ("configuration", lambda target: replace(target, config=CompilationConfig(backend="aot_eager"))),
        ("dims", lambda target: replace(target, dims=target.signature.explicit({"x": (0, 1)}))),
        ("attributes", lambda target: replace(target, module=Plus(3.0))),
        ("weights", lambda target: replace(target, module=Plus().to(torch.float64))),
        ("sources", lambda target: replace(target, module=nn.Sequential())),
        ("component", lambda target: replace(target, is_encoder=True)),
        ("environment", lambda target: replace(target, services=CompileServices(environment=("PATH",)))),
    ],
)
def test_what_changes_the_program_changes_its_factor(
    factor: str, change: Callable[[Target], Target], tmp_path: Path
) -> None:
    """And so the key."""
    target, keys = compiled_forward(start(tmp_path)[0]).target, AotKey()
    variant = Variant.of(target.signature.arguments((X,), {}), training=True)
    changed = change(target)
    assert keys.factors(target, variant)[factor] != keys.factors(changed, variant)[factor]
    assert keys.of(target, variant) != keys.of(changed, variant)


def test_a_decorated_class_and_its_original_are_both_in_the_key(tmp_path: Path) -> None:
    """They share a name, so one of the two would be read by chance, and another one in another process."""
    target = compiled_forward(start(tmp_path)[0]).target
    own = [digests for name, digests in AotKey().sources(target).items() if name.endswith(f".{target.class_name}")]
    assert [len(digests) for digests in own] == [2]
    assert own[0] == sorted(own[0])


def test_none_and_gradients_are_in_the_key(tmp_path: Path) -> None:
    """Two calls that need two programs have two keys (BUG-C01)."""
    target = compiled_forward(start(tmp_path)[0]).target
    calls = [target.signature.arguments(args, {}) for args in ((X,), (X, X), (X.double(),))]
    variants = [Variant.of(arguments, training=True) for arguments in calls]
    with torch.no_grad():
        variants.append(Variant.of(calls[0], training=True))
    assert len({AotKey().of(target, each) for each in variants}) == 4


def test_descriptions_hold_no_addresses() -> None:
    """Two equal objects are described alike, hooks and functions included."""
    described = [repr(describe({"hooks": {each: lambda x: x}, "set": {"a", "b"}, "plus": Plus()})) for each in (1, 2)]
    assert described[0] == described[1]
    assert "0x" not in described[0]
