"""What is replaced so that a vision tower of the engine's own can be built and run without a GPU."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from types import SimpleNamespace

from suite.contract.replacement import Replacement
from suite.subjects.vllm.engine import part
from suite.subjects.vllm.own_attention import CudaPlatform, VarlenAttention, wrapped_attention
from suite.subjects.vllm.own_sources import MODELS, OWN
from suite.subjects.vllm.replaced import replaced, supplied

ATTENTION = "vllm.model_executor.layers.attention.mm_encoder_attention"
WRAPPERS = "vllm.v1.attention.ops.vit_attn_wrappers"
KERNELS = "vllm.v1.attention.backends.fa_utils"
BACKENDS = "vllm.v1.attention.backends.registry"
RANKS = "vllm.distributed.parallel_state"
CONFIG = "vllm.config"
VISION = "vllm.model_executor.models.vision"
PINNING = ("vllm.utils.torch_utils", *(f"{MODELS}.{own.module}" for own in OWN))
NOT_PINNED = {"PIN_MEMORY": False, "is_pin_memory_available": lambda: False}

OWN_REPLACEMENTS = (
    Replacement(
        "the language model, and __init__ of the class that holds it and the tower",
        "nothing: the tower is built by its own constructor, and of the rest what the protocol reads is set",
        "the constructor asks for a whole configuration of a model on disk; the manager meets the tower alone",
    ),
    Replacement(
        "get_max_frames_per_video, get_encoder_cudagraph_budget_range of the model",
        "the zoo's longest clip, and from one to 64 of its smallest items",
        "both are about real sizes of images, and ask the processor and the scheduler",
    ),
    Replacement(
        "flash_attn_varlen_func in vllm.v1.attention.backends.fa_utils",
        "the zoo's attention, which leaves rows in no sequence unwritten; in the column `tiles` it reads them too",
        "the kernel runs on GPUs only",
    ),
    Replacement(
        "vit_flash_attn_wrapper in vllm.model_executor.layers.attention.mm_encoder_attention",
        "the engine's own flash_attn_maxseqlen_wrapper, called directly",
        "behind a custom operation the emulator would see neither what is allocated nor what is written",
    ),
    Replacement(
        "current_platform in vllm.v1.attention.ops.vit_attn_wrappers",
        "a platform that says that it is CUDA",
        "the wrapper treats captures on CUDA in a way of their own",
    ),
    Replacement(
        "the tensor max_seqlen of a graph",
        "its number, read from its memory",
        "it lies on the host, where item() is allowed; on one device that cannot be told",
    ),
    Replacement(
        "PIN_MEMORY and is_pin_memory_available in vllm.utils.torch_utils and in the modules of the models",
        "no pinned memory",
        "without an accelerator there is none",
    ),
    Replacement(
        "_get_vit_attn_backend in vllm.model_executor.models.vision, while a tower is built",
        "flash attention",
        "the engine asks its platform, and there is none",
    ),
    Replacement("_TP in vllm.distributed.parallel_state, while a tower is built", "a group of one", "no process group"),
    Replacement(
        "_forward_method of layers with a kernel of their own, attention excepted",
        "the layer's forward_native",
        "their kernels are among the compiled parts, which are not there",
    ),
    Replacement(
        "torchvision, while a model is imported",
        "empty modules",
        "processors of images want it, and its releases for a CPU are not in every index",
    ),
)
"""All that is replaced for the column `own`, beside what is replaced for all columns."""


@contextlib.contextmanager
def while_built() -> Iterator[None]:
    """A tower can be constructed until the block ends: one rank, flash attention, a configuration for a CPU."""
    config = part(CONFIG)
    chosen = part(BACKENDS).AttentionBackendEnum.FLASH_ATTN
    group = SimpleNamespace(world_size=1, rank_in_group=0, rank=0, is_first_rank=True, is_last_rank=True)
    whole = config.VllmConfig(device_config=config.DeviceConfig(device="cpu"))
    with contextlib.ExitStack() as stack:
        stack.enter_context(replaced(part(RANKS), "_TP", group))
        platforms = part(VISION)
        stack.enter_context(replaced(platforms, "_get_vit_attn_backend", lambda *_, **__: chosen))
        stack.enter_context(config.set_current_vllm_config(whole))
        yield


@contextlib.contextmanager
def on_a_cpu(kernel: VarlenAttention) -> Iterator[None]:
    """Models of the engine's own run until the block ends, with attention through the engine's own wrapper."""
    wrappers = part(WRAPPERS)
    whole = wrapped_attention(wrappers.flash_attn_maxseqlen_wrapper)
    with contextlib.ExitStack() as stack:
        stack.enter_context(replaced(wrappers, "current_platform", CudaPlatform()))
        stack.enter_context(supplied(part(KERNELS), "flash_attn_varlen_func", kernel))
        stack.enter_context(replaced(part(ATTENTION), "vit_flash_attn_wrapper", whole))
        for module in [sys.modules[name] for name in PINNING if name in sys.modules]:
            for name, value in NOT_PINNED.items():
                if hasattr(module, name):
                    stack.enter_context(replaced(module, name, value))
        yield
