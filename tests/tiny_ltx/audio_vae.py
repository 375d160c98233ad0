"""The audio VAE and the vocoder: random weights, so that sound is noise, in the real order of blocks."""

from __future__ import annotations

import math

import numpy as np

from tests.tiny_ltx.bag import Bag
from tests.tiny_ltx.sizes import AUDIO_VAE, LATENT, VOCODER


def audio_res(b: Bag, p: str, inp: int, out: int):
    b.conv(f"{p}.conv1.conv", out, inp, 3, 3)
    b.conv(f"{p}.conv2.conv", out, out, 3, 3, gain=0.5)
    if inp != out:
        b.conv(f"{p}.nin_shortcut.conv", out, inp, 1, 1)


def audio_vae(b: Bag, p: str = "audio_vae"):
    c = AUDIO_VAE["model"]["params"]["ddconfig"]
    ch, mult, n, z = c["ch"], c["ch_mult"], c["num_res_blocks"], c["z_channels"]
    top = ch * mult[-1]
    cur = ch
    b.conv(f"{p}.encoder.conv_in.conv", ch, c["in_channels"], 3, 3)
    for i, m in enumerate(mult):
        for j in range(n):
            audio_res(b, f"{p}.encoder.down.{i}.block.{j}", cur, ch * m)
            cur = ch * m
        if i < len(mult) - 1:
            b.conv(f"{p}.encoder.down.{i}.downsample.conv", cur, cur, 3, 3)
    for k in ("block_1", "block_2"):
        audio_res(b, f"{p}.encoder.mid.{k}", top, top)
        audio_res(b, f"{p}.decoder.mid.{k}", top, top)
    b.conv(f"{p}.encoder.conv_out.conv", 2 * z, top, 3, 3)
    b.conv(f"{p}.decoder.conv_in.conv", top, z, 3, 3)
    cur = top
    for i in reversed(range(len(mult))):
        for j in range(n + 1):
            audio_res(b, f"{p}.decoder.up.{i}.block.{j}", cur, ch * mult[i])
            cur = ch * mult[i]
        if i > 0:
            b.conv(f"{p}.decoder.up.{i}.upsample.conv.conv", cur, cur, 3, 3)
    b.conv(f"{p}.decoder.conv_out.conv", c["out_ch"], cur, 3, 3)
    b.const(f"{p}.per_channel_statistics.std-of-means", LATENT)
    b.const(f"{p}.per_channel_statistics.mean-of-means", LATENT, value=0.0)


def half_band(taps: int = 12) -> np.ndarray:
    """A Kaiser-windowed half-band low-pass of even length, unit DC gain."""
    n = np.arange(taps) - (taps - 1) / 2
    h = np.sinc(n / 2) * np.kaiser(taps, 4.66)
    return (h / h.sum()).astype(np.float32)


def amp_generator(b: Bag, p: str, cfg: dict):
    lp = half_band()[None, None]

    def act(q, ch):
        b.normal(f"{q}.act.alpha", ch, std=0.1)
        b.normal(f"{q}.act.beta", ch, std=0.1)
        b.put(f"{q}.upsample.filter", lp)
        b.put(f"{q}.downsample.lowpass.filter", lp)

    c0 = cfg["upsample_initial_channel"]
    b.conv(f"{p}.conv_pre", c0, 128, 7)
    kernels = cfg["resblock_kernel_sizes"]
    ch = c0
    for i, k in enumerate(cfg["upsample_kernel_sizes"]):
        out = c0 // 2 ** (i + 1)
        # transposed convolution: (in, out, kernel)
        rate = cfg["upsample_rates"][i]
        b.normal(f"{p}.ups.{i}.weight", ch, out, k, std=math.sqrt(rate / (ch * k)))
        b.normal(f"{p}.ups.{i}.bias", out, std=0.02)
        ch = out
        for j, kk in enumerate(kernels):
            q = f"{p}.resblocks.{i * len(kernels) + j}"
            for d in range(3):
                b.conv(f"{q}.convs1.{d}", ch, ch, kk, gain=0.5)
                b.conv(f"{q}.convs2.{d}", ch, ch, kk, gain=0.5)
                act(f"{q}.acts1.{d}", ch)
                act(f"{q}.acts2.{d}", ch)
    act(f"{p}.act_post", ch)
    b.conv(f"{p}.conv_post", 2, ch, 7, bias=False, gain=0.05)


def mel_filters(rate: int, n_fft: int, n_mels: int) -> np.ndarray:
    """Triangular filters, equally spaced on the mel scale, unit peak area."""
    highest = 2595 * np.log10(1 + rate / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, highest, n_mels + 2) / 2595) - 1)
    freqs = np.linspace(0, rate / 2, n_fft // 2 + 1)
    lo, mid, hi = (edges[i : i + n_mels, None] for i in range(3))
    tri = np.minimum((freqs - lo) / (mid - lo), (hi - freqs) / (hi - mid))
    return (np.maximum(tri, 0) * 2 / (hi - lo)).astype(np.float32)


def vocoder(b: Bag, p: str = "vocoder"):
    amp_generator(b, f"{p}.vocoder", VOCODER["vocoder"])
    amp_generator(b, f"{p}.bwe_generator", VOCODER["bwe"])
    w = VOCODER["bwe"]
    n = w["n_fft"]
    b.put(f"{p}.mel_stft.mel_basis", mel_filters(w["input_sampling_rate"], n, w["num_mels"]))
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
    angle = 2 * np.pi * np.outer(np.arange(n // 2 + 1), np.arange(n)) / n
    basis = (np.concatenate([np.cos(angle), -np.sin(angle)]) * hann)[:, None]
    b.put(f"{p}.mel_stft.stft_fn.forward_basis", basis)
    b.put(f"{p}.mel_stft.stft_fn.inverse_basis", basis / n)
