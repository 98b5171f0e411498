"""What some tests need of a machine: where it is missing they are left out, with a line that says so."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

import torch

BROWSERS = ("chromium", "google-chrome")
DRIVER = "chromedriver"


def missing_browser() -> str | None:
    """What browser tests would lack; None if nothing. CI must have it, so there nothing is ever missing."""
    if os.environ.get("CI"):
        return None
    browser = any(shutil.which(name) for name in BROWSERS)
    lacking = [name for name, found in ((" or ".join(BROWSERS), browser), (DRIVER, shutil.which(DRIVER))) if not found]
    return " and ".join(lacking) or None


def missing_gpu() -> str | None:
    """What tests on real graphs would lack; None if nothing. CI has no GPU, so there they are left out too."""
    return None if torch.cuda.is_available() else "CUDA device"


TOOLS: dict[str, Callable[[], str | None]] = {"browser": missing_browser, "gpu": missing_gpu}
"""What asks for a tool, by the marker of the tests that need it."""
