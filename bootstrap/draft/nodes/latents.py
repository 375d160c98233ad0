"""Empty latents, joining and splitting them, pinning pictures, upscaling."""

from __future__ import annotations

from dataclasses import replace

from bootstrap.draft.nodes.registry import Context, node
from bootstrap.draft.nodes.resizing import fit
from bootstrap.draft.nodes.values import AudioLatent, AudioVae, AVLatent, Latent, UpscaleModel, VideoLatent, VideoVae
from bootstrap.draft.render.media import First, Frames
from bootstrap.draft.render.take import Anchor

PIXELS_PER_LATENT = 32
FRAMES_PER_LATENT = 8


def video_of(latent: Latent, node_name: str) -> VideoLatent:
    """`latent` where it is a plain video latent; ValueError where it is not."""
    if isinstance(latent, VideoLatent):
        return latent
    raise ValueError(f"{node_name} takes a video latent; split picture and sound with LTXVSeparateAVLatent first.")


def whole_frames(length: int) -> int:
    """The frames that survive the VAE: the largest 8k+1 ≤ length."""
    return (length - 1) // FRAMES_PER_LATENT * FRAMES_PER_LATENT + 1


def own_frames(latent: VideoLatent) -> int:
    """The frames of the clip itself, without those of guides."""
    return latent.frames - FRAMES_PER_LATENT * sum(guide.latents for guide in latent.guides)


@node("EmptyLTXVLatentVideo")
def empty_video(context: Context, width: int, height: int, length: int, batch_size: int = 1) -> tuple[VideoLatent]:
    """An unsampled clip; width and height are floored to 32 pixels, the length to 8k+1 frames."""
    return (
        VideoLatent(
            width // PIXELS_PER_LATENT * PIXELS_PER_LATENT,
            height // PIXELS_PER_LATENT * PIXELS_PER_LATENT,
            whole_frames(length),
            batch_size,
        ),
    )


@node("LTXVEmptyLatentAudio")
def empty_audio(
    context: Context, frames_number: int, frame_rate: int, batch_size: int, audio_vae: AudioVae
) -> tuple[AudioLatent]:
    """Unsampled sound as long as `frames_number` pictures at `frame_rate`."""
    if not isinstance(audio_vae, AudioVae):
        raise ValueError("LTXVEmptyLatentAudio needs an audio VAE; load it with LTXVAudioVAELoader.")
    return (AudioLatent(frames_number / frame_rate, batch_size),)


@node("LTXVConcatAVLatent")
def join(context: Context, video_latent: Latent, audio_latent: Latent) -> tuple[AVLatent]:
    """Picture and sound, to be sampled together."""
    if not isinstance(audio_latent, AudioLatent):
        raise ValueError("LTXVConcatAVLatent needs an audio latent in audio_latent.")
    return (AVLatent(video_of(video_latent, "LTXVConcatAVLatent"), audio_latent),)


@node("LTXVSeparateAVLatent")
def split(context: Context, av_latent: Latent) -> tuple[VideoLatent, AudioLatent]:
    """Picture and sound, apart."""
    if not isinstance(av_latent, AVLatent):
        raise ValueError("LTXVSeparateAVLatent needs a latent made by LTXVConcatAVLatent.")
    return av_latent.video, av_latent.audio


@node("LTXVLatentUpsampler")
def upsample(context: Context, samples: Latent, upscale_model: UpscaleModel, vae: VideoVae) -> tuple[VideoLatent]:
    """Twice the size. Pins are lost, as the real node loses its noise mask: pin again before the next sampling."""
    video = video_of(samples, "LTXVLatentUpsampler")
    return (replace(video, width=video.width * 2, height=video.height * 2, pins=()),)


@node("LTXVImgToVideoInplace")
def pin_first_frames(
    context: Context, vae: VideoVae, image: Frames, latent: Latent, strength: float, bypass: bool = False
) -> tuple[Latent]:
    """Write `image` over the start of the clip and hold it there by `strength` while sampling.

    It is resized to the latent's pixel size, bilinear, cropped at the centre. Of several pictures, as many as make up
    whole latents are taken.
    """
    if bypass:
        return (latent,)
    video = video_of(latent, "LTXVImgToVideoInplace")
    fitted = fit(image, video.width, video.height, "bilinear", "center")
    shown = First(fitted, whole_frames(min(fitted.count, video.frames)))
    pin = Anchor(shown, 0, strength, strength)
    return (replace(video, pins=(pin, *(other for other in video.pins if other.at != 0))),)
