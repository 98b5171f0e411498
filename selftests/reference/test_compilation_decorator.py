"""The decorated class: equal values, and no side effects (SPEC C3, D4, D6)."""

from __future__ import annotations

import copy
import inspect
import pickle
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import models
from models.api import Grid
from reference.compilation.compiled_forward import CompileServices
from reference.compilation.config import CompilationConfig, CompilationMode
from reference.compilation.decorator import support_torch_compile, undecorated
from reference.compilation.dynamic_dims import DecorationError
from reference.compilation.recipes import compiled_forward, configure
from selftests.reference.compiled_modules import Breaks, Plus

Decorated: Any = support_torch_compile(Plus)
SIZES = (1, 2, 0, 7)


def config(**wishes: object) -> CompilationConfig:
    """Full mode over pieces that stay eager."""
    return CompilationConfig(**{"backend": "eager", **wishes})  # type: ignore[arg-type]  # the tests' own wishes


def made(cls: type[nn.Module] = Decorated, **wishes: object) -> nn.Module:
    """A configured instance with fixed weights."""
    torch.manual_seed(0)
    return cls(compilation_config=config(**wishes), services=CompileServices())


def test_values_equal_eager_without_a_recompile() -> None:
    """One trace for every size, in any form of call, also in another thread (BUG-C07, BUG-C12)."""
    module, eager = made(), Plus()
    eager.load_state_dict(module.state_dict())
    torch._dynamo.utils.counters.clear()  # noqa: SLF001  (torch's own record)
    with torch.no_grad():
        for size in SIZES:
            x = torch.randn(size, 4)
            assert torch.equal(module(x), eager(x))
            assert torch.equal(module(x=x, bias=None), eager(x))
        results: list[Tensor] = []

        def elsewhere() -> None:
            with torch.no_grad():
                results.append(module(x))

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        assert torch.equal(results[0], eager(x))
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1  # noqa: SLF001  (torch's own record)


def test_gradients_pass() -> None:
    """A compiled forward under autograd gives the weights' gradients."""
    module = made()
    module(torch.ones(3, 4)).sum().backward()
    assert all(each.grad is not None for each in module.parameters())


@pytest.mark.parametrize("name", ["toy", "llama4"])
def test_real_towers_trace_once(name: str) -> None:
    """Items of several sizes, equal to the bare tower."""
    encoder, services = models.build(name), CompileServices()
    bare: nn.Module = encoder.module  # type: ignore[attr-defined]  # the generic encoder has it
    module = copy.deepcopy(bare)
    module.__class__ = support_torch_compile(type(bare), is_encoder=True)
    configure(module, config(), services)
    sizes = encoder.family.sizes
    one = Grid(1, *sizes.tile) if sizes.tile else Grid(1, sizes.merge, sizes.merge)
    tall = one if sizes.tile else replace(one, height=4 * sizes.merge)
    with torch.no_grad():
        for grids in ([one], [tall] * 2, [tall, one, tall]):
            rows = sum(encoder.family.sizes.rows(grid) for grid in grids)
            pixels = torch.randn(rows, *encoder.family.row_shape)
            metadata = {"grid_thw": torch.ones(1, 3, dtype=torch.int64), **encoder.metadata(grids)}
            assert torch.equal(module(pixels, **metadata), bare(pixels, **metadata))
    assert services.counter.num_graphs_seen == 1


def test_instances_of_one_class_do_not_use_up_each_others_traces() -> None:
    """More than torch's limit for one code object, and equal pieces compile once (BUG-C10)."""
    services = CompileServices()
    with torch.no_grad():
        for _ in range(10):
            Decorated(compilation_config=config(), services=services)(torch.ones(2, 4))
    assert (services.counter.num_models_seen, services.counter.num_backend_compilations) == (10, 1)


def test_the_original_class_is_not_touched() -> None:
    """Its namespace, MRO and instances (SPEC D6); undoing is going back to it."""
    before, bases, old = dict(vars(Plus)), Plus.__mro__, Plus()
    decorated: Any = support_torch_compile(Plus, is_encoder=True)
    decorated(compilation_config=config())(torch.ones(1, 4))
    assert undecorated(decorated) is Plus
    assert undecorated(Plus) is Plus
    assert (dict(vars(Plus)), Plus.__mro__, type(old)) == (before, bases, Plus)
    assert inspect.signature(decorated.forward) == inspect.signature(Plus.forward)
    assert (decorated.__name__, decorated.__module__) == (Plus.__name__, Plus.__module__)
    assert torch.equal(old(torch.ones(1, 4)), Plus.forward(old, torch.ones(1, 4)))


