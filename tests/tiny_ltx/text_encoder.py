"""The text encoder, of Gemma 3's shape, with its tokenizer and its vision tower; random weights."""

from __future__ import annotations

import math

import numpy as np

from tests.tiny_ltx.bag import Bag
from tests.tiny_ltx.sizes import (
    STOP,
    TE_FF,
    TE_HEAD,
    TE_HEADS,
    TE_HIDDEN,
    TE_KV,
    TE_LAYERS,
    VIS_FF,
    VIS_HIDDEN,
    VIS_IMAGE,
    VIS_LAYERS,
    VIS_PATCH,
    A,
    V,
)
from tests.tiny_ltx.vocabulary import EOT, sentencepiece_model, vocabulary


def text_encoder(b: Bag):
    blob, vocab = sentencepiece_model()
    b.put("spiece_model", np.frombuffer(blob, np.uint8), "U8")
    # the table is also the output layer: one feature is the same for every token, and the end-of-turn
    # row likes it, so that a generated text ends after some dozen tokens
    table = b.rng.standard_normal((vocab, TE_HIDDEN)) / math.sqrt(TE_HIDDEN)
    table[:, -1] = 3 / math.sqrt(TE_HIDDEN)
    table[EOT, -1] += STOP
    for i, (_, _, kind) in enumerate(vocabulary()):
        if kind in (2, 3, 6):  # unknown, control, raw bytes: never generate these
            table[i, -1] = -2
    b.put("model.embed_tokens.weight", table)
    # norms are stored as (weight - 1)
    b.const("model.norm.weight", TE_HIDDEN, value=0.0)
    for i in range(TE_LAYERS):
        p = f"model.layers.{i}"
        for n in (
            "input_layernorm",
            "post_attention_layernorm",
            "pre_feedforward_layernorm",
            "post_feedforward_layernorm",
        ):
            b.const(f"{p}.{n}.weight", TE_HIDDEN, value=0.0 if n.startswith(("input", "pre")) else -0.7)
        b.const(f"{p}.self_attn.q_norm.weight", TE_HEAD, value=0.0)
        b.const(f"{p}.self_attn.k_norm.weight", TE_HEAD, value=0.0)
        b.linear(f"{p}.self_attn.q_proj", TE_HEADS * TE_HEAD, TE_HIDDEN, bias=False)
        b.linear(f"{p}.self_attn.k_proj", TE_KV * TE_HEAD, TE_HIDDEN, bias=False)
        b.linear(f"{p}.self_attn.v_proj", TE_KV * TE_HEAD, TE_HIDDEN, bias=False)
        b.linear(f"{p}.self_attn.o_proj", TE_HIDDEN, TE_HEADS * TE_HEAD, bias=False)
        b.linear(f"{p}.mlp.gate_proj", TE_FF, TE_HIDDEN, bias=False)
        b.linear(f"{p}.mlp.up_proj", TE_FF, TE_HIDDEN, bias=False)
        b.linear(f"{p}.mlp.down_proj", TE_HIDDEN, TE_FF, bias=False)
    # vision tower, used only by the prompt enhancer when it gets an image
    b.normal("multi_modal_projector.mm_input_projection_weight", VIS_HIDDEN, TE_HIDDEN, std=1 / math.sqrt(VIS_HIDDEN))
    b.const("multi_modal_projector.mm_soft_emb_norm.weight", VIS_HIDDEN, value=0.0)
    p = "vision_model"
    b.conv(f"{p}.embeddings.patch_embedding", VIS_HIDDEN, 3, VIS_PATCH, VIS_PATCH)
    b.normal(f"{p}.embeddings.position_embedding.weight", (VIS_IMAGE // VIS_PATCH) ** 2, VIS_HIDDEN)
    for i in range(VIS_LAYERS):
        q = f"{p}.encoder.layers.{i}"
        for n in ("layer_norm1", "layer_norm2"):
            b.const(f"{q}.{n}.weight", VIS_HIDDEN)
            b.const(f"{q}.{n}.bias", VIS_HIDDEN, value=0.0)
        for n in ("q_proj", "k_proj", "v_proj", "out_proj"):
            b.linear(f"{q}.self_attn.{n}", VIS_HIDDEN, VIS_HIDDEN)
        b.linear(f"{q}.mlp.fc1", VIS_FF, VIS_HIDDEN)
        b.linear(f"{q}.mlp.fc2", VIS_HIDDEN, VIS_FF)
    b.const(f"{p}.post_layernorm.weight", VIS_HIDDEN)
    b.const(f"{p}.post_layernorm.bias", VIS_HIDDEN, value=0.0)


def text_projection(b: Bag):
    """Lives in the checkpoint, not in the text encoder file."""
    states = TE_HIDDEN * (TE_LAYERS + 1)
    b.linear("text_embedding_projection.video_aggregate_embed", V, states)
    b.linear("text_embedding_projection.audio_aggregate_embed", A, states)
