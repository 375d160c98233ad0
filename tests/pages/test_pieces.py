"""The pure pieces of the pages: words, sizes, cropping, markup."""

from __future__ import annotations

import itertools
import re
from datetime import UTC
from pathlib import Path

import pytest

from client.engine import Engine
from client.estimate.model import Estimate
from pages.parts import crop, forecast, frame, markup, sizes, words
from workflows import manifest
from workflows.grid import shape

NOON = 1_790_000_000.0
SCRIPT = "<script>alert(1)</script>"


@pytest.mark.parametrize(
    ("seconds", "clock", "span"),
    [
        (0, "0:00", "0 s"),
        (59.4, "0:59", "59 s"),
        (59.6, "0:59", "1 min"),
        (80, "1:20", "1 min 20 s"),
        (3600, "1:00:00", "1 h"),
        (3725, "1:02:05", "1 h 2 min"),
    ],
)
def test_times_are_written_one_way(seconds: float, clock: str, span: str) -> None:
    assert (words.clock(seconds), words.span(seconds)) == (clock, span)


@pytest.mark.parametrize(
    ("ago", "said"),
    [(-5, "just now"), (59, "just now"), (61, "1 min ago"), (7200, "2 h ago"), (86400 * 2, "19 Sep")],
)
def test_moments_are_said_as_people_say_them(ago: float, said: str) -> None:
    assert words.when(NOON - ago, NOON, UTC) == said


def test_a_video_is_described_by_what_is_true_of_it() -> None:
    made = shape(1280, 704, 5.0, 23.976)
    assert words.size(made.width, made.height) == "1280×704"
    assert words.length(made) == ["121 frames", "5.05 s at 23.976 fps"]


def test_text_for_file_names_and_labels() -> None:
    assert words.slug("A *red* kite: über <dunes>/..", 12) == "a-red-kite-b"
    assert words.literal("*a* :smile: [x](y) $1$") == r"\*a\* \:smile\: \[x\]\(y\) \$1\$"
    assert words.clip("one\n two  three", 9) == "one two…"


EVERY_SIZE = [
    (mode, preset, sizes.Place(aspect, resolution))
    for mode in manifest.modes()
    for preset in mode.presets
    for aspect, resolution in itertools.product(sizes.ASPECTS, preset.resolutions)
]


@pytest.mark.parametrize(
    ("mode", "preset", "place"),
    EVERY_SIZE,
    ids=[f"{mode.name}-{preset.name}-{place.aspect}-{place.resolution}" for mode, preset, place in EVERY_SIZE],
)
def test_a_place_is_a_size_of_its_own_that_the_preset_can_make(
    mode: manifest.Mode, preset: manifest.Preset, place: sizes.Place
) -> None:
    width, height = sizes.size_of(place, mode, preset)
    own = sizes.own_size(mode, preset)
    share = preset.resolutions[place.resolution].share
    assert width % preset.size_step == height % preset.size_step == 0
    assert width * height <= (preset.max_pixels or width * height)
    assert max(width, height) <= sizes.LONGEST
    assert width / height == pytest.approx(sizes.ASPECTS[place.aspect], rel=0.08)
    assert width * height == pytest.approx(own[0] * own[1] * share, rel=0.25)
    assert sizes.place_of(width, height, mode, preset) == place


def test_every_preset_has_its_own_size_among_its_resolutions() -> None:
    for mode in manifest.modes():
        for preset in mode.presets:
            assert preset.resolutions[sizes.STANDARD].share == 1, (mode.name, preset.name)
            shares = [resolution.share for resolution in preset.resolutions.values()]
            assert shares == sorted(set(shares)), (mode.name, preset.name)


def test_the_presets_own_size_is_the_aspect_nearest_to_it() -> None:
    mode = manifest.mode("t2v")
    assert sizes.size_of(sizes.Place("16:9", "standard"), mode, mode.preset("balanced")) == (1280, 704)
    assert sizes.size_of(sizes.Place("9:16", "standard"), mode, mode.preset("fast")) == (384, 640)
    assert sizes.size_of(sizes.Place("16:9", "large"), mode, mode.preset("balanced")) == (1920, 1088)
    assert sizes.place_of(1600, 960, mode, mode.preset("balanced")) is None


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (4.2, 6.8, "4–7 s"),
        (0.1, 0.4, "1 s"),
        (38, 61, "40–60 s"),
        (52, 98, "50–100 s"),
        (80, 130, "1.5–2 min"),
        (610, 1500, "10–25 min"),
        (4000, 7000, "1–2 h"),
    ],
)
def test_a_length_of_time_that_is_not_exactly_known_is_rounded(low: float, high: float, said: str) -> None:
    assert words.between(low, high) == said


def test_what_a_request_takes_is_said_as_far_as_it_is_known() -> None:
    made = shape(1280, 704, 5.0, 24)
    assert forecast.facts(made, None) == ["14,080 tokens"]
    known = Estimate(50, 41, 58, 44.6, 31.26, 14100, (), 3, "", loading_seconds=44.6)
    assert forecast.facts(made, known) == [
        "about 40–60 s",
        "first run +45 s to load the models",
        "31 GB of GPU memory",
        "14,100 tokens",
    ]
    warm = Estimate(50, 41, 58, 44.6, None, 14100, (), 3, "")
    assert [fact for fact in forecast.facts(made, warm) if fact] == ["about 40–60 s", "14,100 tokens"]


