"""The manager of the installed release by itself, as lines of a script."""

from __future__ import annotations

from models.api import Family
from suite.contract.case import Setup
from suite.contract.scripting import ScriptPart


def script_part(family: Family, setup: Setup) -> ScriptPart:
    """Makes the zoo's model of the family and vLLM's manager of the setup, and captures on the emulator."""
    frames = "manager.max_frames_per_batch" if "video" in family.modalities else "None"
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
            "(route := replaced.without_a_gpu(vllm, gpu := EmulatedDevice(), Observer())).__enter__()",
            f"wishes = config.config_of({setup!r}, FAMILY, vllm)",
            "manager = vllm.manager(wishes, encoder.device, encoder.dtype, zoo)",
            "torch.inference_mode().__enter__()",
            "manager.capture(*[torch.cuda.graph_pool_handle()] * vllm.dialect.shared_pool)",
            "def encode(items):",
            "    runs = [list(run) for _, run in groupby(items, key=lambda each: each.modality)]",
            "    return [answer for run in runs for answer in manager.execute(batches.mm_kwargs_of(run))]",
        ),
        configures=5,
        refusals=("ValueError", "NotImplementedError"),
        tells={
            "bounds": f"(manager.token_budgets, manager.max_batch_size, {frames})",
            "held": "(gpu.facts.graphs_alive, gpu.facts.retained_bytes)",
        },
    )


def ranks_part(setup: Setup, ranks: int) -> ScriptPart:
    """Starts the managers of so many ranks in threads, or without graphs the engine's function that shares out."""
    return ScriptPart(
        imports=(
            "from functools import partial",
            "from suite.contract.case import Setup",
            "from suite.subjects.vllm import engine, model, ranks",
        ),
        lines=(
            "vllm = engine.installed()",
            "zoo = partial(model.zoo_model, dialect=vllm.dialect, protocol=vllm.protocol, shapes=vllm.shapes)",
            f"session = ranks.VllmRanks(FAMILY, {setup!r}, vllm, ranks={ranks}, maker=zoo)",
            "encode_on_ranks = session.encode",
        ),
    )
