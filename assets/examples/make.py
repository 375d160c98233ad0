"""Makes the media of the modes' examples beside this file, and their posters: `python -m assets.examples.make`.

Scenes are painted by the draft engine's painters, faces by `portraits`, sounds by `sounds`.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageChops, ImageFilter, ImageOps

from assets.examples import portraits, sounds
from bootstrap.draft.render.brief import read
from bootstrap.draft.render.layers import Moment
from bootstrap.draft.render.scene import paint
from bootstrap.draft.render.take import Recipe, Take

HERE = Path(__file__).parent
POSTERS = HERE.parents[1] / "static" / "examples"
WIDE, TALL, SMALL = (1280, 704), (704, 1280), (640, 352)
POSTER = 420
FPS, SECONDS = 24, 3.5
QUALITY = 84


def scene(prompt: str, seed: int, size: tuple[int, int], t: float = 0.3, seconds: float = 5.0) -> Image.Image:
    """A scene at `t` (0 to 1) of a clip of so many seconds."""
    key = seed.to_bytes(8, "big")
    recipe = Recipe(prompt, "", FPS, seed, 1.0, "euler", (1.0, 0.0), "", ())
    return paint(read(Take(recipe, key, key)), *size).frame(Moment(round(t * seconds * FPS), t, t * seconds))


def ink(picture: Image.Image) -> Image.Image:
    """A picture as a drawing in ink on paper: lines, and hatching where it is dark."""
    grey = ImageOps.autocontrast(picture.convert("L").filter(ImageFilter.GaussianBlur(1.2)), cutoff=1)
    tone = np.asarray(grey, np.float64) / 255
    edges = np.asarray(grey.filter(ImageFilter.FIND_EDGES).filter(ImageFilter.GaussianBlur(0.8)), np.float64) / 255
    down, across = np.indices(tone.shape)
    wobble = 1.2 * np.sin(across / 61) + 1.2 * np.sin(down / 53)
    strokes = np.ones_like(tone)
    for limit, slope, spacing in ((0.5, 1, 10), (0.34, -1, 10), (0.2, 0.35, 7)):
        line = np.abs(((down + slope * across + wobble) % spacing) - spacing / 2) < 1.15
        strokes[line & (tone < limit)] = 0.12
    drawn = np.clip(strokes - 3.2 * np.clip(edges - 0.03, 0, 1), 0, 1)
    soft = Image.fromarray((drawn * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.7))
    grain = np.random.default_rng(3).normal(0, 5, tone.shape)
    paper = np.stack([np.full(tone.shape, value) + grain for value in (240, 230, 208)], axis=2)
    dark = np.array([34, 30, 44])
    share = np.asarray(soft, np.float64)[..., None] / 255
    return Image.fromarray(np.clip(paper * share + dark * (1 - share), 0, 255).astype(np.uint8))


def poster(picture: Image.Image) -> Image.Image:
    """A picture as a screen print in six colors."""
    flat = picture.filter(ImageFilter.ModeFilter(9)).filter(ImageFilter.GaussianBlur(1.5))
    level = np.asarray(ImageOps.autocontrast(flat.convert("L"), cutoff=1), np.float64) / 255
    inks = np.array([[24, 26, 52], [86, 34, 82], [190, 56, 72], [238, 120, 66], [250, 190, 96], [254, 238, 196]])
    step = np.clip((level * len(inks)).astype(int), 0, len(inks) - 1)
    printed = Image.fromarray(inks[step].astype(np.uint8)).filter(ImageFilter.ModeFilter(5))
    grain = np.random.default_rng(4).normal(250, 5, (*level.shape, 1)).clip(0, 255).astype(np.uint8)
    return ImageChops.multiply(printed, Image.fromarray(np.repeat(grain, 3, 2)))


def save(name: str, picture: Image.Image, folder: Path = HERE) -> None:
    """Keep a picture."""
    picture.convert("RGB").save(folder / name, quality=QUALITY, optimize=True, progressive=True)


def save_poster(name: str, picture: Image.Image) -> None:
    """Keep a small picture of what comes of an example, 16:9."""
    small = ImageOps.fit(picture.convert("RGB"), (POSTER, round(POSTER * 9 / 16)), Image.Resampling.LANCZOS)
    save(name, small, POSTERS)


def save_sound(name: str, samples: sounds.Samples) -> None:
    """Keep a sound as MP3, mono."""
    with av.open(str(HERE / name), "w", options={"fflags": "+bitexact"}) as container:
        encode_sound(container, container.add_stream("libmp3lame", rate=sounds.RATE, layout="mono"), samples)


def encode_sound(container: av.container.OutputContainer, stream: av.AudioStream, samples: sounds.Samples) -> None:
    """Write all of a sound into a stream."""
    stream.bit_rate = 64_000
    frame = av.AudioFrame.from_ndarray(samples[None].astype(np.float32), format="fltp", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = sounds.RATE, 0, Fraction(1, sounds.RATE)
    container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def save_clip(name: str, prompt: str, seed: int, samples: sounds.Samples) -> None:
    """Keep a scene in motion, H.264 with AAC."""
    options = {"crf": "25", "preset": "slow"}
    with av.open(str(HERE / name), "w", options={"movflags": "faststart", "fflags": "+bitexact"}) as container:
        video = container.add_stream("libx264", rate=FPS, options=options)
        audio = container.add_stream("aac", rate=sounds.RATE, layout="mono")
        video.width, video.height, video.pix_fmt = *SMALL, "yuv420p"
        count = round(SECONDS * FPS)
        for number in range(count):
            picture = scene(prompt, seed, SMALL, number / count, SECONDS)
            container.mux(video.encode(av.VideoFrame.from_image(picture)))
        container.mux(video.encode(None))
        encode_sound(container, audio, samples)


def main() -> None:
    """Make everything."""
    lighthouse = scene("A lighthouse on a rocky coast at dusk, sea", 7, WIDE)
    save_poster("lighthouse.poster.jpg", lighthouse)
    save_poster("whale.poster.jpg", scene("A whale underwater, bubbles", 20, WIDE))

    save("sailboat.jpg", scene("A sailboat on a lake at dawn, mountains, fog", 8, WIDE))
    save_poster("sailboat.poster.jpg", Image.open(HERE / "sailboat.jpg"))
    save("palms.jpg", scene("A woman walking on a beach at sunset", 16, TALL))
    save_poster("palms.poster.jpg", Image.open(HERE / "palms.jpg").crop((0, 560, 704, 1120)))

    save_sound("thunder.mp3", sounds.thunder(7.0, (0.6, 3.9)))
    save_poster("thunder.poster.jpg", scene("A rainy street at night, neon", 19, WIDE))
    save_sound("drums.mp3", sounds.drums())
    save_poster("drums.poster.jpg", scene("A hot air balloon over hills at sunrise", 13, WIDE))

    save("woman.jpg", portraits.portrait(portraits.WOMAN))
    save_poster("woman.poster.jpg", Image.open(HERE / "woman.jpg").crop((0, 70, 896, 640)))
    words = "g-u-d m-o-r-n-i-n , d-uh s-i i-s k-a-m t-u-d-e , w-i k-ae-n s-e-l"
    save_sound("woman.mp3", sounds.said(words, sounds.Voice(205, 1.16), 1))
    save("sailor.jpg", portraits.portrait(portraits.SAILOR))
    save_poster("sailor.poster.jpg", Image.open(HERE / "sailor.jpg").crop((0, 30, 896, 600)))
    song = "la:A2:1 la:C3:1 la:D3:1 la:E3:2 lu:D3:1 la:C3:1 la:D3:1 la:A2:2"
    save_sound("sailor.mp3", sounds.sung(song, sounds.Voice(118, 0.98), 2))

    for name, light in (("castle-day.jpg", "day"), ("castle-night.jpg", "night")):
        save(name, scene(f"A castle on hills at {light}", 14, WIDE))
    save_poster("castle.poster.jpg", halves("castle-day.jpg", "castle-night.jpg"))
    for name, light in (("oak-spring.jpg", "spring"), ("oak-autumn.jpg", "autumn")):
        save(name, scene(f"An oak tree in a field in {light}", 17, WIDE))
    save_poster("oak.poster.jpg", halves("oak-spring.jpg", "oak-autumn.jpg"))

    train, seed = "A train through fields, hills, golden hour", 9
    save_clip("train.mp4", train, seed, 0.5 * sounds.drums()[: round(SECONDS * sounds.RATE)])
    save("train-ink.jpg", ink(scene(train, seed, WIDE, 0, SECONDS)))
    save_poster("train.poster.jpg", Image.open(HERE / "train-ink.jpg"))
    walk, seed = "A woman walking on a beach at sunset", 16
    save_clip("walk.mp4", walk, seed, sounds.thunder(SECONDS, ()))
    save("walk-print.jpg", poster(scene(walk, seed, WIDE, 0, SECONDS)))
    save_poster("walk.poster.jpg", Image.open(HERE / "walk-print.jpg"))


def halves(left: str, right: str) -> Image.Image:
    """Two pictures side by side, half of each."""
    first, second = Image.open(HERE / left), Image.open(HERE / right)
    first.paste(second.crop((second.width // 2, 0, *second.size)), (second.width // 2, 0))
    return first


if __name__ == "__main__":
    main()
