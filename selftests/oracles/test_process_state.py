"""Every part of the process's state is seen to change, by its name, and put back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.backends import cudnn

from suite.oracles.process_state import changes, process_kept, process_state

CHANGES: dict[str, Callable[[], object]] = {
    "grad mode": lambda: torch.set_grad_enabled(False),
    "autocast on the CPU": lambda: torch.set_autocast_enabled("cpu", True),
    "autocast on CUDA": lambda: torch.set_autocast_enabled("cuda", True),
    "dtype of autocast on the CPU": lambda: torch.set_autocast_dtype("cpu", torch.float16),
    "default dtype": lambda: torch.set_default_dtype(torch.float64),
    "default device": lambda: torch.set_default_device("meta"),
    "random numbers": lambda: torch.rand(1),
    "deterministic algorithms": lambda: torch.use_deterministic_algorithms(True),
    "cuDNN's deterministic": lambda: setattr(cudnn, "deterministic", not cudnn.deterministic),
    "cuDNN's benchmark": lambda: setattr(cudnn, "benchmark", not cudnn.benchmark),
    "precision of matrix products": lambda: torch.set_float32_matmul_precision("medium"),
    "number of threads": lambda: torch.set_num_threads(torch.get_num_threads() + 1),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_seen_and_put_back(name: str) -> None:
    """Exactly the part that was changed is named."""
    with process_kept() as before:
        assert changes(before) == ()
        CHANGES[name]()
        assert changes(before) == (name,)
    assert changes(before) == ()


def _fails_inside() -> None:
    with process_kept():
        torch.set_grad_enabled(False)
        raise ZeroDivisionError


def test_what_raises_is_tidied_up_too() -> None:
    """The exception passes."""
    with pytest.raises(ZeroDivisionError):
        _fails_inside()
    assert torch.is_grad_enabled()


def test_every_part_is_tried() -> None:
    """No part is left out above."""
    assert set(process_state()) == set(CHANGES)


def test_no_mode_is_left_behind() -> None:
    """A default device that is put back as a default is a mode around every operation, which traces guard on."""
    before = torch._C._len_torch_function_stack()  # noqa: SLF001  (torch has no public word for it)
    with process_kept():
        torch.set_default_device("meta")
    assert torch._C._len_torch_function_stack() == before  # noqa: SLF001  (see above)
