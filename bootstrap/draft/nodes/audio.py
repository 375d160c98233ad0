"""Sound from files, cut, and encoded for a sampler."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bootstrap.draft.nodes import files
from bootstrap.draft.nodes.registry import Context, node
from bootstrap.draft.nodes.values import AudioLatent, AudioVae
from bootstrap.draft.render.ambience import RATE
from bootstrap.draft.render.media import Sound
from bootstrap.draft.render.sounds import Recording, cut, levels, read_sound, stereo

SAMPLES_PER_BLOCK = 4096
ENCODED_RATE = 44100
"""The audio VAE takes whole blocks at this rate and leaves out what is over at both ends."""


@node("EmptyAudio")
def empty_audio(context: Context, duration: float, sample_rate: int, channels: int) -> tuple[Sound]:
    """`duration` seconds of silence."""
    return (Sound(np.zeros((channels, round(duration * sample_rate)), np.float32), sample_rate),)


def _check_audio(folders: Mapping[str, Path], inputs: Mapping[str, Any]) -> tuple[str, str] | None:
    audio = inputs["audio"]
    return None if files.is_file(folders, audio) else ("audio", f"Invalid audio file: {audio}")


def _audio_fingerprint(folders: Mapping[str, Path], inputs: Mapping[str, Any]) -> str:
    return files.fingerprint(files.resolve(folders, inputs["audio"]))


@node("LoadAudio", check=_check_audio, fingerprint=_audio_fingerprint)
def load_audio(context: Context, audio: str) -> tuple[Sound]:
    """The first sound track of an audio or video file, at its own rate.

    Raises ValueError for a file without sound, or one that can't be read to its end.
    """
    sound = read_sound(context.path(audio), audio)
    if sound is None:
        raise ValueError(f"{audio} has no sound.")
    return (sound,)


@node("TrimAudioDuration")
def trim_audio(context: Context, audio: Sound | None, start_index: float, duration: float) -> tuple[Sound | None]:
    """The `duration` seconds from `start_index` (negative: from the end), or as much of them as there is.

    Raises ValueError where nothing is left.
    """
    if audio is None or not audio.samples.shape[1]:
        return (audio,)
    length = audio.samples.shape[1]
    start = round(start_index * audio.rate) + (length if start_index < 0 else 0)
    start = min(max(0, start), length)
    end = min(start + round(duration * audio.rate), length)
    if start >= end:
        raise ValueError(
            f"TrimAudioDuration: there is no sound at {start_index:g} s for {duration:g} s; "
            f"the audio is {audio.seconds:.2f} s long."
        )
    return (cut(audio, start, end),)


@node("LTXVAudioVAEEncode")
def encode_audio(context: Context, audio: Sound | None, audio_vae: AudioVae) -> tuple[AudioLatent]:
    """The sound as a latent: its first two channels, in whole blocks of 4096 samples at 44.1 kHz.

    Raises ValueError where there is no sound, or less than one block of it.
    """
    if not isinstance(audio_vae, AudioVae):
        raise ValueError("LTXVAudioVAEEncode needs an audio VAE; load it with LTXVAudioVAELoader.")
    if audio is None:
        raise ValueError("LTXVAudioVAEEncode got no sound; the source video may have no sound track.")
    sound = stereo(audio, RATE)
    length = round(audio.samples.shape[1] * ENCODED_RATE / audio.rate)
    over = length % SAMPLES_PER_BLOCK
    if length == over:
        raise ValueError(f"LTXVAudioVAEEncode needs at least 0.1 s of sound; this is {audio.seconds:.2f} s.")
    start = round(over // 2 * RATE / ENCODED_RATE)
    encoded = cut(sound, start, start + round((length - over) * RATE / ENCODED_RATE))
    return (AudioLatent(encoded.seconds, given=Recording(encoded, levels(sound))),)
