"""Loaders. No weights are read: a model is its name, which is part of what decides the result."""

from __future__ import annotations

from dataclasses import replace

from bootstrap.draft.nodes.registry import Context, node
from bootstrap.draft.nodes.values import AudioVae, Model, TextEncoder, UpscaleModel, VideoVae


@node("CheckpointLoaderSimple")
def load_checkpoint(context: Context, ckpt_name: str) -> tuple[Model, TextEncoder, VideoVae]:
    """Model, text encoder and VAE of a checkpoint."""
    return Model(ckpt_name), TextEncoder(ckpt_name), VideoVae(ckpt_name)


@node("LTXVAudioVAELoader")
def load_audio_vae(context: Context, ckpt_name: str) -> tuple[AudioVae]:
    """The audio VAE inside a checkpoint."""
    return (AudioVae(ckpt_name),)


@node("LTXAVTextEncoderLoader")
def load_text_encoder(
    context: Context, text_encoder: str, ckpt_name: str, device: str = "default"
) -> tuple[TextEncoder]:
    """A text encoder with the checkpoint's projection."""
    return (TextEncoder(text_encoder),)


@node("LatentUpscaleModelLoader")
def load_upscaler(context: Context, model_name: str) -> tuple[UpscaleModel]:
    """A latent upscaler."""
    return (UpscaleModel(model_name),)


@node("LoraLoaderModelOnly")
def load_lora(context: Context, model: Model, lora_name: str, strength_model: float) -> tuple[Model]:
    """The model with one more LoRA; at strength 0 the model as it is."""
    if strength_model == 0:
        return (model,)
    return (replace(model, loras=(*model.loras, (lora_name, strength_model))),)