def test_state_and_isinstance_stay() -> None:
    """Keys, parameters, type."""
    module, plain = made(), Plus()
    parameters = [id(each) for each in module.parameters()]
    module(torch.ones(2, 4))
    assert module.state_dict().keys() == plain.state_dict().keys()
    assert [id(each) for each in module.parameters()] == parameters
    assert isinstance(module, Plus)


def test_hooks_fire() -> None:
    """Before and after every call."""
    module, seen = made(), list[str]()
    module.register_forward_pre_hook(lambda *_: seen.append("before"))
    module.register_forward_hook(lambda *_: seen.append("after"))
    module(torch.ones(2, 4))
    module(torch.ones(3, 4))
    assert seen == ["before", "after"] * 2


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_copies_and_pickles_work(copied: Callable[[nn.Module], nn.Module]) -> None:
    """They compile their own programs; a pickle keeps the configuration."""
    module, x = made(), torch.ones(2, 4)
    with torch.no_grad():
        expected = module(x)
        twin = copied(module)
        assert type(twin) is type(module)
        with torch.no_grad():
            next(module.parameters()).zero_() if copied is not copy.copy else None
        assert torch.equal(twin(x), expected)
    assert compiled_forward(twin).target.module is twin
    assert compiled_forward(twin).target.config == config()


def test_the_same_decoration_twice_is_the_same_class_and_another_is_refused() -> None:
    """Never silently ignored (SPEC D6)."""
    assert support_torch_compile(Decorated) is Decorated
    assert support_torch_compile(Plus) is Decorated
    with pytest.raises(DecorationError, match=r"Plus is decorated with .* and now with"):
        support_torch_compile(Decorated, is_encoder=True)


def test_classes_that_cannot_be_decorated_are_refused() -> None:
    """With one clear sentence."""

    class NoForward(nn.Module):
        pass

    class Derived(Decorated):  # type: ignore[misc]  # a class made at run time
        pass

    with pytest.raises(DecorationError, match="NoForward has no forward"):
        support_torch_compile(NoForward)
    with pytest.raises(DecorationError, match="is not a class of torch modules"):
        support_torch_compile(int)  # type: ignore[type-var]  # the point of the test
    with pytest.raises(DecorationError, match="Derived has a decorated base"):
        support_torch_compile(Derived)
    with pytest.raises(TypeError, match="is not a CompilationConfig"):
        Decorated(compilation_config="full")
    with pytest.raises(DecorationError, match="Plus is not decorated"):
        configure(Plus(), config())


def test_enable_if_and_no_configuration_mean_plain_eager() -> None:
    """`enable_if` must answer with a flag (BUG-H02)."""
    seen = support_torch_compile(Plus, enable_if=lambda wishes: wishes.compile_mm_encoder)
    for module in (made(seen), made(Decorated, mode=CompilationMode.NONE), Decorated()):
        module(torch.ones(2, 4))
        assert "_compiled_forward" not in vars(module)
    on = made(seen, compile_mm_encoder=True)
    on(torch.ones(2, 4))
    assert compiled_forward(on).programs
    with pytest.raises(TypeError, match="enable_if of Plus answered None"):
        made(support_torch_compile(Plus, enable_if=lambda _: None))  # type: ignore[arg-type, return-value]


def test_a_decorated_part_is_traced_with_the_module_around_it() -> None:
    """One program for both, and the part's own is not made."""

    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.part = made()

        def forward(self, x: Tensor) -> Tensor:
            return torch.relu(self.part(x))

    outer: Any = made(support_torch_compile(Outer))
    with torch.no_grad():
        assert torch.equal(outer(torch.ones(2, 4)), torch.relu(Plus.forward(outer.part, torch.ones(2, 4))))
    assert "_compiled_forward" not in vars(outer.part)


@pytest.mark.parametrize("is_encoder", [False, True])
def test_only_encoders_stay_eager_when_they_do_not_trace(is_encoder: bool, caplog: pytest.LogCaptureFixture) -> None:
    """SPEC D5: one warning, nothing counted."""
    module = made(support_torch_compile(Breaks, is_encoder=is_encoder))
    if is_encoder:
        assert torch.equal(module(torch.ones(2)), torch.full((2,), 2.0))
        module(torch.ones(3))
        assert sum("stays eager" in each for each in caplog.messages) == 1
    else:
        with pytest.raises(Exception, match="graph_break"):
            module(torch.ones(2))
    assert compiled_forward(module).target.config.encoder_compilation_time == 0
