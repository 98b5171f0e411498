"""Models that take text alone: decoders, encoders, and both in one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from models.whole.inputs import VOCABULARY, both, words
from models.whole.model import WholeModel
from models.whole.sizes import D_MODEL, EXPERTS, HEADS, SPECIAL, TEXT


def _text(
    name: str, architecture: str, decoder: str = "model", more: Mapping[str, object] = MappingProxyType({})
) -> WholeModel:
    settings = {**TEXT, **more}
    return WholeModel(name=name, architecture=architecture, decoder=decoder, settings=settings, inputs=words)


_GPT2 = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64, "vocab_size": VOCABULARY}
_T5 = {
    "d_model": 32,
    "d_kv": 8,
    "d_ff": 64,
    "num_layers": 2,
    "num_heads": 4,
    "vocab_size": VOCABULARY,
    "decoder_start_token_id": 0,
}

DECODERS = (
    _text("llama", "LlamaForCausalLM"),
    _text("qwen2", "Qwen2ForCausalLM"),
    _text("qwen3", "Qwen3ForCausalLM", more=HEADS),
    _text("mistral", "MistralForCausalLM"),
    _text("gemma", "GemmaForCausalLM", more=HEADS),
    _text("gemma2", "Gemma2ForCausalLM", more=HEADS),
    _text("phi3", "Phi3ForCausalLM"),
    _text("olmo2", "Olmo2ForCausalLM"),
    _text("gpt_neox", "GPTNeoXForCausalLM", "gpt_neox"),
    _text("falcon", "FalconForCausalLM", "transformer"),
    _text("bloom", "BloomForCausalLM", "transformer"),
    _text("mixtral", "MixtralForCausalLM", more=EXPERTS),
    _text("opt", "OPTForCausalLM", "model.decoder", {"word_embed_proj_dim": 32, "ffn_dim": 64}),
    WholeModel(name="gpt2", architecture="GPT2LMHeadModel", decoder="transformer", settings=_GPT2, inputs=words),
    WholeModel(
        name="mamba",
        architecture="MambaForCausalLM",
        decoder="backbone",
        settings={**TEXT, "state_size": 4, "time_step_rank": 4},
        inputs=words,
        loops=True,
    ),
)
ENCODERS = (_text("bert", "BertForMaskedLM", "bert"), _text("modernbert", "ModernBertForMaskedLM"))
"""What compiles of them always is their only stack, as a decoder's would (BUG-H08)."""
PAIRS = (
    WholeModel(
        name="t5",
        architecture="T5ForConditionalGeneration",
        decoder="decoder",
        settings=_T5,
        inputs=both,
    ),
    WholeModel(
        name="bart",
        architecture="BartForConditionalGeneration",
        decoder="model.decoder",
        settings={**D_MODEL, "vocab_size": VOCABULARY, "max_position_embeddings": 64, **SPECIAL},
        inputs=both,
    ),
)
"""Their encoder is for text, so it stays eager."""
