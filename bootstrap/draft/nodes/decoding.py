"""Latents become pictures and sound."""

from __future__ import annotations

from bootstrap.draft.nodes.latents import own_frames, video_of
from bootstrap.draft.nodes.registry import Context, node
from bootstrap.draft.nodes.values import AudioLatent, AudioVae, Latent, VideoVae
from bootstrap.draft.render.ambience import ambience, silence
from bootstrap.draft.render.clip import clip_frames, guide_frames
from bootstrap.draft.render.media import Chain, Frames, Sound
from bootstrap.draft.render.sounds import mixed
from bootstrap.draft.render.take import variant


@node("VAEDecode")
def decode(context: Context, samples: Latent, vae: VideoVae) -> tuple[Frames]:
    """The frames of a video latent, 8k+1 of them, drawn when somebody asks for one."""
    return (_decoded(samples, vae, "VAEDecode"),)


@node("VAEDecodeTiled")
def decode_tiled(
    context: Context,
    samples: Latent,
    vae: VideoVae,
    tile_size: int,
    overlap: int,
    temporal_size: int = 64,
    temporal_overlap: int = 8,
) -> tuple[Frames]:
    """The same; frames are drawn one by one, so there is nothing to tile."""
    return (_decoded(samples, vae, "VAEDecodeTiled"),)


@node("LTXVAudioVAEDecode")
def decode_audio(context: Context, samples: Latent, audio_vae: AudioVae) -> tuple[Sound]:
    """48 kHz stereo as long as the latent says."""
    if not isinstance(audio_vae, AudioVae):
        raise ValueError("LTXVAudioVAEDecode needs an audio VAE; load it with LTXVAudioVAELoader.")
    if not isinstance(samples, AudioLatent):
        raise ValueError("LTXVAudioVAEDecode takes an audio latent; split picture and sound first.")
    made = silence(samples.seconds) if samples.take is None else ambience(samples.take, samples.seconds)
    return (made if samples.given is None else mixed(made, samples.given),)


def _decoded(samples: Latent, vae: VideoVae, node_name: str) -> Frames:
    if not isinstance(vae, VideoVae):
        raise ValueError(f"{node_name} needs a video VAE, such as the third output of CheckpointLoaderSimple.")
    latent = video_of(samples, node_name)
    size, count = (latent.width, latent.height), own_frames(latent)
    clips: list[Frames] = []
    for index in range(latent.batch):
        take = latent.take and variant(latent.take, index)
        clips += [clip_frames(take, latent.pins, *size, count), *guide_frames(latent.guides, *size)]
    return clips[0] if len(clips) == 1 else Chain(tuple(clips))
