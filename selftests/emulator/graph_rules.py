"""All rules that have one answer on a GPU too; `python -m selftests.emulator.graph_rules NAME` runs one there.

Left out is what has no such answer: memory that nothing wrote (rule R8), the contents of dead memory (R5), escapes
(R12). A capture that fails leaves CUDA in a bad state, so on a GPU every program has a process of its own.
"""

from __future__ import annotations

import json
import os
import sys

import torch

from selftests.emulator.rules_of_host import HOST_RULES
from selftests.emulator.rules_of_memory import MEMORY_RULES

RULES = {**MEMORY_RULES, **HOST_RULES}
"""Programs by name."""


def main(name: str) -> None:
    """Prints what the program of that name sees on a GPU, as one line of JSON."""
    print(json.dumps(RULES[name].run(torch.device("cuda", 0))), flush=True)
    # How a process ends after a lost capture is not the question.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
