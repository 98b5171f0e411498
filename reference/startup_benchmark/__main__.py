"""`python -m reference.startup_benchmark --model qwen3_vl --num-iters-cold 3 --num-iters-warm 3 --output-json F`."""

from __future__ import annotations

import signal
import sys

from reference.startup_benchmark.command import interrupt, main

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupt)
    sys.exit(main())
