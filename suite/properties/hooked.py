"""Hooks on a module that change what goes in and out, and note that they fired."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn


class Hooks:
    """A pre-hook and a hook, each with and without keywords."""

    def __init__(self, module: nn.Module) -> None:
        self.fired: list[str] = []
        self._handles = [
            module.register_forward_pre_hook(self._before),
            module.register_forward_pre_hook(self._before_with, with_kwargs=True),
            module.register_forward_hook(self._after),
            module.register_forward_hook(self._after_with, with_kwargs=True),
        ]

    def remove(self) -> None:
        """Takes them off again."""
        for handle in self._handles:
            handle.remove()

    def _before(self, _: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        self.fired.append(f"before, {len(args)} by place")
        return (args[0] + 1.0, *args[1:])

    def _before_with(
        self, _: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        self.fired.append(f"before, by name {', '.join(kwargs) or 'nothing'}")
        return args, {**kwargs, "times": 4}

    def _after(self, _: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor:
        self.fired.append(f"after, {len(output)} rows")
        return output * 3.0

    def _after_with(self, _: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any], output: Tensor) -> Tensor:
        self.fired.append(f"after, times {kwargs.get('times')}")
        return output + 0.5
