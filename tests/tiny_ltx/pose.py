"""The pose estimator SDPose, which makes the control clip of style with pose.

Nothing in it is random: every residual branch is zero, and what is left carries the brightness of the picture through
the image VAE and the network to the heat maps. So a small figure is found where the picture is brightest, each of its
points two latent cells beside or at that place. The network has two levels instead of four, one block each, and the
real width, which ComfyUI takes for granted; its VAE has a quarter of the width.
"""

from __future__ import annotations

import numpy as np

from tests.tiny_ltx.bag import Bag

WIDTH, DEEP = 320, 640
CONTEXT = 1024
POINTS = 133
VAE_WIDTH = 32
VAE_LADDER = (1, 2, 4, 4)
SHIFTS = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
BODY = {0: 1, 5: 5, 6: 3, 7: 2, 8: 0, 9: 8, 10: 6, 11: 5, 12: 3, 13: 8, 14: 6, 15: 8, 16: 6}
"""Points of the body, as COCO numbers them, to a place in SHIFTS; all others are at the place itself."""


def pose_model(b: Bag) -> None:
    """A whole checkpoint: the network with its heat map head, and the image VAE."""
    network(b, "model.diffusion_model")
    image_vae(b, "first_stage_model")


def norm(b: Bag, p: str, size: int) -> None:
    b.const(f"{p}.weight", size)
    b.zeros(f"{p}.bias", size)


def layer(b: Bag, p: str, *shape: int, first: np.ndarray | None = None, bias: bool = True) -> None:
    """A linear or convolution layer: `first` are its first rows, all the rest is zero."""
    if first is None:
        b.zeros(f"{p}.weight", *shape)
    else:
        b.rows(f"{p}.weight", first, *shape)
    if bias:
        b.zeros(f"{p}.bias", shape[0])


