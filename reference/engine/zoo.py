"""Workers over the families of the zoo, made from plain data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import torch

import models
from reference.compilation.compiled_forward import CompileServices
from reference.compilation.config import CompilationConfig, CompilationMode
from reference.encoder_graph.config import EncoderGraphConfig
from reference.encoder_graph.device import CudaGraphDevice, GraphDevice
from reference.engine.errors import EngineConfigError
from reference.engine.group import ALONE, joined_group
from reference.engine.host import HostDevice
from reference.engine.language import named_language_model
from reference.engine.place import Place
from reference.engine.worker import EngineWorker, compiled_encoder
from reference.model_runner import EncoderModelRunner

NOTHING: Mapping[str, object] = MappingProxyType({})
FACTORY = "reference.engine.zoo:worker"
"""The name of `worker` for a factory."""


def worker(
    place: Place,
    *,
    model: str,
    language_model: str = "stand_in",
    device: str = "cpu",
    mode: str = "full",
    backend: str = "eager",
    aot_compile: bool = True,
    compile_mm_encoder: bool = True,
    cache_dir: str | None = None,
    encoder_graphs: Mapping[str, object] = NOTHING,
) -> EngineWorker:
    """The worker of one rank: an encoder of the zoo and a tiny language model of the same width.

    Args:
        place: which rank it is; several ranks that share out items (`mm_encoder_tp_mode`) join a group of processes.
        model: a family of the zoo.
        language_model: `stand_in`, or `llama` for one of transformers.
        device: `cpu` or `cuda`; of several devices, each rank takes its own.
        mode: `full`, `stock` or `none` (SPEC C1).
        backend: what compiles pieces.
        aot_compile: keep whole programs in the cache.
        compile_mm_encoder: compile the encoder too, not the language model alone (SPEC D2).
        cache_dir: where compiled programs are kept; None keeps none.
        encoder_graphs: fields of `EncoderGraphConfig`.

    Raises:
        UnknownFamily, ConfigError, EngineConfigError: a wish that cannot be met; the text says what can.
    """
    config = CompilationConfig(
        mode=_mode(mode),
        backend=backend,
        aot_compile=aot_compile,
        compile_mm_encoder=compile_mm_encoder,
        cache_dir=None if cache_dir is None else Path(cache_dir),
    )
    graphs = EncoderGraphConfig(**encoder_graphs)  # type: ignore[arg-type]  # it checks every field itself
    make_language_model = named_language_model(language_model)
    services, where = CompileServices(), device_of(device, place)
    encoder = models.build(model, device=str(where))
    if compile_mm_encoder and config.mode is not CompilationMode.NONE:
        encoder = compiled_encoder(encoder, config, services)
    language = make_language_model(encoder.family.width, where, config, services)
    group = joined_group(place, where) if graphs.mm_encoder_tp_mode == "data" else ALONE
    return EngineWorker(
        place=place,
        encoder=encoder,
        runner=EncoderModelRunner(encoder, config=graphs, device=graph_device(where), collectives=group.collectives),
        language=language,
        config=config,
        services=services,
        let_go=[group.leave],
    )


def device_of(name: str, place: Place) -> torch.device:
    """The device of one rank.

    Raises:
        EngineConfigError: there is no such device here.
    """
    if name == "cpu":
        return torch.device("cpu")
    if name != "cuda":
        raise EngineConfigError(f"device={name!r} is not known: choose 'cpu' or 'cuda'.")
    if not torch.cuda.is_available():
        raise EngineConfigError("device='cuda', and torch finds no CUDA device here: choose 'cpu'.")
    where = torch.device("cuda", place.rank % torch.cuda.device_count())
    torch.cuda.set_device(where)
    return where


def graph_device(where: torch.device) -> GraphDevice:
    """What captures graphs there."""
    return CudaGraphDevice(where) if where.type == "cuda" else HostDevice()


def _mode(name: str) -> CompilationMode:
    try:
        return CompilationMode(name)
    except ValueError:
        choices = ", ".join(each.value for each in CompilationMode)
        raise EngineConfigError(f"mode={name!r} is no way to compile: choose one of {choices}.") from None
