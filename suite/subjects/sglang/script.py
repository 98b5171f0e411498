"""The runner of the installed release by itself, as lines of a script."""

from __future__ import annotations

from suite.contract.scripting import ScriptPart
from suite.subjects.sglang.dialect import TILES, RunnerFile

ROOMS = ("dialect", "parts", "release", "replaced")


def script_part(file: RunnerFile, *, backend: str) -> ScriptPart:
    """Loads the runner's file, gives it a tower of the zoo, and routes `torch.cuda` to the emulator."""
    graphed, name = ("tiles.GraphedTiles", "TILES") if file is TILES else ("blocks.GraphedPatches", "PATCHES")
    room = graphed.partition(".")[0]
    return ScriptPart(
        imports=(
            "from suite.emulator import device, shim",
            f"from suite.subjects.sglang import {', '.join(sorted((room, *ROOMS)))}",
        ),
        lines=(
            "(route := shim.routed(gpu := device.EmulatedDevice())).__enter__()",
            f"file = release.installed().folder / dialect.{name}.path",
            f'runner = dialect.dialect_of(replaced.load_runner(file, backend="{backend}"), dialect.{name})',
            'encoder, warmth = parts.encoder_of(FAMILY, "cpu"), parts.Warmth()',
            f'graphed = {graphed}(encoder, runner, backend="{backend}", warmth=warmth)',
            "def encode(items):",
            "    with torch.no_grad():",
            "        tokens = [FAMILY.sizes.tokens(each.grid) for each in items]",
            "        return torch.split(graphed.encode(items), tokens) if items else ()",
        ),
        tells={"held": "(gpu.facts.graphs_alive, gpu.facts.retained_bytes)", "cold": "warmth.cold"},
    )
