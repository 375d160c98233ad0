"""Let ComfyUI load tiny stand-ins for models whose sizes it has in its code.

For test machines only. Does nothing unless the environment has TINY_LTX=1.

Almost every size of an LTX-2.3 checkpoint comes from its metadata or its weights. Some do not. ComfyUI recognises the
text encoder "Gemma 3 12B" by its 48th layer and builds it, and the projection behind it, with fixed sizes (about 50 GB
in float32). And it runs SDPose on pictures of 768 × 1024 through an image VAE of fixed width, MoGe on 3600 patches.
Here those sizes follow from the files being loaded; where these are of the real size, nothing changes. No forward pass
is touched.
"""

from __future__ import annotations

import functools
import logging
import os

NODE_CLASS_MAPPINGS = {}
NODE_DISPLAY_NAME_MAPPINGS = {}
REAL_HIDDEN, REAL_STATES, REAL_VAE_WIDTH = 3840, 3840 * 49, 128
POSE_PICTURE = (128, 160)
"""Width and height in pixels of what a tiny pose model sees."""
REAL_DEPTH_WIDTH = 384
DEPTH_TOKENS = (64, 128)
"""How many patches a tiny depth model cuts a picture into."""

log = logging.getLogger("tiny_ltx_testkit")


class Loading:
    """Sizes of what is being loaded at the moment; None leaves ComfyUI's own."""

    encoder = None
    vision = None
    projection = None
    vae_width = None


def count(state, pattern):
    """How many numbered layers there are."""
    number = 0
    while pattern.format(number) in state:
        number += 1
    return number


def encoder_sizes(state):
    """(sizes of a tiny text encoder, of its vision tower), each None where there is none."""
    embedding, first = state.get("model.embed_tokens.weight"), "model.layers.0."
    if embedding is None or first + "self_attn.q_norm.weight" not in state or embedding.shape[1] >= REAL_HIDDEN:
        return None, None
    head = state[first + "self_attn.q_norm.weight"].shape[0]
    encoder = {
        "vocab_size": embedding.shape[0],
        "hidden_size": embedding.shape[1],
        "num_hidden_layers": count(state, "model.layers.{}.self_attn.q_norm.weight"),
        "intermediate_size": state[first + "mlp.gate_proj.weight"].shape[0],
        "num_attention_heads": state[first + "self_attn.q_proj.weight"].shape[0] // head,
        "num_key_value_heads": state[first + "self_attn.k_proj.weight"].shape[0] // head,
        "head_dim": head,
    }
    patch = state.get("vision_model.embeddings.patch_embedding.weight")
    if patch is None:
        return encoder, None
    cells = state["vision_model.embeddings.position_embedding.weight"].shape[0]
    vision = {
        "hidden_size": patch.shape[0],
        "patch_size": patch.shape[2],
        "image_size": patch.shape[2] * round(cells**0.5),
        "num_hidden_layers": count(state, "vision_model.encoder.layers.{}.mlp.fc1.weight"),
        "num_attention_heads": 1,
        "intermediate_size": state["vision_model.encoder.layers.0.mlp.fc1.weight"].shape[0],
    }
    return encoder, vision


def projection_sizes(state):
    """(inputs, video outputs, audio outputs) of a tiny projection, or None."""
    name = "text_embedding_projection.{}_aggregate_embed.weight"
    video, audio = state.get(name.format("video")), state.get(name.format("audio"))
    if video is None or audio is None or video.shape[1] >= REAL_STATES:
        return None
    return video.shape[1], video.shape[0], audio.shape[0]


def install_text_encoder():
    import comfy.sd
    import comfy.text_encoders.llama as llama
    import comfy.text_encoders.lt as lt

    load = comfy.sd.load_text_encoder_state_dicts
    config, projection = llama.Gemma3_12B_Config, lt.DualLinearProjection

    @functools.wraps(load)
    def load_encoder(state_dicts, *args, **kwargs):
        for state in state_dicts:
            encoder, vision = encoder_sizes(state)
            if encoder:
                Loading.encoder, Loading.vision = encoder, vision
            Loading.projection = projection_sizes(state) or Loading.projection
        try:
            return load(state_dicts, *args, **kwargs)
        finally:
            Loading.encoder = Loading.vision = Loading.projection = None

    def sized_config(**kwargs):
        made = config(**kwargs)
        for name, size in (Loading.encoder or {}).items():
            setattr(made, name, size)
        if Loading.encoder and Loading.vision:
            made.vision_config = {**made.vision_config, **Loading.vision}
        return made

    def sized_projection(inputs, video, audio, **kwargs):
        return projection(*(Loading.projection or (inputs, video, audio)), **kwargs)

    comfy.sd.load_text_encoder_state_dicts = load_encoder
    llama.Gemma3_12B_Config = sized_config
    lt.DualLinearProjection = sized_projection


def install_pose():
    import comfy.ldm.modules.diffusionmodules.openaimodel as network
    import comfy.sd

    load, vae, head = comfy.sd.load_state_dict_guess_config, comfy.sd.AutoencoderKL, network.HeatmapHead

    @functools.wraps(load)
    def load_checkpoint(state, *args, **kwargs):
        first = state.get("first_stage_model.encoder.conv_in.weight")
        Loading.vae_width = first.shape[0] if first is not None and first.shape[0] < REAL_VAE_WIDTH else None
        try:
            return load(state, *args, **kwargs)
        finally:
            Loading.vae_width = None

    def sized_vae(ddconfig, **kwargs):
        return vae(ddconfig={**ddconfig, "ch": Loading.vae_width} if Loading.vae_width else ddconfig, **kwargs)

    def sized_head(**kwargs):
        return head(**({"input_size": POSE_PICTURE} if Loading.vae_width else {}), **kwargs)

    comfy.sd.load_state_dict_guess_config = load_checkpoint
    comfy.sd.AutoencoderKL = sized_vae
    network.HeatmapHead = sized_head


def install_depth():
    import comfy.ldm.moge.model as moge

    build = moge.build_from_state_dict

    @functools.wraps(build)
    def sized_model(state, *args, **kwargs):
        made = build(state, *args, **kwargs)
        token = state.get("encoder.backbone.cls_token")
        if token is not None and token.shape[-1] < REAL_DEPTH_WIDTH:
            made.num_tokens_range = DEPTH_TOKENS
        return made

    moge.build_from_state_dict = sized_model


if os.environ.get("TINY_LTX") == "1":
    install_text_encoder()
    install_pose()
    install_depth()
    log.warning("TINY_LTX=1: tiny stand-ins for text encoder, pose and depth model can be loaded")
