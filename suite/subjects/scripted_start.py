"""One scripted start in the process that the reference made for it: `reference.startup_benchmark.start`, but light."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from suite.contract.observed_start import Script, take_part


def main(arguments: Sequence[str]) -> None:
    """Reads the wish and the folders from the command line, and leaves facts in the reference's form."""
    wish, cache, result = json.loads(arguments[0]), Path(arguments[1]), Path(arguments[2])
    answer = take_part(Script.from_json(wish["arguments"]["script"]), cache)
    times = {"seconds": "startup", "init_seconds": "init", "compilation": "language_model"}
    facts: dict[str, object] = {name: answer[mine] / 1_000_000 for name, mine in times.items()}
    facts["encoder_compilation"] = answer["encoder"] / 1_000_000
    result.write_text(json.dumps({**facts, "compiles": answer["compiles"], "loads": answer["loads"], "lines": []}))


if __name__ == "__main__":
    main(sys.argv[1:])
