"""The runner of the installed release by itself, as lines of a script."""

from __future__ import annotations

from suite.contract.scripting import ScriptPart
from suite.subjects.sglang.dialect import BOUNDED, PATCHES, TILES, Dialect, RunnerFile

ROOMS = ("dialect", "parts", "release", "replaced")
NAMES = {
    PATCHES: ("blocks.GraphedPatches", "PATCHES"),
    TILES: ("tiles.GraphedTiles", "TILES"),
    BOUNDED: ("whole.GraphedWhole", "BOUNDED"),
}


def script_part(file: RunnerFile, dialect: Dialect, *, backend: str) -> ScriptPart:
    """Loads the runner's file, gives it a tower of the zoo, and routes `torch.cuda` to the emulator."""
    graphed, name = NAMES[file]
    limits = f", limits=dialect.{dialect.limits}" if dialect.limits else ""
    room = graphed.partition(".")[0]
    return ScriptPart(
        imports=(
            "from suite.emulator import device, shim",
            f"from suite.subjects.sglang import {', '.join(sorted((room, *ROOMS)))}",
        ),
        lines=(
            "(route := shim.routed(gpu := device.EmulatedDevice())).__enter__()",
            f"file = release.installed().folder / dialect.{name}.path",
            f'runner = dialect.dialect_of(replaced.load_runner(file, backend="{backend}"), dialect.{name}{limits})',
            'encoder, warmth = parts.encoder_of(FAMILY, "cpu"), parts.Warmth()',
            f'graphed = {graphed}(encoder, runner, backend="{backend}", warmth=warmth)',
            "def encode(items):",
            "    with torch.no_grad():",
            "        tokens = [FAMILY.sizes.tokens(each.grid) for each in items]",
            "        return torch.split(graphed.encode(items), tokens) if items else ()",
        ),
        tells={"held": "(gpu.facts.graphs_alive, gpu.facts.retained_bytes)", "cold": "warmth.cold"},
    )
