"""A progress bar of a few characters, on a terminal and nowhere else."""

from __future__ import annotations

from typing import TextIO

WIDTH = 20


class ProgressBar:
    """Draws itself over its own line."""

    def __init__(self, stream: TextIO, *, total: int) -> None:
        self.stream = stream
        self.total = total
        self.is_drawn = stream.isatty()
        self._longest = 0

    def show(self, done: int, what: str) -> None:
        """So many steps are done, and this one is under way."""
        full = WIDTH * done // self.total
        self._draw(f"[{'#' * full}{'.' * (WIDTH - full)}] {done}/{self.total} {what}")

    def clear(self) -> None:
        """Leaves an empty line."""
        self._draw("")
        if self.is_drawn:
            self.stream.write("\r")
            self.stream.flush()

    def _draw(self, text: str) -> None:
        if not self.is_drawn:
            return
        self._longest = max(self._longest, len(text))
        self.stream.write(f"\r{text.ljust(self._longest)}")
        self.stream.flush()
