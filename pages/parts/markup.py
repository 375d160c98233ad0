"""The pieces of HTML that Streamlit has no element for. Pure; every text from outside is escaped.

Their looks are in `style.css`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from client.engine import Engine

LIT, UNLIT = "#e0a458", "#3a434f"
"""Colors inside a picture, which no style sheet reaches: amber, and a grey."""
CODE = re.compile(r"`([^`]+)`")


def icon(name: str) -> str:
    """A Material symbol by name, from the font that Streamlit brings along."""
    return f'<span class="s-icon" aria-hidden="true">{escape(name)}</span>'


def heading(title: str, tag: str, summary: str) -> str:
    """A page's title with its mode's tag and one line on what it is for."""
    badge = f'<span class="s-tag">{escape(tag)}</span>' if tag else ""
    lede = f'<p class="s-lede">{escape(summary)}</p>' if summary else ""
    return f'<div class="s-heading"><h1>{escape(title)}</h1>{badge}</div>{lede}'


def engine(snapshot: Engine, external: bool) -> str:
    """The engine in one line: its state as a dot, its device, whether it is external or the draft engine."""
    flag = "Draft" if snapshot.draft else "External" if external else ""
    parts = [
        f'<span class="s-dot s-{snapshot.status}"></span><span class="s-device">{escape(_device(snapshot))}</span>'
    ]
    if snapshot.status == "alive":
        parts += [f'<span class="s-flag s-flag-{flag.lower()}">{flag}</span>'] if flag else []
    return f'<div class="s-engine" role="status" aria-label="Engine">{"".join(parts)}</div>'


def _device(snapshot: Engine) -> str:
    if snapshot.status == "alive":
        if snapshot.draft:
            return "Working" if snapshot.queue else "Ready"
        return f"LTX-2.3 on {snapshot.device or 'an unnamed device'}"
    return "Waiting for the engine" if snapshot.status == "starting" else "No engine"


def condition(look: str, word: str, sentence: str) -> str:
    """A state as a dot, one word and a sentence."""
    return (
        f'<div class="s-condition" role="status"><span class="s-dot s-{look}"></span>'
        f"<strong>{escape(word)}</strong><span>{escape(sentence)}</span></div>"
    )


def meter(title: str, used: float, total: float, text: str) -> str:
    """How much of something is used, as a bar with words."""
    share = min(1.0, max(0.0, used / total)) if total else 0.0
    return (
        f'<div class="s-meter"><div><span>{escape(title)}</span><b>{escape(text)}</b></div>'
        f'<div role="meter" aria-label="{escape(title)}" aria-valuemin="0" aria-valuemax="100"'
        f' aria-valuenow="{100 * share:.0f}" aria-valuetext="{escape(text)}">'
        f'<span style="width:{100 * share:.1f}%"></span></div></div>'
    )


def readiness(symbol: str, title: str, tag: str, ready: bool, text: str) -> str:
    """Whether a mode has what it needs, and what it lacks."""
    state = "Ready" if ready else "Not ready"
    rest = f"<p>{escape(text)}</p>" if text else ""
    return (
        f'<div class="s-ready{"" if ready else " s-unready"}">{icon(symbol)}<div><strong>{escape(title)}</strong>'
        f'<span class="s-tag">{escape(tag)}</span><span class="s-state">{state}</span>{rest}</div></div>'
    )


@dataclass(frozen=True)
class FileRow:
    """One model file in words; `link` is the page with its licence, "" where there is none."""

    file: str
    state: str
    title: str
    purpose: str
    size: str
    link: str = ""
    gated: bool = False
    problem: str = ""


def files(rows: Iterable[FileRow]) -> str:
    """Model files, one below the other."""
    return f'<ul class="s-files">{"".join(map(_file, rows))}</ul>'


def _file(row: FileRow) -> str:
    terms = "Accept the licence" if row.gated else "Licence"
    link = f'<a href="{escape(row.link)}" target="_blank" rel="noopener noreferrer">{terms}</a>' if row.link else ""
    link = f"<span>{link}</span>" if link else ""
    said = "".join(f"<span>{escape(part)}</span>" for part in (row.title, row.purpose, row.size) if part)
    wrong = f'<p class="s-wrong">{escape(row.problem)}</p>' if row.problem else ""
    look = "there" if row.state == "in place" else "not-there"
    return (
        f'<li><div><code>{escape(row.file)}</code><span class="s-file-state s-{look}">{escape(row.state)}</span></div>'
        f'<div class="s-line">{said}{link}</div>{wrong}</li>'
    )


@dataclass(frozen=True)
class SettingRow:
    """A setting in words; `origin` says where its value is from, "default" where nobody set it."""

    name: str
    flag: str
    value: str
    origin: str
    meaning: str


def settings(rows: Iterable[SettingRow]) -> str:
    """Settings, their values and where each is from."""
    return f'<ul class="s-settings">{"".join(map(_setting, rows))}</ul>'


def _setting(row: SettingRow) -> str:
    flag = f" <code>{escape(row.flag)}</code>" if row.flag else ""
    value = f"<code>{escape(row.value)}</code>" if row.value else "<p>not set</p>"
    look = "s-origin" if row.origin == "default" else "s-origin s-set"
    return (
        f"<li><div><code>{escape(row.name)}</code>{flag}<p>{escape(row.meaning)}</p></div>"
        f'<div>{value}</div><span class="{look}">{escape(row.origin)}</span></li>'
    )


LEVELS = {"ok": "check_circle", "warning": "warning", "problem": "error"}


def findings(rows: Iterable[tuple[str, str, str, str]]) -> str:
    """What the doctor found: name, level, text and what to do, one below the other. `x` becomes code."""
    items = (
        f'<li class="s-{escape(level)}">{icon(LEVELS.get(level, "help"))}<strong>{escape(name)}</strong>'
        f"<div><p>{_coded(text)}</p>{f'<p>{_coded(do)}</p>' if do else ''}</div></li>"
        for name, level, text, do in rows
    )
    return f'<ul class="s-findings">{"".join(items)}</ul>'


def _coded(text: str) -> str:
    return CODE.sub(r"<code>\1</code>", escape(text))


def licence(page: str) -> str:
    """That a licence has to be accepted before a file can be fetched, and where."""
    link = f'<a href="{escape(page)}" target="_blank" rel="noopener noreferrer">{escape(page)}</a>'
    return (
        f'<div class="s-notice s-warn">{icon("gavel")}<div><strong>A licence has to be accepted first.</strong>'
        f"<p>Accept it with the account that the token belongs to, then look again: {link}</p></div></div>"
    )


def notice(kind: str, title: str, text: str, symbol: str) -> str:
    """A box that says what is the matter and what to do; kind is `error`, `warn` or `quiet`. `x` becomes code."""
    role = ' role="alert"' if kind == "error" else ""
    marked = CODE.sub(r"<code>\1</code>", escape(text))
    body = f"<p>{marked}</p>" if text else ""
    return f'<div class="s-notice s-{kind}"{role}>{icon(symbol)}<div><strong>{escape(title)}</strong>{body}</div></div>'


def cropped(jpeg: bytes, about: str, size: tuple[int, int], kept: tuple[int, int, int, int]) -> str:
    """A picture in which all but the box `kept` (left, top, right, bottom of `size` in pixels) is dimmed.

    The picture is part of the page: fetched by itself it could be gone by the time the browser asks for it.
    """
    width, height = size
    left, top, right, bottom = kept
    encoded = base64.b64encode(jpeg).decode()
    place = (
        f"left:{100 * left / width:.3f}%;top:{100 * top / height:.3f}%;"
        f"width:{100 * (right - left) / width:.3f}%;height:{100 * (bottom - top) / height:.3f}%"
    )
    mark = "" if kept == (0, 0, width, height) else f'<span style="{place}"></span>'
    return (
        f'<figure class="s-crop" style="--ratio:{width / height:.4f}">'
        f'<img alt="{escape(about)}" src="data:image/jpeg;base64,{encoded}">{mark}</figure>'
    )


def waveform(peaks: Sequence[float], about: str, begin: float, end: float) -> str:
    """How loud a sound is over its length, the part between two shares of it lit. Peaks are 0 to 1."""
    count = max(1, len(peaks))
    bars = {LIT: "", UNLIT: ""}
    for number, peak in enumerate(peaks):
        height = 96 * max(peak, 0.03)
        lit = LIT if begin <= (number + 0.5) / count <= end else UNLIT
        bars[lit] += f"M{number}.2 {50 - height / 2:.1f}h.6v{height:.1f}h-.6z"
    paths = "".join(f'<path fill="{color}" d="{path}"/>' for color, path in bars.items())
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {count} 100" width="{4 * count}" height="100" '
        f'preserveAspectRatio="none">{paths}</svg>'
    )
    encoded = base64.b64encode(svg.encode()).decode()
    return f'<img class="s-wave" alt="{escape(about)}" src="data:image/svg+xml;base64,{encoded}">'


def filmstrip(jpeg: bytes, about: str, begin: float, end: float) -> str:
    """Pictures from all along a video, the part between two shares of it lit."""
    encoded = base64.b64encode(jpeg).decode()
    left, width = 100 * begin, 100 * max(0.0, end - begin)
    return (
        f'<figure class="s-strip"><img alt="{escape(about)}" src="data:image/jpeg;base64,{encoded}">'
        f'<span style="left:{left:.3f}%;width:{width:.3f}%"></span></figure>'
    )


def screen(width: int, height: int, preview: bytes | None, caption: str, working: bool) -> str:
    """The place where the video will be, in its form, with the newest preview in it."""
    picture = ""
    if preview:
        encoded = base64.b64encode(preview).decode("ascii")
        picture = f'<img alt="Preview" src="data:image/jpeg;base64,{encoded}">'
    note = f"<span>{escape(caption)}</span>" if caption else ""
    look = "s-screen s-working" if working else "s-screen"
    return f'<div class="{look}" style="--ratio:{width / height:.4f}">{picture}{note}</div>'


def progress_head(title: str, detail: str, percent: str) -> str:
    """What runs now, on the left, and how far the whole job is, on the right."""
    extra = f'<span class="s-detail">{escape(detail)}</span>' if detail else ""
    return f'<div class="s-now"><span class="s-stage">{escape(title)}</span>{extra}<b>{escape(percent)}</b></div>'


def stages(titles: Sequence[str], current: str) -> str:
    """The stages in order: those behind ticked, the current one lit."""
    place = titles.index(current) if current in titles else -1
    looks = ("s-done", "s-current", "s-ahead")
    items = (
        f'<li class="{looks[1 if n == place else 0 if n < place else 2]}"'
        f"{' aria-current=step' if n == place else ''}>{escape(title)}</li>"
        for n, title in enumerate(titles)
    )
    return f'<ol class="s-stages">{"".join(items)}</ol>'


def line(parts: Iterable[str], look: str = "s-line") -> str:
    """Short facts side by side, separated by dots, broken only between them."""
    return f'<div class="{look}">{"".join(f"<span>{escape(part)}</span>" for part in parts if part)}</div>'


def spec(size: str, length: Iterable[str], cost: Iterable[str] = ()) -> str:
    """What will really be made and what it takes, beside the button that makes it."""
    return f'<div class="s-spec"><b>{escape(size)}</b>{line(length)}</div>{line(cost, "s-line s-cost")}'


def draft_badge() -> str:
    """What a draft beside the real thing is marked with."""
    return '<div class="s-badge"><span class="s-flag s-flag-draft">Draft</span><span>A quick sketch</span></div>'


def real_badge() -> str:
    """What the real thing beside a draft is marked with."""
    return '<div class="s-badge"><span class="s-flag">LTX-2.3</span></div>'


def quote(text: str) -> str:
    """A prompt as it was written."""
    return f'<p class="s-quote">{escape(text)}</p>'


def enhanced(text: str) -> str:
    """A prompt as the text encoder rewrote it."""
    return f'<div class="s-enhanced"><span>Enhanced prompt</span>{quote(text)}</div>'


def happenings(rows: Iterable[tuple[str, str]]) -> str:
    """Moments and what happened then."""
    items = "".join(f"<li><span>{escape(when)}</span>{escape(what)}</li>" for when, what in rows)
    return f'<ul class="s-happenings">{items}</ul>'


def facts(pairs: Iterable[tuple[str, str]], code: str = "") -> str:
    """Names and values in two columns; the value of the name `code` is one for machines."""
    rows = "".join(
        f"<div><dt>{escape(name)}</dt><dd{' class=s-code' if name == code else ''}>{escape(value)}</dd></div>"
        for name, value in pairs
    )
    return f'<dl class="s-facts">{rows}</dl>'


def table(headings: Sequence[str], rows: Iterable[Sequence[str | tuple[str, str]]]) -> str:
    """A plain table; a cell of two texts has the second, smaller, under the first."""
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings)
    body = "".join(f"<tr>{''.join(f'<td>{_cell(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="s-table"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(cell: str | tuple[str, str]) -> str:
    return escape(cell) if isinstance(cell, str) else f"{escape(cell[0])}<small>{escape(cell[1])}</small>"


def figures(pairs: Iterable[tuple[str, str]]) -> str:
    """A few numbers side by side: what each is, and its value."""
    items = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in pairs)
    return f'<dl class="s-figures">{items}</dl>'


def section(title: str, count: int | None = None) -> str:
    """The heading of a part of a page."""
    number = f"<span>{count}</span>" if count is not None else ""
    return f'<h2 class="s-section">{escape(title)}{number}</h2>'


def tile(tag: str, parts: Iterable[str], draft: bool = False) -> str:
    """What stands under a poster: the mode's tag, whether it is a draft, and short facts."""
    rest = "".join(f"<span>{escape(part)}</span>" for part in parts)
    mark = '<span class="s-flag s-flag-draft">Draft</span>' if draft else ""
    return f'<div class="s-under"><span class="s-tag">{escape(tag)}</span>{mark}{rest}</div>'


