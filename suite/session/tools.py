"""Programs that some tests need: where one is missing its tests are left out, with a line that says so."""

from __future__ import annotations

import os
import shutil

BROWSERS = ("chromium", "google-chrome")
DRIVER = "chromedriver"


def missing_browser() -> str | None:
    """What browser tests would lack; None if nothing. CI must have it, so there nothing is ever missing."""
    if os.environ.get("CI"):
        return None
    browser = any(shutil.which(name) for name in BROWSERS)
    lacking = [name for name, found in ((" or ".join(BROWSERS), browser), (DRIVER, shutil.which(DRIVER))) if not found]
    return " and ".join(lacking) or None
