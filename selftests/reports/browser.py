"""A headless Chromium for the tests of the page: one driver for a module, a fresh load for each look at it."""

from __future__ import annotations

import base64
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.command import Command

from suite.session.tools import BROWSERS, DRIVER

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--hide-scrollbars",
    # No name is ever resolved: a page that asks for anything is seen to fail.
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
DEADLINE_SECONDS = 60


@dataclass
class Page:
    """The page that is open: what it asked for and what its console said so far."""

    driver: Chrome
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def look(self) -> None:
        """Take in what the browser noted since the last look."""
        for entry in self._log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                self.requests.append(str(message["params"]["request"]["url"]))
        self.complaints += [str(entry["message"]) for entry in self._log("browser")]

    def _log(self, kind: str) -> list[dict[str, str]]:
        entries: list[dict[str, str]] = self.driver.execute(Command.GET_LOG, {"type": kind})["value"]
        return entries

    def send(self, method: str, **arguments: object) -> dict[str, object]:
        """Run one command of the Chrome DevTools Protocol and return its result."""
        result: dict[str, object] = self.driver.execute_cdp_cmd(method, arguments)
        return result

    def run(self, script: str) -> object:
        """The value of a JavaScript expression."""
        value: object = self.driver.execute_script(f"return ({script.rstrip().rstrip(';')})")
        return value

    def press(self, key: str = Keys.TAB) -> None:
        """One key, wherever the focus is."""
        self.driver.switch_to.active_element.send_keys(key)

    @property
    def text(self) -> str:
        """What a reader sees."""
        return self.driver.find_element(By.TAG_NAME, "body").text

    def pdf(self) -> bytes:
        """The page as it prints."""
        return base64.b64decode(self.driver.print_page())

    def wait_for(self, script: str, *, seconds: float = 5.0) -> object:
        """The value of an expression as soon as it is true."""
        end = time.monotonic() + seconds
        while not (value := self.run(script)) and time.monotonic() < end:
            time.sleep(0.02)
        return value


class Browser:
    """A running Chromium."""

    def __init__(self, driver: Chrome) -> None:
        """Look through `driver`."""
        self.driver = driver

    def open(
        self, url: str, *, width: int = 1280, height: int = 900, dark: bool = False, javascript: bool = True
    ) -> Page:
        """Load a page as if for the first time, and watch its requests and its console from the start.

        Without `javascript` no script of the page runs, now or later; `Page.run` works all the same.
        """
        page = Page(self.driver)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        page.send("Emulation.setScriptExecutionDisabled", value=False)
        self.driver.get("about:blank")
        page.look()
        page.send("Emulation.setEmulatedMedia", media="", features=[scheme])
        page.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        page.requests.clear()
        page.complaints.clear()
        page.send("Emulation.setScriptExecutionDisabled", value=not javascript)
        self.driver.get(url)
        page.send("Emulation.setScriptExecutionDisabled", value=False)
        page.look()
        return page


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """Start a Chromium whose profile is a folder of its own, and end it with everything that it started.

    Raises:
        FileNotFoundError: there is no Chromium or no driver on this machine.
    """
    options = ChromeOptions()
    options.binary_location = _found(*BROWSERS)
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # With both paths given selenium looks for nothing on the network.
    driver = Chrome(options=options, service=Service(_found(DRIVER)))
    try:
        driver.set_page_load_timeout(DEADLINE_SECONDS)
        driver.set_script_timeout(DEADLINE_SECONDS)
        yield Browser(driver)
    finally:
        driver.quit()


def _found(*names: str) -> str:
    path = next((path for name in names if (path := shutil.which(name))), None)
    if path is None:
        raise FileNotFoundError(f"{' or '.join(names)}: not found; browser tests need a Chromium and its driver")
    return path
