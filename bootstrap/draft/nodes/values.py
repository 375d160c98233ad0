"""What flows on the links between LTX nodes.

A latent here is not numbers but a description: its size in pixels after decoding, what is pinned in it, and what a
sampler made of it. Sizes and lengths obey the arithmetic of the real VAE (32×32 pixels and 8 frames to a latent).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bootstrap.draft.render.sounds import Recording
from bootstrap.draft.render.take import Anchor, Guide, SoundTake, Take


@dataclass(frozen=True)
class Model:
    """A diffusion model with LoRAs applied in order, as (file name, strength)."""

    checkpoint: str
    loras: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class TextEncoder:
    """A text encoder."""

    name: str


@dataclass(frozen=True)
class VideoVae:
    """The VAE for pictures."""

    checkpoint: str


@dataclass(frozen=True)
class AudioVae:
    """The VAE for sound."""

    checkpoint: str


@dataclass(frozen=True)
class UpscaleModel:
    """A latent upscaler."""

    name: str


@dataclass(frozen=True)
class Conditioning:
    """An encoded prompt, and the frame rate it is meant for (LTX assumes 25 when nothing says otherwise).

    `guides` says where in the clip the guide frames at the end of a latent belong.
    """

    text: str
    frame_rate: float = 25.0
    guides: tuple[Guide, ...] = ()


@dataclass(frozen=True)
class ReferenceParameters:
    """What an IC-LoRA asks of its guide: how many times smaller than the clip it is."""

    downscale: int


@dataclass(frozen=True)
class Noise:
    """A noise source."""

    seed: int


@dataclass(frozen=True)
class Sampler:
    """A sampling method."""

    name: str


@dataclass(frozen=True)
class Sigmas:
    """A noise schedule: n+1 values for n steps."""

    values: tuple[float, ...]


@dataclass(frozen=True)
class Guider:
    """A model with what guides it."""

    model: Model
    positive: Conditioning
    negative: Conditioning
    cfg: float


@dataclass(frozen=True, eq=False)
class VideoLatent:
    """`batch` clips of `frames` pictures, `width`×`height` pixels once decoded.

    `pins` are the pictures that sampling must keep (the noise mask); `take` is None until a sampler has run. The last
    frames are those of `guides`, eight for each of their latents, until LTXVCropGuides takes them away.
    """

    width: int
    height: int
    frames: int
    batch: int = 1
    pins: tuple[Anchor, ...] = field(default=())
    guides: tuple[Guide, ...] = field(default=())
    take: Take | None = None


@dataclass(frozen=True)
class AudioLatent:
    """`batch` sounds of `seconds`; `take` is None until a sampler has run.

    `given` is the sound that was encoded, `mask` how far sampling may change it along its length (empty: wholly).
    """

    seconds: float
    batch: int = 1
    take: SoundTake | None = None
    given: Recording | None = None
    mask: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class AVLatent:
    """Picture and sound sampled together."""

    video: VideoLatent
    audio: AudioLatent


Latent = VideoLatent | AudioLatent | AVLatent
