"""Makes the studio's placeholders beside this file: `python assets/placeholders/make.py`.

`python -m workflows import --placeholders` uploads them where a graph's loaders name files that a server lacks.
"""

from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw

HERE = Path(__file__).parent
WIDTH, HEIGHT, FPS, SECONDS, RATE = 256, 160, 8, 1, 8000
TEXT = "LTX-2.3 Studio\nplaceholder"


def picture() -> Image.Image:
    """A grey card that says what it is."""
    image = Image.new("RGB", (WIDTH, HEIGHT), (58, 62, 70))
    draw = ImageDraw.Draw(image)
    draw.rectangle((6, 6, WIDTH - 7, HEIGHT - 7), outline=(140, 146, 158), width=2)
    draw.multiline_text((WIDTH / 2, HEIGHT / 2), TEXT, fill=(230, 232, 236), anchor="mm", align="center")
    return image


def tone() -> np.ndarray:
    """A quiet tone that swells and fades; 16-bit samples, shape (1, samples)."""
    time = np.arange(RATE * SECONDS) / RATE
    wave = 0.1 * np.sin(2 * np.pi * 220 * time) * np.sin(np.pi * time / SECONDS)
    return (wave * 32767).astype(np.int16)[None]


def write(name: str, with_picture: bool) -> None:
    """Write the tone, and the card before it where there is to be a picture."""
    with av.open(str(HERE / name), "w", options={"fflags": "+bitexact"}) as container:
        video = container.add_stream("libx264", rate=FPS) if with_picture else None
        audio = container.add_stream("aac" if with_picture else "pcm_s16le", rate=RATE, layout="mono")
        if video is not None:
            video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            for _ in range(FPS * SECONDS):
                container.mux(video.encode(av.VideoFrame.from_image(picture())))
            container.mux(video.encode(None))
        frame = av.AudioFrame.from_ndarray(tone(), format="s16", layout="mono")
        frame.sample_rate = RATE
        frame.pts = 0
        container.mux(audio.encode(frame))
        container.mux(audio.encode(None))


if __name__ == "__main__":
    picture().save(HERE / "placeholder.png", optimize=True)
    write("placeholder.wav", with_picture=False)
    write("placeholder.mp4", with_picture=True)