@pytest.mark.parametrize(
    ("source", "target", "box", "said"),
    [
        ((1600, 1200), (1280, 704), (0, 160, 1600, 1040), "27 % cropped at top and bottom"),
        ((3000, 1000), (960, 960), (1000, 0, 2000, 1000), "67 % cropped at left and right"),
        ((640, 384), (1280, 768), (0, 0, 640, 384), "used whole"),
        ((7, 5), (1280, 704), (0, 0, 7, 4), "20 % cropped at top and bottom"),
    ],
)
def test_what_is_cropped_is_said_and_centered(
    source: tuple[int, int], target: tuple[int, int], box: tuple[int, ...], said: str
) -> None:
    assert crop.box(*source, *target) == box
    assert crop.words(*source, *target) == said


def test_nothing_from_outside_becomes_markup() -> None:
    engine = Engine(url="http://x", status="alive", version=SCRIPT, device=SCRIPT)
    pieces = [
        markup.heading(SCRIPT, SCRIPT, SCRIPT),
        markup.engine(engine, external=True),
        markup.notice("error", SCRIPT, SCRIPT, "error"),
        markup.condition("alive", SCRIPT, SCRIPT),
        markup.meter(SCRIPT, 1, 2, SCRIPT),
        markup.readiness(SCRIPT, SCRIPT, SCRIPT, False, SCRIPT),
        markup.files([markup.FileRow(SCRIPT, SCRIPT, SCRIPT, SCRIPT, SCRIPT, SCRIPT, False, SCRIPT)]),
        markup.licence(SCRIPT),
        markup.happenings([(SCRIPT, SCRIPT)]),
        markup.settings([markup.SettingRow(SCRIPT, SCRIPT, SCRIPT, SCRIPT, SCRIPT)]),
        markup.findings([(SCRIPT, "ok", SCRIPT, SCRIPT)]),
        markup.screen(16, 9, None, SCRIPT, working=True),
        markup.progress_head(SCRIPT, SCRIPT, SCRIPT),
        markup.stages([SCRIPT], SCRIPT),
        markup.line([SCRIPT]),
        markup.spec(SCRIPT, [SCRIPT]),
        markup.quote(SCRIPT),
        markup.enhanced(SCRIPT),
        markup.facts([(SCRIPT, SCRIPT)]),
        markup.section(SCRIPT),
        markup.tile(SCRIPT, [SCRIPT]),
        markup.task(SCRIPT, SCRIPT),
        markup.empty(SCRIPT, SCRIPT, SCRIPT),
        markup.entry(SCRIPT, SCRIPT, SCRIPT),
    ]
    for piece in pieces:
        assert "<script" not in piece
        assert "&lt;script&gt;" in piece


def test_stages_behind_are_ticked_and_the_current_one_is_lit() -> None:
    html = markup.stages(["Load", "First", "Last"], "First")
    assert '<li class="s-done">Load</li>' in html
    assert '<li class="s-current" aria-current=step>First</li>' in html
    assert '<li class="s-ahead">Last</li>' in html


@pytest.mark.parametrize(
    ("engine", "external", "words_shown"),
    [
        (Engine("u", "alive", device="NVIDIA H200"), False, ["LTX-2.3 on NVIDIA H200"]),
        (Engine("u", "alive", device="NVIDIA H200", queue=3), True, ["External", "LTX-2.3 on"]),
        (Engine("u", "alive", draft=True, device="CPU"), False, ["Ready", "Draft"]),
        (Engine("u", "starting"), False, ["Waiting for the engine"]),
        (Engine("u", "gone", device="NVIDIA H200"), False, ["No engine"]),
    ],
)
def test_the_engines_line_says_what_it_is(engine: Engine, external: bool, words_shown: list[str]) -> None:
    html = markup.engine(engine, external)
    assert all(word in html for word in words_shown)


def test_every_mode_has_its_page() -> None:
    for mode in manifest.modes():
        page = Path(frame.ROOT) / frame.page_of(mode)
        assert f'mode_page("{mode.name}")' in page.read_text(encoding="utf-8")


def test_what_is_kept_of_a_picture_is_a_box_over_it() -> None:
    half = markup.cropped(b"jpeg", 'a "b" <c>', (200, 100), (50, 0, 150, 100))
    assert 'style="left:25.000%;top:0.000%;width:50.000%;height:100.000%"' in half
    assert "--ratio:2.0000" in half
    assert "a &quot;b&quot; &lt;c&gt;" in half
    assert "data:image/jpeg;base64,anBlZw==" in half
    assert "<span" not in markup.cropped(b"jpeg", "", (200, 100), (0, 0, 200, 100))


def test_the_style_sheet_closes_what_it_opens() -> None:
    depth = 0
    for line in frame.STYLE.read_text(encoding="utf-8").splitlines():
        assert depth == 0 or not re.match(r"/\* [A-Z]", line), line
        depth += line.count("{") - line.count("}")
        assert depth >= 0, line
    assert depth == 0
