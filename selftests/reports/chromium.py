"""A headless Chromium driven over its debugging pipe: the standard library is all it takes.

Commands and events are those of the Chrome DevTools Protocol (https://chromedevtools.github.io/devtools-protocol/),
JSON messages that end in a zero byte, on file descriptors 3 (to the browser) and 4 (from it).
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

Message: TypeAlias = "dict[str, object]"

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-pipe",
)
# Puts two inherited descriptors where Chromium looks for them, then becomes Chromium.
LAUNCH = "import os,sys;r,w=map(int,sys.argv[1:3]);os.dup2(r,3);os.dup2(w,4);os.execvp(sys.argv[3],sys.argv[3:])"
DEADLINE_SECONDS = 60.0


class BrowserError(RuntimeError):
    """Chromium did not answer, or refused a command: the text is its own."""


def find() -> str | None:
    """The path of a Chromium, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@dataclass
class Page:
    """One open page: what it asked for and what its console said, and commands to look at it."""

    browser: Browser
    session: str
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def send(self, method: str, **arguments: object) -> Message:
        """Run one command of the protocol on this page and return its result."""
        return self.browser.send(method, session=self.session, **arguments)

    def run(self, script: str) -> object:
        """The value of a JavaScript expression; a promise is awaited."""
        result = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise BrowserError(json.dumps(result["exceptionDetails"])[:500])
        value = result["result"]
        assert isinstance(value, dict)
        return value.get("value")

    def screenshot(self, path: Path) -> None:
        """Write the whole page as a PNG."""
        result = self.send("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(str(result["data"])))

    def pdf(self) -> bytes:
        """The page as it prints."""
        return base64.b64decode(str(self.send("Page.printToPDF")["data"]))


class Browser:
    """A running Chromium."""

    def __init__(self, process: subprocess.Popen[bytes], to_browser: int, from_browser: int) -> None:
        """Talk to `process` over two file descriptors."""
        self.process = process
        self._to, self._from = to_browser, from_browser
        self._rest = b""
        self._number = 0
        self._pages: dict[str, Page] = {}

    def open(
        self, url: str, *, width: int = 1280, height: int = 900, dark: bool = False, javascript: bool = True
    ) -> Page:
        """Open a page, wait until it is loaded, and watch its requests and its console from the start."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        session = str(self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])
        page = self._pages[session] = Page(self, session)
        for domain in ("Page", "Network", "Log", "Runtime"):
            page.send(f"{domain}.enable")
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        page.send("Emulation.setEmulatedMedia", features=[scheme])
        page.send("Emulation.setScriptExecutionDisabled", value=not javascript)
        page.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        page.requests.clear()
        page.send("Page.navigate", url=url)
        self._wait_for("Page.loadEventFired", session)
        return page

    def send(self, method: str, *, session: str | None = None, **arguments: object) -> Message:
        """Run one command and return its result.

        Raises:
            BrowserError: the command is refused, or no answer comes in time.
        """
        self._number += 1
        message: Message = {"id": self._number, "method": method, "params": arguments}
        if session is not None:
            message["sessionId"] = session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        for answer in self._messages():
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise BrowserError(f"{method}: {json.dumps(answer['error'])}")
                result = answer["result"]
                assert isinstance(result, dict)
                return result
        raise BrowserError(f"{method}: the pipe was closed")

    def _wait_for(self, event: str, session: str) -> None:
        for message in self._messages():
            if message.get("method") == event and message.get("sessionId") == session:
                return

    def _messages(self) -> Iterator[Message]:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while True:
            while b"\0" not in self._rest:
                self._rest += self._read(deadline)
            line, self._rest = self._rest.split(b"\0", 1)
            message: Message = json.loads(line)
            self._note(message)
            yield message

    def _read(self, deadline: float) -> bytes:
        ready, _, _ = select.select([self._from], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise BrowserError(f"no answer within {DEADLINE_SECONDS:.0f} s")
        data = os.read(self._from, 1 << 20)
        if not data:
            raise BrowserError("Chromium ended")
        return data

    def _note(self, message: Message) -> None:
        page = self._pages.get(str(message.get("sessionId")))
        details = message.get("params")
        if page is None or not isinstance(details, dict):
            return
        if message["method"] == "Network.requestWillBeSent":
            page.requests.append(str(details["request"]["url"]))
        elif message["method"] == "Log.entryAdded":
            page.complaints.append(str(details["entry"]["text"]))
        elif message["method"] == "Runtime.exceptionThrown":
            page.complaints.append(json.dumps(details["exceptionDetails"])[:500])
        elif message["method"] == "Runtime.consoleAPICalled":
            page.complaints.append(json.dumps(details["args"])[:500])
        elif message["method"] == "Page.javascriptDialogOpening":
            page.complaints.append(f"a dialog: {details['message']}")


@contextmanager
def browser() -> Iterator[Browser]:
    """Start a Chromium with an empty profile and end it with everything that it started.

    Raises:
        BrowserError: there is no Chromium on this machine.
    """
    path = find()
    if path is None:
        raise BrowserError(f"no Chromium found; install one of {', '.join(NAMES)}")
    child_in, to_browser = os.pipe()
    from_browser, child_out = os.pipe()
    with tempfile.TemporaryDirectory(prefix="report-browser-", ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                LAUNCH,
                str(child_in),
                str(child_out),
                path,
                *FLAGS,
                f"--user-data-dir={profile}",
            ],
            pass_fds=(child_in, child_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(child_in)
        os.close(child_out)
        started = Browser(process, to_browser, from_browser)
        try:
            yield started
        finally:
            _end(started)
            os.close(to_browser)
            os.close(from_browser)


def _end(started: Browser) -> None:
    try:
        started.send("Browser.close")
    except (BrowserError, OSError):
        started.process.kill()
    try:
        started.process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        started.process.kill()
        started.process.wait()
