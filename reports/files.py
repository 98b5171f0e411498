"""Writing an output file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_atomically(path: Path, text: str) -> None:
    """Write `text` as UTF-8 to `path` through a temporary neighbour, so that no reader sees half a file.

    Raises:
        OSError: the folder cannot be made or written, or `path` is a folder.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        part = Path(name)
        part.chmod(0o644)
        part.replace(path)
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError):
            # The caller knows nothing of the temporary name.
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
