"""Guides: pictures that a clip keeps to, added at the end of its latent and taken away after sampling."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from bootstrap.draft.nodes.latents import FRAMES_PER_LATENT, PIXELS_PER_LATENT, video_of, whole_frames
from bootstrap.draft.nodes.registry import Context, node
from bootstrap.draft.nodes.resizing import fit
from bootstrap.draft.nodes.values import (
    AVLatent,
    Conditioning,
    Latent,
    Model,
    ReferenceParameters,
    VideoLatent,
    VideoVae,
)
from bootstrap.draft.render.media import First, Frames, Mask
from bootstrap.draft.render.take import Guide
from workflows.loras import is_ic_lora

REFERENCE_SCALE = re.compile(r"ref(0\.\d+|1(?:\.0+)?)", re.IGNORECASE)
"""How Lightricks writes the scale of an IC-LoRA's guide into the file name: "ref0.5" is half the size of the clip."""


@node("GetICLoRAParameters")
def get_parameters(context: Context, iclora_model: Model) -> tuple[ReferenceParameters]:
    """What the last IC-LoRA on the model asks of its guide, which here only its file name can say."""
    names = [name for name, _ in iclora_model.loras if is_ic_lora(name)]
    found = REFERENCE_SCALE.search(names[-1]) if names else None
    return (ReferenceParameters(max(1, round(1 / float(found[1]))) if found and float(found[1]) else 1),)


@node("LTXVAddGuide")
def add_guide(
    context: Context,
    positive: Conditioning,
    negative: Conditioning,
    vae: VideoVae,
    latent: Latent,
    image: Frames,
    frame_idx: int,
    strength: float,
    attention_mask: Mask | None = None,
    iclora_parameters: ReferenceParameters | None = None,
) -> tuple[Conditioning, Conditioning, VideoLatent]:
    """Add `image`, cut to whole latents, as a guide from frame `frame_idx` on; negative ones count from the end.

    Raises ValueError for a nested latent and for a size that the IC-LoRA's scale does not divide, AssertionError for a
    guide that is longer than what is left of the clip.
    """
    if isinstance(latent, AVLatent):
        raise ValueError("Adding guide to a combined AV latent is not supported: add it before LTXVConcatAVLatent.")
    video = video_of(latent, "LTXVAddGuide")
    scale = iclora_parameters.downscale if iclora_parameters else 1
    across, down = video.width // PIXELS_PER_LATENT, video.height // PIXELS_PER_LATENT
    if across % scale or down % scale:
        raise ValueError(
            f"The latent has {across}x{down} cells, which the IC-LoRA's reference_downscale_factor {scale} must divide."
        )
    length = (video.frames - 1) // FRAMES_PER_LATENT + 1
    own = length - guide_latents(positive, video)
    place = _place(frame_idx, own, image.count)
    if -(-place.at // FRAMES_PER_LATENT) + place.latents > length:
        raise AssertionError("Conditioning frames exceed the length of the latent: the guide is longer than the clip.")
    fitted = fit(First(image, place.frames), video.width // scale, video.height // scale, "bilinear", "center")
    heeded = strength * _heeded(attention_mask)
    guide = Guide(fitted, place.at, heeded, place.latents, video.width * video.height, iclora_parameters is not None)
    return (
        replace(positive, guides=(*positive.guides, guide)),
        replace(negative, guides=(*negative.guides, guide)),
        replace(video, frames=video.frames + FRAMES_PER_LATENT * place.latents, guides=(*video.guides, guide)),
    )


@node("LTXVCropGuides")
def crop_guides(
    context: Context, positive: Conditioning, negative: Conditioning, latent: Latent
) -> tuple[Conditioning, Conditioning, VideoLatent]:
    """Take the guides that `positive` knows of off the end of the latent; all three come back without guides."""
    video = video_of(latent, "LTXVCropGuides")
    dropped = guide_latents(positive, video)
    if not dropped:
        return positive, negative, video
    frames = video.frames - FRAMES_PER_LATENT * dropped
    if frames < 1:
        raise ValueError("LTXVCropGuides has more guides to take away than the latent has frames.")
    kept, left = list(video.guides), dropped
    while kept and left > 0:
        left -= kept.pop().latents
    return replace(positive, guides=()), replace(negative, guides=()), replace(video, frames=frames, guides=tuple(kept))


def guide_latents(conditioning: Conditioning, video: VideoLatent) -> int:
    """How many latents of `video` the conditioning takes for guides.

    The real conditioning only knows how many positions its guides take up, so that those of another size count as
    fewer or more.
    """
    area = video.width * video.height
    return sum(guide.latents * guide.area for guide in conditioning.guides) // area


@dataclass(frozen=True)
class _Place:
    """Where a guide goes, how many of its frames are taken, and the latents they make."""

    at: int
    frames: int
    latents: int


def _place(frame_idx: int, own: int, count: int) -> _Place:
    """`own` is the clip's length in latents, `count` the guide's in frames.

    Latents after the first hold eight frames each, so several frames in the middle start one after a multiple of 8
    and fill whole latents from there.
    """
    at = frame_idx if frame_idx >= 0 else max((own - 1) * FRAMES_PER_LATENT + 1 + frame_idx, 0)
    frames = whole_frames(count)
    if at == 0 or frames == 1:
        return _Place(at, frames, (frames - 1) // FRAMES_PER_LATENT + 1)
    latents = count // FRAMES_PER_LATENT
    return _Place((at - 1) // FRAMES_PER_LATENT * FRAMES_PER_LATENT + 1, latents * FRAMES_PER_LATENT, latents)


def _heeded(mask: Mask | None) -> float:
    """How much of the picture an attention mask lets a guide have, on average."""
    return 1.0 if mask is None else float(mask.mean())
