"""The depth estimator MoGe 2, which makes the control clip of style with depth."""

from __future__ import annotations

import math

import numpy as np

from tests.tiny_ltx.bag import Bag


def depth_model(b: Bag, dim=64, layers=4, proj=8, widths=(16, 8, 8, 8, 8)):
    def named(name, w, bias=None):
        b.put(name + ".weight", w)
        b.put(name + ".bias", np.zeros(w.shape[0]) if bias is None else bias)

    def small(*shape, keep=0):
        w = b.rng.standard_normal(shape) / math.sqrt(math.prod(shape[1:]))
        w[:keep] = 0  # leaves the first channels to the view-plane position
        return w

    p = "encoder.backbone"
    b.normal(f"{p}.cls_token", 1, 1, dim)
    b.normal(f"{p}.pos_embed", 1, 37 * 37 + 1, dim, std=0.1)
    b.normal(f"{p}.mask_token", 1, dim)
    b.conv(f"{p}.patch_embed.proj", dim, 3, 14, 14)
    for i in range(layers):
        q = f"{p}.blocks.{i}"
        for n in ("norm1", "norm2"):
            named(f"{q}.{n}", np.ones(dim))
        b.linear(f"{q}.attn.qkv", 3 * dim, dim)
        b.linear(f"{q}.attn.proj", dim, dim)
        b.linear(f"{q}.mlp.fc1", 4 * dim, dim)
        b.linear(f"{q}.mlp.fc2", dim, 4 * dim)
        b.const(f"{q}.ls1.gamma", dim, value=0.1)
        b.const(f"{q}.ls2.gamma", dim, value=0.1)
    named(f"{p}.norm", np.ones(dim))
    b.put("encoder.image_mean", np.array([0.485, 0.456, 0.406]).reshape(1, 3, 1, 1), "F32")
    b.put("encoder.image_std", np.array([0.229, 0.224, 0.225]).reshape(1, 3, 1, 1), "F32")
    for i in range(4):
        b.conv(f"encoder.output_projections.{i}", proj, dim, 1, 1)

    last = len(widths) - 1

    def stack(name, inputs, out=None, out_bias=None):
        for i, (inp, w) in enumerate(zip(inputs, widths, strict=False)):
            m = small(w, inp, 1, 1, keep=2)
            m[0, inp - 2 if out is None else 0] = m[1, inp - 1 if out is None else 1] = 1
            named(f"{name}.input_blocks.{i}", m)
            named(f"{name}.res_blocks.{i}.0.layers.2", small(w, w, 3, 3))
            named(f"{name}.res_blocks.{i}.0.layers.5", small(w, w, 3, 3, keep=2) * 0.3)
            if i < last:
                nxt = widths[i + 1]
                b.normal(f"{name}.resamplers.{i}.0.weight", w, nxt, 2, 2, std=1 / math.sqrt(w))
                b.put(f"{name}.resamplers.{i}.0.bias", np.zeros(nxt))
                named(f"{name}.resamplers.{i}.1", small(nxt, nxt, 3, 3, keep=2))
        if out is not None:
            named(f"{name}.output_blocks.{last}", out, out_bias)

    c = widths[last]
    stack("neck", [proj + 2, 2, 2, 2, 2])
    points = np.zeros((3, c, 1, 1))
    points[0, 0] = points[1, 1] = 1
    points[2, 2:] = b.rng.standard_normal((c - 2, 1, 1)) * 0.1
    stack("points_head", widths, points)
    stack("mask_head", widths, np.zeros((1, c, 1, 1)), np.full(1, 4.0))
    stack("normal_head", widths, small(3, c, 1, 1), np.array([0.0, 0.0, 1.0]))
    b.linear("scale_head.0", 16, dim)
    b.linear("scale_head.2", 1, 16, gain=0.1)
