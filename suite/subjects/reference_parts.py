"""What the reference is put together from as a subject, and what it declares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

import models
from models.api import Encoder
from reference.encoder_graph.buffers import StaticBuffers
from reference.encoder_graph.collectives import Collectives
from reference.encoder_graph.config import EncoderGraphConfig
from reference.encoder_graph.device import GraphDevice
from reference.encoder_graph.manager import BufferFactory, EncoderCudaGraphManager, ManagerFactory
from reference.encoder_graph.model import EncoderGraphModel
from reference.encoder_graph.packing import Packer, packer
from reference.encoder_graph.protocol import SupportsEncoderCudaGraph
from reference.encoder_graph.shard_plan import LargestFirst, LoadBalancer
from reference.encoder_graph.sharding import ShardedEncoder, ShardingFactory
from reference.encoder_outputs import EncoderOutputs
from reference.engine.group import Group, joined_group
from reference.engine.process import WorkerProcess
from reference.model_runner import EncoderModelRunner
from suite.contract.case import Setup
from suite.subjects.reference_compilation import SOUND, CompilationParts
from suite.subjects.reference_compiling import COMPILING
from suite.subjects.reference_decorating import SOUND as SOUND_DECORATION
from suite.subjects.reference_decorating import DecorationParts
from suite.subjects.reference_engine import SOUND as SOUND_ENGINE
from suite.subjects.reference_engine import EngineParts
from suite.subjects.reference_startup import SOUND as SOUND_STARTUP
from suite.subjects.reference_startup import StartupParts

EMULATED = replace(
    COMPILING,
    decorates=True,
    decorates_at_once=True,
    loads_models=True,
    leaves_classes=True,
    copies_decorated=True,
    undoes_decoration=True,
    token_budgets=True,
    statistics=True,
    padded_eager=True,
    lifecycle=True,
    configurable=True,
    can_be_off=True,
    disturbable=True,
    observable=True,
    memory_report=True,
    buffers_observed=True,
    model_protocol=True,
    infers_ladder=True,
    packers=("greedy", "deferral", "least_cost"),
    backends=("flash", "bucketed"),
    kernels_observed=True,
    video=True,
    several_sessions=True,
    checks_inputs=True,
    ranks=True,
    startup_benchmark=True,
    startup_metrics=("startup", "init", "compilation", "encoder_compilation"),
    tells_compiles=True,
    keeps_failed_starts=True,
    fresh_starts=True,
    real_starts=True,
    rank_processes=True,
    engine=True,
    engine_processes=True,
    engine_without_ranks=True,
    keeps_outputs=True,
    drops_kept=True,
    kept_can_be_written=True,
    keeps_least_recent_last=True,
    names_slowest_rank=True,
    overhead=64,
)


@dataclass(frozen=True)
class ShardingParts:
    """What the reference shares batches out over ranks with."""

    encoder: ShardingFactory = ShardedEncoder
    balancer: Callable[[], LoadBalancer] = LargestFirst
    """Called once for each rank."""
    collectives: Callable[[Collectives], Collectives] = lambda group: group
    """What stands between one rank and the group."""
    join: Callable[..., Group] = joined_group
    """How a rank in a process of its own meets the others; called as `joined_group` is."""
    process: type[WorkerProcess] = WorkerProcess
    """The process of one rank, from outside."""


@dataclass(frozen=True)
class Parts:
    """What the reference is put together from."""

    encoder: Callable[[str, torch.device], Encoder] = lambda name, device: models.build(name, device=str(device))
    model: Callable[[Encoder, str], SupportsEncoderCudaGraph] = lambda encoder, backend: EncoderGraphModel(
        encoder, backend=backend
    )
    packer: Callable[[str], Packer] = packer
    buffers: BufferFactory = StaticBuffers
    device: Callable[[GraphDevice], GraphDevice] = lambda device: device
    manager: ManagerFactory = EncoderCudaGraphManager
    runner: type[EncoderModelRunner] = EncoderModelRunner
    config: Callable[[Setup], EncoderGraphConfig] = lambda setup: config_of(setup)
    compilation: CompilationParts = SOUND
    decoration: DecorationParts = SOUND_DECORATION
    sharding: ShardingParts = ShardingParts()
    startup: StartupParts = SOUND_STARTUP
    engine: EngineParts = SOUND_ENGINE
    outputs: Callable[[int], EncoderOutputs] = EncoderOutputs


def config_of(setup: Setup) -> EncoderGraphConfig:
    """The reference's configuration of a setup."""
    return EncoderGraphConfig(
        cudagraph_mm_encoder=setup.enabled,
        encoder_cudagraph_token_budgets=setup.budgets,
        encoder_cudagraph_max_images_per_batch=setup.max_items,
        encoder_cudagraph_max_frames_per_batch=setup.max_frames,
        mm_encoder_attn_backend=setup.backend or EMULATED.backends[0],
    )
