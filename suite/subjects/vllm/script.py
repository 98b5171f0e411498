"""The manager of the installed release by itself, as lines of a script."""

from __future__ import annotations

from models.api import Family
from suite.contract.case import Setup
from suite.contract.scripting import ScriptPart


def script_part(family: Family, setup: Setup) -> ScriptPart:
    """Makes the zoo's model of the family and vLLM's manager of the setup, and captures on the emulator."""
    return ScriptPart(
        imports=(
            "from itertools import groupby",
            "from suite.contract.case import Setup",
            "from suite.emulator.device import EmulatedDevice",
            "from suite.subjects.observation import Observer",
            "from suite.subjects.vllm import batches, config, engine, model, replaced",
        ),
        lines=(
            f'vllm, encoder = engine.installed(), models.build("{family.name}")',
            "zoo = model.zoo_model(encoder, dialect=vllm.dialect, protocol=vllm.protocol, shapes=vllm.shapes)",
            "(route := replaced.without_a_gpu(vllm, EmulatedDevice(), Observer())).__enter__()",
            f"wishes = config.config_of({setup!r}, FAMILY, vllm)",
            "manager = vllm.manager(wishes, encoder.device, encoder.dtype, zoo)",
            "torch.inference_mode().__enter__()",
            "manager.capture(*[torch.cuda.graph_pool_handle()] * vllm.dialect.shared_pool)",
            "def encode(items):",
            "    runs = [list(run) for _, run in groupby(items, key=lambda each: each.modality)]",
            "    return [answer for run in runs for answer in manager.execute(batches.mm_kwargs_of(run))]",
        ),
    )
