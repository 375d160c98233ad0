"""How numbers, times and texts are written, everywhere the same."""

from __future__ import annotations

import re
from datetime import datetime, tzinfo

from client.order import Traffic
from workflows.grid import Shape
from workflows.values import Media

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
SENTENCE_END = re.compile(r"(?<=\.)\s+(?=[A-Z])")
MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|:$~<>&])")


def clock(seconds: float) -> str:
    """A running time as on a player: 0:07, 12:30, 1:02:03."""
    whole = int(seconds)
    hours, minutes = whole // HOUR, whole % HOUR // MINUTE
    return f"{hours}:{minutes:02}:{whole % MINUTE:02}" if hours else f"{minutes}:{whole % MINUTE:02}"


def span(seconds: float) -> str:
    """A length of time in words: 7 s, 1 min 20 s, 1 h 5 min."""
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return _two(whole // MINUTE, "min", whole % MINUTE, "s")
    return _two(whole // HOUR, "h", whole % HOUR // MINUTE, "min")


def brief(seconds: float) -> str:
    """A length of time that may be short: 0.6 s, 7 s, 1 min 20 s."""
    return f"{seconds:.1f} s" if seconds < 9.95 else span(seconds)


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large} {large_unit} {small} {small_unit}" if small else f"{large} {large_unit}"


def between(low: float, high: float) -> str:
    """A length of time that is not exactly known: 40–60 s, 4–6 min, 1.5–2 h."""
    unit, size = ("s", 1) if high < 100 else ("min", MINUTE) if high < 90 * MINUTE else ("h", HOUR)
    ends = [_rounded(seconds / size, 1 if size == 1 else 0.5) for seconds in (low, high)]
    return f"{ends[1]} {unit}" if ends[0] == ends[1] else f"{ends[0]}–{ends[1]} {unit}"


def _rounded(value: float, least: float) -> str:
    """To what is worth saying of an estimate: fives above 20, wholes above 3, `least` below."""
    step = 5 if value >= 20 else 1 if value >= 3 else least
    return f"{max(step, step * round(value / step)):g}"


def number(value: float) -> str:
    """A number without trailing zeros: 24, 23.976."""
    return f"{value:.3f}".rstrip("0").rstrip(".")


def size(width: int, height: int) -> str:
    """Pixels across and down: 1280×704."""
    return f"{width}×{height}"


def length(shape: Shape) -> list[str]:
    """How long a video is: 121 frames, 5.04 s at 24 fps."""
    return [f"{shape.frames} frames", f"{number(round(shape.seconds, 2))} s at {number(shape.fps)} fps"]


def seconds(value: float) -> str:
    """A length of sound or video: 4.2 s, 0.35 s."""
    return f"{number(round(value, 1 if value >= 1 else 2))} s"


def lora(name: str) -> str:
    """A LoRA file as it is listed, without what all of them end with."""
    return name.removesuffix(".safetensors")


def variations(count: int) -> str:
    """How many of a video: 1 variation, 4 variations."""
    return "1 variation" if count == 1 else f"{count} variations"


def videos(count: int) -> str:
    """How many videos: 1 video, 1,204 videos."""
    return "1 video" if count == 1 else f"{count:,} videos"


def media(file: Media) -> str:
    """A file that was uploaded: portrait.png (768×768), speech.wav (4.2 s)."""
    facts = [
        size(file.width, file.height) if file.width else "",
        seconds(file.seconds) if file.seconds else "",
        f"{number(file.fps)} fps" if file.fps else "",
    ]
    said = ", ".join(fact for fact in facts if fact)
    return f"{file.source or file.name} ({said})" if said else file.source or file.name


def megabytes(size_in_bytes: float) -> str:
    """A file's size: 0.4 MB, 12 MB, 3.1 GB."""
    value = size_in_bytes / 1_000_000
    if value >= 1000:
        return f"{value / 1000:.1f} GB" if value < 10_000 else f"{value / 1000:,.0f} GB"
    return f"{max(value, 0.1):.1f} MB" if value < 10 else f"{value:.0f} MB"


def gigabytes(size_in_bytes: float) -> str:
    """Memory or disk: 12 MB, 0.4 GB, 79.2 GB, 512 GB."""
    value = size_in_bytes / 1e9
    if value < 0.05:
        return megabytes(size_in_bytes) if size_in_bytes else "0 GB"
    return f"{value:.1f} GB" if value < 100 else f"{value:.0f} GB"


def queue(traffic: Traffic) -> str:
    """What runs and waits in the queue: 1 running, 2 waiting."""
    counts = {"running": traffic.all_running, "waiting": traffic.all_waiting}
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count) or "Queue empty"


def when(then: float, now: float, zone: tzinfo | None = None) -> str:
    """A moment as people say it: just now, 5 min ago, 3 h ago, then the date."""
    ago = max(0.0, now - then)
    if ago < MINUTE:
        return "just now"
    if ago < HOUR:
        return f"{int(ago // MINUTE)} min ago"
    if ago < DAY:
        return f"{int(ago // HOUR)} h ago"
    date = datetime.fromtimestamp(then, zone)
    same_year = date.year == datetime.fromtimestamp(now, zone).year
    return f"{date.day} {date:%b}" if same_year else f"{date.day} {date:%b %Y}"


def moment(then: float, zone: tzinfo | None = None) -> str:
    """A moment exactly: 3 Oct 2026, 14:05."""
    date = datetime.fromtimestamp(then, zone)
    return f"{date.day} {date:%b %Y, %H:%M}"


def clip(text: str, length: int) -> str:
    """One line of at most `length` characters."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1].rstrip()}…"


def sentence(text: str) -> str:
    """The first sentence of a text."""
    return SENTENCE_END.split(text, maxsplit=1)[0]


def slug(text: str, length: int) -> str:
    """Text for a file name: lower case, words joined by hyphens, at most `length` characters."""
    return "-".join(re.findall(r"[a-z0-9]+", text.lower()))[:length].strip("-")


def literal(text: str) -> str:
    """Text for a label that takes Markdown, shown as it stands."""
    return MARKDOWN.sub(r"\\\1", text)
