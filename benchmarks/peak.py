"""The peak memory of one command: `python -m benchmarks.peak FILE COMMAND...` writes its MiB into the file.

It is a program of its own because a process starts with the peak of the one that started it: measured from a
process that holds torch, no command would seem to need less than torch does.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

KIBIBYTES_PER_UNIT = 1 if sys.platform != "darwin" else 1 / 1024
"""Linux counts in KiB, macOS in bytes."""


def main(arguments: Sequence[str]) -> int:
    """Runs the command and returns its exit status."""
    file, *command = arguments
    status = subprocess.run(command, check=False).returncode
    kibibytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * KIBIBYTES_PER_UNIT
    Path(file).write_text(f"{kibibytes / 1024:.1f}\n", encoding="ascii")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
