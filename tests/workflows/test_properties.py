"""Whatever is asked: a valid request gives a graph that fits the engine, anything else one coded error and no graph."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflows import grid, manifest, schema
from workflows.build import Capabilities, build, changes_of, outputs
from workflows.errors import REGISTRY, StudioError
from workflows.manifest import MEDIA_TYPES, Field, Mode
from workflows.request import Request, parse, variations
from workflows.values import MAX_SEED, Media

EXAMPLES = settings(max_examples=60, derandomize=True, deadline=None, database=None)
MODES = [pytest.param(mode, id=mode.name) for mode in manifest.modes()]
WORDS = st.text(st.characters(codec="utf-8"), max_size=40)
NAMES = st.from_regex(r"[a-z0-9]{1,8}(/[a-z0-9]{1,8})?\.safetensors", fullmatch=True)
MEDIA = st.builds(
    Media,
    name=st.from_regex(r"[a-z0-9]{1,8}\.[a-z0-9]{3}", fullmatch=True),
    seconds=st.one_of(st.just(0.0), st.floats(0.04, 4000)),
    fps=st.one_of(st.just(0.0), st.floats(1, 120)),
    sound=st.booleans(),
)


def usable(field: Field) -> st.SearchStrategy[Any]:
    """Values that the field takes by itself, as a form or a command line gives them."""
    if field.type in MEDIA_TYPES:
        return MEDIA
    if field.type == "text":
        return WORDS.map(lambda text: f"a {text}" if field.required else text)
    if field.type == "choice":
        return st.sampled_from(sorted(field.choices))
    if field.type == "flag":
        return st.sampled_from([True, False, "on", "off"])
    if field.type == "seed":
        return st.integers(0, MAX_SEED)
    low, high = field.min or 0.0, field.max or 0.0
    if field.type == "loras":
        rows = st.lists(st.tuples(NAMES, st.floats(low, high)), max_size=field.max_rows)
        return rows.map(lambda pairs: ", ".join(f"{name}:{strength}" for name, strength in pairs))
    return st.integers(int(low), int(high)) if field.type == "int" else st.floats(low, high)


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=60),
    st.binary(max_size=8),
    st.lists(st.one_of(st.text(max_size=5), st.floats(), st.none(), st.dictionaries(st.text(max_size=5), st.floats()))),
    st.dictionaries(st.text(max_size=5), st.integers()),
    MEDIA,
)


@st.composite
def requests(draw: st.DrawFn, mode: Mode, odd: bool = False) -> dict[str, Any]:
    """Values for a request of the mode: some of its fields, what is required always; `odd` puts junk into some."""
    values: dict[str, Any] = {"preset": draw(st.sampled_from([preset.name for preset in mode.presets]))}
    for field in mode.fields:
        if odd and draw(st.integers(0, 3)) == 0:
            values[field.name] = draw(JUNK)
        elif field.required or draw(st.booleans()):
            values[field.name] = draw(usable(field))
    return values


def parsed(mode: Mode, values: dict[str, Any]) -> Request | StudioError:
    """The request, or why there is none."""
    try:
        return parse(mode.name, values)
    except StudioError as error:
        return error


def check(mode: Mode, values: dict[str, Any], capabilities: Capabilities) -> None:
    """Parse the values; what is a request must give a graph that the engine takes, what is none a coded error."""
    request = parsed(mode, values)
    if isinstance(request, StudioError):
        assert request.code in REGISTRY
        assert request.message.endswith(".")
        assert "\n" not in request.message
        return
    preset, shape = mode.preset(request.preset), request.shape
    assert shape.width % preset.size_step == shape.height % preset.size_step == 0
    assert preset.max_pixels is None or shape.width * shape.height <= preset.max_pixels
    assert shape.frames % 8 == 1
    assert grid.MIN_FRAMES <= shape.frames <= grid.MAX_FRAMES
    graph = build(request, capabilities)
    json.loads(json.dumps(graph, allow_nan=False))
    count = len(outputs(mode, changes_of(request)))
    assert list(schema.problems(graph, schema.recorded(), outputs=count)) == []
    assert build(request, capabilities) == graph


@pytest.mark.parametrize("mode", MODES)
def test_a_valid_request_gives_a_graph_that_fits(mode: Mode) -> None:
    @EXAMPLES
    @given(requests(mode), st.floats(0, 200))
    def holds(values: dict[str, Any], memory: float) -> None:
        check(mode, values, Capabilities(memory=memory))

    holds()


@pytest.mark.parametrize("mode", MODES)
def test_an_odd_request_gives_a_coded_error_or_a_graph_that_fits(mode: Mode) -> None:
    @EXAMPLES
    @given(requests(mode, odd=True))
    def holds(values: dict[str, Any]) -> None:
        check(mode, values, Capabilities())

    holds()


@pytest.mark.parametrize("mode", MODES)
def test_most_valid_requests_are_taken(mode: Mode) -> None:
    """That the two tests above are not about errors alone."""
    taken = []

    @EXAMPLES
    @given(requests(mode))
    def count(values: dict[str, Any]) -> None:
        request = parsed(mode, values)
        taken.append(request.preset if isinstance(request, Request) else "")

    count()
    assert {preset.name for preset in mode.presets} <= set(taken)


@EXAMPLES
@given(st.integers(0, MAX_SEED), st.integers(1, 8))
def test_variations_have_the_seeds_that_follow_each_other(seed: int, count: int) -> None:
    made = variations(parse("t2v", {"prompt": "x", "seed": seed}), count)
    assert [request.values["seed"] for request in made] == [(seed + number) % 2**64 for number in range(count)]
    assert len({json.dumps(build(request)) for request in made}) == count


# The grid

SECONDS = st.floats(0.01, 60)
RATES = st.floats(1, 120)


@settings(EXAMPLES, max_examples=300)
@given(SECONDS, RATES)
def test_frames_are_8k_plus_1_and_as_near_as_can_be(seconds: float, fps: float) -> None:
    frames = grid.frame_count(seconds, fps)
    assert frames % 8 == 1
    assert frames == grid.MIN_FRAMES or abs(frames - 1 - seconds * fps) <= 4 + 1e-6


@settings(EXAMPLES, max_examples=300)
@given(SECONDS, SECONDS, RATES)
def test_a_video_is_never_longer_than_its_source(seconds: float, source: float, fps: float) -> None:
    shape = grid.shape(1280, 704, seconds, fps, source=source)
    assert shape.frames % 8 == 1
    assert shape.frames <= max(grid.MIN_FRAMES, round(source * fps))
    assert shape.frames <= grid.frame_count(seconds, fps)


@settings(EXAMPLES, max_examples=300)
@given(st.floats(1, 5000), st.sampled_from([64, 128]))
def test_a_size_is_the_nearest_multiple_of_its_step(pixels: float, step: int) -> None:
    made = grid.snap(pixels, step)
    assert made % step == 0
    assert made == step or abs(made - pixels) <= step / 2
