"""Noise, guider, sampler, sigmas, and the sampling itself."""

from __future__ import annotations

import re
from dataclasses import replace

from bootstrap.draft.nodes.latents import own_frames
from bootstrap.draft.nodes.registry import Context, node
from bootstrap.draft.nodes.values import (
    AudioLatent,
    AVLatent,
    Conditioning,
    Guider,
    Latent,
    Model,
    Noise,
    Sampler,
    Sigmas,
    VideoLatent,
)
from bootstrap.draft.render.preview import Sketch
from bootstrap.draft.render.take import Guide, Recipe, denoised, record, shoot


@node("RandomNoise")
def random_noise(context: Context, noise_seed: int) -> tuple[Noise]:
    """Noise from a seed."""
    return (Noise(noise_seed),)


@node("CFGGuider")
def cfg_guider(
    context: Context, model: Model, positive: Conditioning, negative: Conditioning, cfg: float
) -> tuple[Guider]:
    """A model guided by two prompts."""
    return (Guider(model, positive, negative, cfg),)


@node("KSamplerSelect")
def select_sampler(context: Context, sampler_name: str) -> tuple[Sampler]:
    """A sampling method by name."""
    return (Sampler(sampler_name),)


@node("ManualSigmas")
def manual_sigmas(context: Context, sigmas: str) -> tuple[Sigmas]:
    """The numbers in a text, in order; whatever is not a number is left out."""
    return (Sigmas(tuple(float(number) for number in re.findall(r"[-+]?\d*\.?\d+", sigmas))),)


@node("SamplerCustomAdvanced")
def sample(
    context: Context, noise: Noise, guider: Guider, sampler: Sampler, sigmas: Sigmas, latent_image: Latent
) -> tuple[Latent, Latent]:
    """Sample: (result, the same without the noise that the last sigma leaves).

    One step per pair of sigmas. Each sketches a frame of the clip, sharper than the one before; fewer than two sigmas
    leave the latent as it is.
    """
    steps = len(sigmas.values) - 1
    if steps < 1:
        return latent_image, latent_image
    recipe = Recipe(
        prompt=guider.positive.text,
        negative=guider.negative.text if guider.cfg != 1 else "",
        frame_rate=guider.positive.frame_rate,
        seed=noise.seed,
        cfg=guider.cfg,
        sampler=sampler.name,
        sigmas=sigmas.values,
        checkpoint=guider.model.checkpoint,
        loras=guider.model.loras,
    )
    sampled = _sampled(latent_image, recipe, guider.positive.guides)
    sketch = _sketch(sampled)
    for step, sigma in enumerate(sigmas.values[1:], start=1):
        context.progress(step, steps, sketch.jpeg(step / steps, sigma) if sketch else None)
    return sampled, _denoised(sampled)


def _sampled(latent: Latent, recipe: Recipe, placed: tuple[Guide, ...]) -> Latent:
    if isinstance(latent, AVLatent):
        audio = _sampled_audio(latent.audio, recipe)
        return AVLatent(_listening(_sampled_video(latent.video, recipe, placed), audio), audio)
    if isinstance(latent, AudioLatent):
        return _sampled_audio(latent, recipe)
    return _sampled_video(latent, recipe, placed)


def _sampled_video(latent: VideoLatent, recipe: Recipe, placed: tuple[Guide, ...]) -> VideoLatent:
    """Guides count where the latent holds them and the conditioning says where they belong."""
    guides = tuple(guide for guide in latent.guides if guide in placed)
    return replace(latent, take=shoot(recipe, latent.take, latent.pins, guides))


def _sampled_audio(latent: AudioLatent, recipe: Recipe) -> AudioLatent:
    """The sound made anew as far as its mask lets it: at 0 all along it stays what it was."""
    mask = latent.mask or (1.0,)
    if not any(mask):
        return latent
    given = latent.given and latent.given.sampled(mask, recipe.start)
    return replace(latent, take=record(recipe, latent.take), given=given)


def _listening(latent: VideoLatent, audio: AudioLatent) -> VideoLatent:
    """The clip in time with what is left of a given sound."""
    if audio.given is None or latent.take is None:
        return latent
    return replace(latent, take=replace(latent.take, heard=audio.given.levels))


def _denoised(latent: Latent) -> Latent:
    if isinstance(latent, AVLatent):
        return replace(latent, video=replace(latent.video, take=latent.video.take and denoised(latent.video.take)))
    if isinstance(latent, VideoLatent):
        return replace(latent, take=latent.take and denoised(latent.take))
    return latent


def _sketch(latent: Latent) -> Sketch | None:
    video = latent.video if isinstance(latent, AVLatent) else latent
    if isinstance(video, AudioLatent) or video.take is None:
        return None
    return Sketch(video.take, video.width, video.height, own_frames(video))
