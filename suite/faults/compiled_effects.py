"""Faults of what compiled programs do beside their values: memory, writes, hooks, the module and its class."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, fx, nn

from reference.compilation.decorator import support_torch_compile
from reference.compilation.splitting import Graph, Split, Splitter
from suite.faults import injection
from suite.faults.fault import Fault
from suite.faults.injection import PieceRun


def _contiguous(run: PieceRun) -> PieceRun:
    """Lays every output out anew, in the order of its dimensions."""

    def laying_out(*args: object) -> Sequence[object]:
        return [each.contiguous() if isinstance(each, Tensor) else each for each in run(*args)]

    return laying_out


def _widening(run: PieceRun) -> PieceRun:
    """Keeps the dtype that was computed in."""

    def computing(*args: object) -> Sequence[object]:
        outputs = run(*args)
        return [each.float() if isinstance(each, Tensor) and each.dtype is torch.bfloat16 else each for each in outputs]

    return computing


def _copying(run: PieceRun) -> PieceRun:
    """Gives every output memory of its own, with the same strides."""

    def copying(*args: object) -> Sequence[object]:
        return [_copied(each) if isinstance(each, Tensor) else each for each in run(*args)]

    return copying


def _copied(tensor: Tensor) -> Tensor:
    """The same values and strides in other memory."""
    fresh = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype)
    return fresh.copy_(tensor)


class _DropsUnread(Splitter):
    """Leaves out operations whose results nobody reads, writes among them."""

    def split(self, graph: Graph) -> Split:
        for node in reversed(list(graph.graph.nodes)):
            if node.op.startswith("call_") and not node.users:
                graph.graph.erase_node(node)
        graph.recompile()
        return super().split(graph)


class _Hoists(Splitter):
    """Puts what depends on inputs alone in front of the first seam, past the writes that it should come after."""

    def assign(self, graph: Graph) -> dict[fx.Node, int]:
        pieces = super().assign(graph)
        early = {node for node in graph.graph.nodes if node.op == "placeholder"}
        for node in graph.graph.nodes:
            if node in pieces and not self.is_splitting(node) and early.issuperset(node.all_input_nodes):
                early.add(node)
                pieces[node] = 0
        return pieces


def _on_copies(run: PieceRun) -> PieceRun:
    """Protects the caller's tensors from a piece that wants to write them."""

    def protected(*args: object) -> Sequence[object]:
        return run(*(each.clone() if isinstance(each, Tensor) else each for each in args))

    return protected


def _called_without_hooks(cls: type[nn.Module], *, is_encoder: bool) -> type[nn.Module]:
    """A call goes straight to the compiled forward."""
    made = support_torch_compile(cls, is_encoder=is_encoder)

    def call(self: nn.Module, *args: object, **kwargs: object) -> object:
        forwarded: object = self.forward(*args, **kwargs)
        return forwarded

    return type(made.__name__, (made,), {"__call__": call})


def forward_of(cls: type[nn.Module]) -> Callable[..., object]:
    """The class's forward, which torch declares to be anything."""
    found: Callable[..., object] = cls.forward
    return found


def _with_weights_of_its_own(cls: type[nn.Module], *, is_encoder: bool) -> type[nn.Module]:
    """Copies the weights to where the compiler wants them, at the first call."""
    made = support_torch_compile(cls, is_encoder=is_encoder)

    def forward(self: nn.Module, *args: object, **kwargs: object) -> object:
        for module in self.modules():
            for name, weight in list(module.named_parameters(recurse=False)):
                setattr(module, name, nn.Parameter(weight.detach().clone(), requires_grad=False))
        return forward_of(made)(self, *args, **kwargs)

    return type(made.__name__, (made,), {"forward": forward})


def _noting_in_the_class(cls: type[nn.Module], *, is_encoder: bool) -> type[nn.Module]:
    """Writes into the user's class how often it was compiled."""
    made = support_torch_compile(cls, is_encoder=is_encoder)

    def forward(self: nn.Module, *args: object, **kwargs: object) -> object:
        cls.times_compiled = getattr(cls, "times_compiled", 0) + 1  # type: ignore[attr-defined]  # the fault
        return forward_of(made)(self, *args, **kwargs)

    return type(made.__name__, (made,), {"forward": forward})


_STRIDES = "compiled_effects/strides-equal-eager"
_SHARING = "compiled_effects/sharing-equals-eager"
_WRITES = "compiled_effects/writes-equal-eager"
_HOOKS = "compiled_effects/hooks-fire"
_MODULE = "compiled_effects/module-is-the-users"

FAULTS = (
    Fault(
        id="compiled_effects/contiguous-outputs",
        breaks="outputs come back contiguous whatever their strides were",
        caught_by=(_STRIDES,),
        parts=injection.pieces(_contiguous),
    ),
    Fault(
        id="compiled_effects/wider-dtype",
        breaks="bfloat16 results come back in float32",
        caught_by=(_STRIDES, "compiled/values-equal-eager"),
        parts=injection.pieces(_widening),
    ),
    Fault(
        id="compiled_effects/views-become-copies",
        breaks="outputs that are views come back as copies",
        caught_by=(_SHARING,),
        parts=injection.pieces(_copying),
    ),
    Fault(
        id="compiled_effects/drops-unread-writes",
        breaks="a write whose result nobody reads is left out",
        caught_by=(_WRITES,),
        parts=injection.piecewise(splitter=_DropsUnread),
    ),
    Fault(
        id="compiled_effects/hoists-across-seams",
        breaks="what depends on inputs alone runs before a write to them that precedes it",
        caught_by=(_WRITES,),
        parts=injection.piecewise(splitter=_Hoists),
    ),
    Fault(
        id="compiled_effects/writes-to-copies",
        breaks="what the forward writes into its input does not reach the caller",
        caught_by=(_WRITES,),
        parts=injection.pieces(_on_copies),
    ),
    Fault(
        id="compiled_effects/called-without-hooks",
        breaks="a compiled instance is called past its hooks",
        caught_by=(_HOOKS,),
        parts=injection.compilation(decorate=_called_without_hooks),
    ),
    Fault(
        id="compiled_effects/weights-of-its-own",
        breaks="compiling replaces an instance's parameters by copies",
        caught_by=(_MODULE,),
        parts=injection.compilation(decorate=_with_weights_of_its_own),
    ),
    Fault(
        id="compiled_effects/notes-in-the-class",
        breaks="compiling writes an attribute to the user's class",
        caught_by=(_MODULE,),
        parts=injection.compilation(decorate=_noting_in_the_class),
    ),
)
