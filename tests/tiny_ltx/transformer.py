"""Diffusion transformer (audio + video).

The audio stream is random.  In the video stream one attention layer is chosen by
hand so that guides and key frames are visible in the result, as they are with the
real model.  Queries and keys hardly depend on the content: after rotary embedding a
token attends to tokens at about the same time and place (itself, its neighbours, a
guide put there), and to clean tokens rather than to noisy ones.  The predicted
velocity is proportional to (own colour - attended colour), so colours drift towards
guides and fixed frames; where there are none the noise is merely smoothed.  Text,
sound and the remaining layers add a small tint, so that every input matters.
"""

from __future__ import annotations

import math

import numpy as np

from tests.tiny_ltx.bag import Bag
from tests.tiny_ltx.sizes import A_HEAD, A_HEADS, CONNECTOR_LAYERS, DIT_LAYERS, LATENT, REGISTERS, V_HEAD, V_HEADS, A, V

OWN, SEEN, SCRATCH = slice(0, 3), slice(10, 13), slice(3, 10)  # features of a video token
CLEAN, CALM = 15, 14  # see video_adaln
CONST = slice(16, V)  # +-1.15: keeps the norms near 1
PULL, PREFER_CLEAN, TINT = 1.6, 7.0, 0.02
# rotary frequency (low to high) -> sharpness in time, y, x: 32 pixels away costs about 5.5
NEAR = {0: (4, 4, 4), 1: (4, 4, 4), 2: (3, 6, 6), 3: (3, 10, 10)}


def attention(b: Bag, p: str, query: int, context: int, heads: int, head: int, scratch=False):
    inner = heads * head
    b.const(p + ".q_norm.weight", inner)
    b.const(p + ".k_norm.weight", inner)
    b.linear(p + ".to_q", inner, query)
    b.linear(p + ".to_k", inner, context)
    b.linear(p + ".to_v", inner, context)
    b.linear(p + ".to_gate_logits", heads, query, gain=0.2)
    output(b, p + ".to_out.0", query, inner, scratch)


def output(b: Bag, p: str, out: int, inp: int, scratch: bool):
    """A linear layer that writes to every feature, or to the scratch features only."""
    if not scratch:
        return b.linear(p, out, inp)
    w = np.zeros((out, inp))
    w[SCRATCH] = b.rng.standard_normal((SCRATCH.stop - SCRATCH.start, inp)) / math.sqrt(inp)
    b.put(p + ".weight", w)
    b.put(p + ".bias", np.zeros(out))


