"""A module that is rude when it is imported: from then on it listens to every module of the process.

Nothing imports it but the process in which the fault is looked for.
"""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.nn.modules.module import register_module_forward_hook


def _listens(module: nn.Module, args: Any, output: Any) -> None:  # noqa: ANN401 - a hook of torch
    return None


register_module_forward_hook(_listens)