def task(tag: str, text: str) -> str:
    """A job's mode and prompt on one line, cut where the line ends."""
    return f'<div class="s-task"><span class="s-tag">{escape(tag)}</span><span>{escape(text)}</span></div>'


def empty(symbol: str, title: str, text: str) -> str:
    """A place where nothing is yet, and what will be."""
    return f'<div class="s-empty">{icon(symbol)}<strong>{escape(title)}</strong><p>{escape(text)}</p></div>'


def entry(symbol: str, tag: str, state: str = "") -> str:
    """The head of a card that leads to a mode; `state` says whether the engine can run it."""
    said = f'<span class="s-state">{escape(state)}</span>' if state else ""
    return f'<div class="s-entry">{icon(symbol)}{said}<span class="s-tag">{escape(tag)}</span></div>'


def download(address: str, name: str, label: str, look: str = "primary") -> str:
    """A link that saves a file under that name, made to look like a button of that kind."""
    link = f'<a class="s-download s-{escape(look)}" href="{escape(address)}" download="{escape(name)}">'
    return f"{link}{icon('download')}<span>{escape(label)}</span></a>"


def sync(frame: float) -> str:
    """The controls of two videos that play together; `frame` is the seconds of one frame."""

    def button(name: str, symbol: str, label: str, value: float) -> str:
        said = f'aria-label="{escape(label)}" title="{escape(label)}"'
        return f'<button type="button" name="{name}" value="{value:.6f}" {said}>{icon(symbol)}</button>'

    slider = '<input type="range" min="0" max="1000" step="1" value="0" aria-label="Position in both">'
    return (
        f'<div class="s-sync">{button("play", "play_arrow", "Play both", 0)}'
        f"{button('step', 'chevron_left', 'One frame back', -frame)}"
        f"{button('step', 'chevron_right', 'One frame on', frame)}{slider}<output>0.00 / 0.00 s</output></div>"
    )


def versus(letters: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]]) -> str:
    """What differs, a row each: its name, then what it is on either side."""
    head = "".join(f'<th scope="col">{escape(letter)}</th>' for letter in letters)
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>{"".join(f"<td>{escape(value)}</td>" for value in values)}</tr>'
        for name, values in rows
    )
    return f'<table class="s-versus"><thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table>'