def kept(count: int, inputs: int, *kernel: int) -> np.ndarray:
    """Rows that hand on the first `count` features as they are; of a 3 × 3 kernel only the middle counts."""
    rows = np.zeros((count, inputs, *kernel))
    for feature in range(count):
        rows[(feature, feature, *(size // 2 for size in kernel))] = 1
    return rows


def halved(count: int, inputs: int) -> np.ndarray:
    """Rows of a 3 × 3 convolution with stride 2 that average two by two pixels."""
    rows = np.zeros((count, inputs, 3, 3))
    for feature in range(count):
        rows[feature, feature, :2, :2] = 0.25
    return rows


def shifted(inputs: int, sources: list[int]) -> np.ndarray:
    """Rows of a 3 × 3 convolution: feature i is feature `sources[i]` moved by SHIFTS[i]."""
    rows = np.zeros((len(SHIFTS), inputs, 3, 3))
    for feature, (dy, dx) in enumerate(SHIFTS):
        rows[feature, sources[feature], 1 - dy, 1 - dx] = 1
    return rows


def block(b: Bag, p: str, inputs: int, outputs: int, carries: bool = True) -> None:
    """A residual block that hands on its first features."""
    norm(b, f"{p}.in_layers.0", inputs)
    layer(b, f"{p}.in_layers.2", outputs, inputs, 3, 3)
    layer(b, f"{p}.emb_layers.1", outputs, 4 * WIDTH)
    norm(b, f"{p}.out_layers.0", outputs)
    layer(b, f"{p}.out_layers.3", outputs, outputs, 3, 3)
    if inputs != outputs:
        layer(
            b, f"{p}.skip_connection", outputs, inputs, 1, 1, first=kept(len(SHIFTS), inputs, 1, 1) if carries else None
        )


def text_attention(b: Bag, p: str, dim: int) -> None:
    """A transformer that adds nothing; ComfyUI tells the model's family by the width of its text."""
    norm(b, f"{p}.norm", dim)
    layer(b, f"{p}.proj_in", dim, dim)
    q = f"{p}.transformer_blocks.0"
    for attention, context in (("attn1", dim), ("attn2", CONTEXT)):
        for name, inputs in (("to_q", dim), ("to_k", context), ("to_v", context)):
            layer(b, f"{q}.{attention}.{name}", dim, inputs, bias=False)
        layer(b, f"{q}.{attention}.to_out.0", dim, dim)
    layer(b, f"{q}.ff.net.0.proj", 8 * dim, dim)
    layer(b, f"{q}.ff.net.2", dim, 4 * dim)
    for number in (1, 2, 3):
        norm(b, f"{q}.norm{number}", dim)
    layer(b, f"{p}.proj_out", dim, dim)


def network(b: Bag, p: str) -> None:
    layer(b, f"{p}.time_embed.0", 4 * WIDTH, WIDTH)
    layer(b, f"{p}.time_embed.2", 4 * WIDTH, 4 * WIDTH)
    layer(b, f"{p}.input_blocks.0.0", WIDTH, 4, 3, 3, first=10 * kept(1, 4, 3, 3))
    block(b, f"{p}.input_blocks.1.0", WIDTH, WIDTH)
    layer(b, f"{p}.input_blocks.2.0.op", WIDTH, WIDTH, 3, 3, first=shifted(WIDTH, [0] * len(SHIFTS)))
    block(b, f"{p}.input_blocks.3.0", WIDTH, DEEP)
    text_attention(b, f"{p}.input_blocks.3.1", DEEP)
    block(b, f"{p}.output_blocks.0.0", DEEP + DEEP, DEEP)
    block(b, f"{p}.output_blocks.1.0", DEEP + WIDTH, DEEP)
    layer(b, f"{p}.output_blocks.1.1.conv", DEEP, DEEP, 3, 3, first=shifted(DEEP, [*range(len(SHIFTS))]))
    # The heat maps are made of what goes into the next block; what comes out at the end is not used.
    block(b, f"{p}.output_blocks.2.0", DEEP + WIDTH, WIDTH, carries=False)
    block(b, f"{p}.output_blocks.3.0", WIDTH + WIDTH, WIDTH, carries=False)
    norm(b, f"{p}.out.0", WIDTH)
    layer(b, f"{p}.out.2", 4, WIDTH, 3, 3)
    heat_maps(b, f"{p}.heatmap_head")


def heat_maps(b: Bag, p: str) -> None:
    smooth = np.outer([0.25, 0.75, 0.75, 0.25], [0.25, 0.75, 0.75, 0.25])
    doubled = np.zeros((len(SHIFTS), DEEP, 4, 4))
    for feature in range(len(SHIFTS)):
        doubled[feature, feature] = smooth
    b.rows(f"{p}.deconv_layers.0.weight", doubled, DEEP, DEEP, 4, 4)
    layer(b, f"{p}.conv_layers.0", DEEP, DEEP, 1, 1, first=kept(len(SHIFTS), DEEP, 1, 1))
    places = np.zeros((POINTS, DEEP, 1, 1))
    for point in range(POINTS):
        places[point, BODY.get(point, SHIFTS.index((0, 0)))] = 1
    layer(b, f"{p}.final_layer", POINTS, DEEP, 1, 1, first=places)


def image_block(b: Bag, p: str, inputs: int, outputs: int) -> None:
    for number, size in ((1, inputs), (2, outputs)):
        norm(b, f"{p}.norm{number}", size)
        layer(b, f"{p}.conv{number}", outputs, size, 3, 3)
    if inputs != outputs:
        layer(b, f"{p}.nin_shortcut", outputs, inputs, 1, 1, first=kept(4, inputs, 1, 1))


def image_vae(b: Bag, p: str) -> None:
    """The encoder: brightness, twice as it is and twice as its negative, so that its norm group has the mean 0.

    Of the decoder only what ComfyUI looks at is there; poses are never decoded.
    """
    q = f"{p}.encoder"
    seen = np.zeros((4, 3, 3, 3))
    seen[:2, :, 1, 1], seen[2:, :, 1, 1] = 1 / 3, -1 / 3
    layer(b, f"{q}.conv_in", VAE_WIDTH, 3, 3, 3, first=seen)
    size = VAE_WIDTH
    for level, times in enumerate(VAE_LADDER):
        for number in range(2):
            image_block(b, f"{q}.down.{level}.block.{number}", size, VAE_WIDTH * times)
            size = VAE_WIDTH * times
        if level < len(VAE_LADDER) - 1:
            layer(b, f"{q}.down.{level}.downsample.conv", size, size, 3, 3, first=halved(4, size))
    for number in (1, 2):
        image_block(b, f"{q}.mid.block_{number}", size, size)
    norm(b, f"{q}.mid.attn_1.norm", size)
    for name in ("q", "k", "v", "proj_out"):
        layer(b, f"{q}.mid.attn_1.{name}", size, size, 1, 1)
    norm(b, f"{q}.norm_out", size)
    told = np.zeros((1, size, 3, 3))
    told[0, 0, 1, 1], told[0, 2, 1, 1] = 1, -1
    layer(b, f"{q}.conv_out", 8, size, 3, 3, first=told)
    layer(b, f"{p}.quant_conv", 8, 8, 1, 1, first=kept(8, 8, 1, 1))
    layer(b, f"{p}.post_quant_conv", 4, 4, 1, 1, first=kept(4, 4, 1, 1))
    layer(b, f"{p}.decoder.conv_in", size, 4, 3, 3)
