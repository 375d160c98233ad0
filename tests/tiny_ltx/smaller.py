"""The latent upscaler and LoRAs."""

from __future__ import annotations

import math

import numpy as np

from tests.tiny_ltx.bag import Bag
from tests.tiny_ltx.sizes import (
    DIT_LAYERS,
    LATENT,
    TE_FF,
    TE_HEAD,
    TE_HEADS,
    TE_HIDDEN,
    TE_LAYERS,
    UPS_BLOCKS,
    UPS_MID,
    A,
    V,
)

COLOURS = 3


def upscaler(b: Bag) -> None:
    """Twice the size with the colours kept, but for a range of their own in each channel.

    One channel per norm group, so that each is normalised by itself; a colour travels as a value and its negative,
    because silu(x) - silu(-x) = x.
    """
    m = UPS_MID

    def block(p: str) -> None:
        for k in (1, 2):
            b.conv(f"{p}.conv{k}", m, m, 3, 3, 3, gain=0.5)
            b.const(f"{p}.norm{k}.weight", m, value=1.0 if k == 1 else 0.02)
            b.zeros(f"{p}.norm{k}.bias", m)

    w = b.rng.standard_normal((m, LATENT, 3, 3, 3)) / math.sqrt(LATENT * 27)
    w[: 2 * COLOURS] = 0
    for colour in range(COLOURS):
        w[colour, colour, 1, 1, 1], w[COLOURS + colour, colour, 1, 1, 1] = 1, -1
    b.put("initial_conv.weight", w)
    b.zeros("initial_conv.bias", m)
    b.const("initial_norm.weight", m)
    b.zeros("initial_norm.bias", m)
    for i in range(UPS_BLOCKS):
        block(f"res_blocks.{i}")
        block(f"post_upsample_res_blocks.{i}")
    w = np.zeros((4 * m, m, 3, 3))
    for channel in range(m):
        w[4 * channel : 4 * channel + 4, channel, 1, 1] = 1
    b.put("upsampler.0.weight", w)
    b.zeros("upsampler.0.bias", 4 * m)
    w = b.rng.standard_normal((LATENT, m, 3, 3, 3)) * 0.1 / math.sqrt(m * 27)
    w[:COLOURS] = 0
    for colour in range(COLOURS):
        w[colour, colour, 1, 1, 1], w[colour, COLOURS + colour, 1, 1, 1] = 0.6, -0.6
    b.put("final_conv.weight", w)
    b.zeros("final_conv.bias", LATENT)


def lora_pair(b: Bag, key: str, out: int, inp: int, rank: int):
    b.normal(f"{key}.lora_A.weight", rank, inp, std=0.15 / math.sqrt(inp))
    b.normal(f"{key}.lora_B.weight", out, rank, std=0.15 / math.sqrt(rank))


def dit_lora(b: Bag, audio: bool, dynamic_rank: bool = False):
    rank = 4
    for i in range(DIT_LAYERS):
        p = f"diffusion_model.transformer_blocks.{i}"
        streams = [("", V)] + ([("audio_", A)] if audio else [])
        for pre, dim in streams:
            for att in ("attn1", "attn2"):
                for w in ("to_q", "to_k", "to_v", "to_out.0"):
                    rank = (rank % 5) + 2 if dynamic_rank else 4
                    lora_pair(b, f"{p}.{pre}{att}.{w}", dim, dim, rank)
            lora_pair(b, f"{p}.{pre}ff.net.0.proj", 4 * dim, dim, rank)
            lora_pair(b, f"{p}.{pre}ff.net.2", dim, 4 * dim, rank)


def te_lora(b: Bag):
    for i in range(TE_LAYERS):
        p = f"text_encoders.gemma3_12b.transformer.model.layers.{i}"
        lora_pair(b, f"{p}.self_attn.o_proj", TE_HIDDEN, TE_HEADS * TE_HEAD, 4)
        lora_pair(b, f"{p}.mlp.down_proj", TE_HIDDEN, TE_FF, 4)