def guide_attention(b: Bag, p: str):
    # split rotary layout: per head 16 cosines then 16 sines; two unrotated pairs come first,
    # then the frequencies, each with its time, y and x component
    root = math.sqrt(V_HEAD)
    q = np.zeros((V_HEADS, V_HEAD))
    for f, weights in NEAR.items():
        for axis, sharp in enumerate(weights):
            h, k = divmod(2 + 3 * f + axis, V_HEAD // 2)
            q[h, k] = math.sqrt(sharp * root)
    k = q.copy().reshape(-1)
    q[0, 0] = PREFER_CLEAN * root  # unrotated pair: constant query, key = CLEAN
    q = q.reshape(-1)
    for x, bias in (("q", q), ("k", k)):
        w = b.rng.standard_normal((V, V)) * 0.002
        if x == "k":
            w[0, CLEAN] = 1
        b.const(f"{p}.{x}_norm.weight", V, value=math.sqrt((bias**2).mean()))
        b.put(f"{p}.to_{x}.weight", w)
        b.put(f"{p}.to_{x}.bias", bias)
    w = np.zeros((V, V))
    w[0:3, OWN] = np.eye(3)  # head 0 carries the colours
    b.put(f"{p}.to_v.weight", w + b.rng.standard_normal((V, V)) * 0.002)
    b.put(f"{p}.to_v.bias", np.zeros(V))
    b.normal(f"{p}.to_gate_logits.weight", V_HEADS, V, std=0.002)
    b.put(f"{p}.to_gate_logits.bias", np.zeros(V_HEADS))
    w = np.zeros((V, V))
    w[SEEN, 0:3] = np.eye(3)
    b.put(f"{p}.to_out.0.weight", w)
    b.put(f"{p}.to_out.0.bias", np.zeros(V))


def video_adaln(b: Bag, p: str):
    """What a token learns from its own noise level t (0 = fixed picture, 1 = pure noise).

    CLEAN is 6 at t = 0 and gone at t = 0.4; CALM falls slowly from 6 to 0 and makes the
    velocity grow while the noise shrinks.
    """
    wave = 80  # this input is cos(3.16 t)
    w, bias = b.rng.standard_normal((V, 256)) / 16, np.zeros(V)
    for unit, slope, offset in ((CLEAN, 9, -3), (CALM, 3, 3)):
        w[unit], bias[unit] = 0, offset
        w[unit, wave] = slope
    b.put(p + ".emb.timestep_embedder.linear_1.weight", w)
    b.put(p + ".emb.timestep_embedder.linear_1.bias", bias)
    w = b.rng.standard_normal((V, V)) * 0.05 / math.sqrt(V)
    w[[CLEAN, CALM, *range(V)[OWN], *range(V)[SEEN]]] = 0
    w[CLEAN, CLEAN] = 1
    w[OWN, CALM] = w[SEEN, CALM] = 0.25  # this vector also scales the output features
    b.put(p + ".emb.timestep_embedder.linear_2.weight", w)
    b.put(p + ".emb.timestep_embedder.linear_2.bias", np.zeros(V))
    w = b.rng.standard_normal((9, V, V)) * 0.02 / math.sqrt(V)
    w[0, CLEAN] = 0
    w[0, CLEAN, CLEAN] = 1 / 6  # row 0: the shift in front of self-attention
    b.put(p + ".linear.weight", w.reshape(9 * V, V))
    b.put(p + ".linear.bias", np.zeros(9 * V))


def feed_forward(b: Bag, p: str, dim: int, scratch=False):
    b.linear(p + ".net.0.proj", 4 * dim, dim)
    output(b, p + ".net.2", dim, 4 * dim, scratch)


def adaln(b: Bag, p: str, dim: int, n: int, gain=0.3):
    b.linear(p + ".emb.timestep_embedder.linear_1", dim, 256)
    b.normal(p + ".emb.timestep_embedder.linear_2.weight", dim, dim, std=min(1, gain) / math.sqrt(dim))
    b.normal(p + ".emb.timestep_embedder.linear_2.bias", dim, std=0.01)
    b.normal(p + ".linear.weight", n * dim, dim, std=gain / math.sqrt(dim))
    b.put(p + ".linear.bias", np.zeros(n * dim))


def connector(b: Bag, p: str, heads: int, head: int):
    dim = heads * head
    b.normal(p + ".learnable_registers", REGISTERS, dim)
    for i in range(CONNECTOR_LAYERS):
        attention(b, f"{p}.transformer_1d_blocks.{i}.attn1", dim, dim, heads, head)
        feed_forward(b, f"{p}.transformer_1d_blocks.{i}.ff", dim)


def transformer(b: Bag, p: str = "model.diffusion_model"):
    w = np.zeros((V, LATENT))
    w[OWN, OWN] = np.eye(3)
    w[SCRATCH] = b.rng.standard_normal((SCRATCH.stop - SCRATCH.start, LATENT)) * 0.5 / math.sqrt(LATENT)
    bias = np.zeros(V)
    bias[CONST] = np.where(np.arange(V)[CONST] % 2, 1.15, -1.15)
    b.put(f"{p}.patchify_proj.weight", w)
    b.put(f"{p}.patchify_proj.bias", bias)
    b.linear(f"{p}.audio_patchify_proj", A, LATENT)
    video_adaln(b, f"{p}.adaln_single")
    adaln(b, f"{p}.prompt_adaln_single", V, 2)
    adaln(b, f"{p}.audio_adaln_single", A, 9)
    adaln(b, f"{p}.audio_prompt_adaln_single", A, 2)
    adaln(b, f"{p}.av_ca_video_scale_shift_adaln_single", V, 4)
    adaln(b, f"{p}.av_ca_a2v_gate_adaln_single", V, 1)
    adaln(b, f"{p}.av_ca_audio_scale_shift_adaln_single", A, 4)
    adaln(b, f"{p}.av_ca_v2a_gate_adaln_single", A, 1)
    connector(b, f"{p}.video_embeddings_connector", V_HEADS, V_HEAD)
    connector(b, f"{p}.audio_embeddings_connector", A_HEADS, A_HEAD)
    for i in range(DIT_LAYERS):
        q = f"{p}.transformer_blocks.{i}"
        if i == 0:
            guide_attention(b, f"{q}.attn1")
        else:
            attention(b, f"{q}.attn1", V, V, V_HEADS, V_HEAD, scratch=True)
        attention(b, f"{q}.attn2", V, V, V_HEADS, V_HEAD, scratch=True)
        attention(b, f"{q}.audio_attn1", A, A, A_HEADS, A_HEAD)
        attention(b, f"{q}.audio_attn2", A, A, A_HEADS, A_HEAD)
        attention(b, f"{q}.audio_to_video_attn", V, A, A_HEADS, A_HEAD, scratch=True)
        attention(b, f"{q}.video_to_audio_attn", A, V, A_HEADS, A_HEAD)
        feed_forward(b, f"{q}.ff", V, scratch=True)
        feed_forward(b, f"{q}.audio_ff", A)
        table = np.zeros((9, V))  # shift, scale, gate of attention / feed-forward / text
        table[[2, 5, 8]] = 1
        b.put(f"{q}.scale_shift_table", table)
        b.normal(f"{q}.audio_scale_shift_table", 9, A, std=0.3)
        b.normal(f"{q}.prompt_scale_shift_table", 2, V, std=0.3)
        b.normal(f"{q}.audio_prompt_scale_shift_table", 2, A, std=0.3)
        b.normal(f"{q}.scale_shift_table_a2v_ca_video", 5, V, std=0.3)
        b.normal(f"{q}.scale_shift_table_a2v_ca_audio", 5, A, std=0.3)
    b.const(f"{p}.scale_shift_table", 2, V, value=0.0)
    b.normal(f"{p}.audio_scale_shift_table", 2, A, std=0.3)
    w = np.zeros((LATENT, V))
    w[OWN, OWN], w[OWN, SEEN] = PULL * np.eye(3), -PULL * np.eye(3)
    w[:, SCRATCH] = b.rng.standard_normal((LATENT, SCRATCH.stop - SCRATCH.start)) * TINT
    b.put(f"{p}.proj_out.weight", w)
    b.put(f"{p}.proj_out.bias", np.zeros(LATENT))
    b.linear(f"{p}.audio_proj_out", LATENT, A)
