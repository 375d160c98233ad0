"""Video VAE.

Random convolutions would turn every picture into white noise (huge files, slow
encoding, nothing to compare).  So the weights are chosen by hand, plus a little
noise: the encoder stores the mean colour of every 32 x 32 pixel block in latent
channels 0-2, the decoder paints blocks of that colour.  A picture that goes in as
a first frame therefore comes out as a coarse mosaic of itself.

Features are carried as (R, G, B, 1, -R, -G, -B, 1), because silu(x) - silu(-x) = x
makes the last activation linear; the constant keeps the pixel norm in range.
"""

from __future__ import annotations

import math

import numpy as np

from tests.tiny_ltx.bag import Bag
from tests.tiny_ltx.sizes import LATENT, VAE_BASE, VIDEO_VAE

_STRIDE = {"space": (1, 2, 2), "time": (2, 1, 1), "all": (2, 2, 2)}
_SIGNS = [(0, 1), (1, 1), (2, 1), (None, 1), (0, -1), (1, -1), (2, -1), (None, 1)]  # (colour, sign)
NOISE = 0.01


def res_blocks(b: Bag, p: str, n: int, ch: int):
    for j in range(n):
        b.conv(f"{p}.res_blocks.{j}.conv1.conv", ch, ch, 3, 3, 3)
        b.conv(f"{p}.res_blocks.{j}.conv2.conv", ch, ch, 3, 3, 3, gain=2 * NOISE)


def video_vae(b: Bag, p: str = "vae"):
    patch = VIDEO_VAE["patch_size"] ** 2

    def put(name, w, bias=None):
        w = w + b.rng.standard_normal(w.shape) * NOISE / math.sqrt(math.prod(w.shape[1:]))
        b.put(name + ".conv.weight", w)
        b.put(name + ".conv.bias", np.zeros(w.shape[0]) if bias is None else bias)

    # encoder: causal in time, so the current frame is the last of the three taps
    ch = VAE_BASE
    w, bias = np.zeros((ch, 3 * patch, 3, 3, 3)), np.zeros(ch)
    for k, (colour, sign) in enumerate(_SIGNS):
        if colour is None:
            bias[k] = 1
        else:
            w[k, colour * patch : (colour + 1) * patch, 2, 1, 1] = sign / patch
    put(f"{p}.encoder.conv_in", w, bias)
    for i, (kind, o) in enumerate(VIDEO_VAE["encoder_blocks"]):
        q = f"{p}.encoder.down_blocks.{i}"
        if kind == "res_x":
            res_blocks(b, q, o["num_layers"], ch)
        else:
            # the convolution runs next to an averaging shortcut: let the shortcut do the work
            out = ch * o["multiplier"]
            cells = math.prod(_STRIDE[kind.split("_")[1]])
            put(f"{q}.conv", np.zeros((out // cells, ch, 3, 3, 3)))
            ch = out
    # every feature has become ch / 8 neighbouring channels (halves of the block); average them
    copies = ch // VAE_BASE
    w = np.zeros((LATENT + 1, ch, 3, 3, 3))  # "uniform" log-variance: + 1
    w[3:] = b.rng.standard_normal(w[3:].shape) * 0.1 / math.sqrt(ch * 27)
    for k, (colour, sign) in enumerate(_SIGNS):
        if colour is not None:
            w[colour, k * copies : (k + 1) * copies, 2, 1, 1] = sign / copies
    put(f"{p}.encoder.conv_out", w)

    # decoder: the ladder runs backwards; not causal, so the current frame is the middle tap
    ladder = list(reversed(VIDEO_VAE["decoder_blocks"]))
    ch = VAE_BASE * math.prod(o["multiplier"] for k, o in ladder if k != "res_x")
    w, bias = b.rng.standard_normal((ch, LATENT, 3, 3, 3)) * NOISE / 3, np.zeros(ch)
    for k, (colour, sign) in enumerate(_SIGNS):
        if colour is None:
            bias[k] = 2
        else:
            w[k, colour, 1, 1, 1] = sign
    put(f"{p}.decoder.conv_in", w, bias)
    for i, (kind, o) in enumerate(ladder):
        q = f"{p}.decoder.up_blocks.{i}"
        if kind == "res_x":
            res_blocks(b, q, o["num_layers"], ch)
        else:
            # depth-to-space: the `cells` channels of one feature become its pixels
            cells = math.prod(_STRIDE[kind.split("_")[1]])
            nxt = ch // o["multiplier"]
            w = np.zeros((nxt * cells, ch, 3, 3, 3))
            for k in range(nxt):
                w[k * cells : (k + 1) * cells, k, 1, 1, 1] = 1
            put(f"{q}.conv", w)
            ch = nxt
    w = np.zeros((3 * patch, ch, 3, 3, 3))
    for k, (colour, sign) in enumerate(_SIGNS):
        if colour is not None:
            w[colour * patch : (colour + 1) * patch, k, 1, 1, 1] = 0.8 * sign
    put(f"{p}.decoder.conv_out", w)
    b.const(f"{p}.per_channel_statistics.std-of-means", LATENT)
    b.const(f"{p}.per_channel_statistics.mean-of-means", LATENT, value=0.0)
