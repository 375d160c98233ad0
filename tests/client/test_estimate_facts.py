"""What an estimate reads from the graphs that are sent, against the numbers published for the model."""

import math

import pytest

from client.estimate import facts, prior
from client.estimate.device import device
from client.estimate.learning import Learnt
from client.estimate.predict import History, estimate
from client.estimate.shapes import Flows
from workflows import graph as edit
from workflows import manifest
from workflows.build import build
from workflows.checking import sample, samples
from workflows.request import parse
from workflows.values import Media

H100 = device(draft=False, name="NVIDIA H100 80GB HBM3", type_="cuda", vram_gb=85, ram_gb=128)
EVERYTHING = [
    pytest.param(mode, preset, request, id=f"{mode.name}-{preset.name}-{chosen or 'defaults'}")
    for mode in manifest.modes()
    for preset in mode.presets
    for chosen, request in samples(mode, preset)
    if not chosen.startswith("camera=") or chosen == "camera=static"
]


def asked(mode, preset="balanced", **values):
    found = manifest.mode(mode)
    return sample(found, found.preset(preset), **values)


def read(mode, preset="balanced", **values):
    request = asked(mode, preset, **values)
    return facts.read(build(request), request.shape)


def work(found, name):
    (one,) = (one for one in found.works if one.title == name)
    return one


def sampling(found):
    """PFLOP of all samplers."""
    return sum(one.tflop for one in found.works if one.kind == "sample") / 1000


@pytest.mark.parametrize(
    ("preset", "width", "height", "frames", "petaflop"),
    [
        ("balanced", 768, 512, 121, 0.98),
        ("balanced", 1280, 704, 121, 2.48),
        ("balanced", 1536, 1024, 121, 5.0),
        ("balanced", 1920, 1088, 241, 19.5),
        ("fast", 768, 512, 121, 1.59),
    ],
)
def test_the_work_of_a_video_is_what_was_counted_for_the_model(preset, width, height, frames, petaflop):
    found = read("t2v", preset, width=width, height=height, seconds=frames / 24)
    assert sampling(found) == pytest.approx(petaflop, rel=0.05)


@pytest.mark.parametrize(
    ("preset", "width", "height", "petaflop"),
    [("balanced", 1280, 704, 5.75), ("fast", 768, 512, 2.05), ("balanced", 1536, 1024, 12.5)],
)
def test_a_control_guide_adds_a_quarter_of_the_tokens(preset, width, height, petaflop):
    found = read("style", preset, width=width, height=height, seconds=121 / 24)
    assert found.tokens == 1.25 * (width // 32) * (height // 32) * 16
    assert sampling(found) == pytest.approx(petaflop, rel=0.05)


def test_guidance_doubles_the_passes():
    plain, guided = (work(read("t2v", preset), "Stage 1") for preset in ("balanced", "quality"))
    assert (plain.steps, plain.passes) == (8, 1)
    assert (guided.steps, guided.passes) == (25, 2)
    assert guided.tflop == pytest.approx(plain.tflop * 2 * 25 / 8)


def test_a_keyframe_adds_the_tokens_of_one_latent_frame():
    stages = [work(read("keyframe", seconds=5.0), name) for name in ("Stage 1", "Stage 2")]
    plain = [work(read("i2v", seconds=5.0), name) for name in ("Stage 1", "Stage 2")]
    assert [stage.tokens - other.tokens for stage, other in zip(stages, plain, strict=True)] == [2 * 220, 2 * 880]


def test_a_guide_is_gone_where_it_was_cropped():
    assert work(read("style", "quality", width=1536, height=896), "Stage 2").tokens == 48 * 28 * 16


@pytest.mark.parametrize(("control", "kind"), [("canny", "edges"), ("depth", "depth"), ("pose", "pose")])
def test_a_preprocessor_looks_at_every_frame(control, kind):
    short, long = (read("style", control=control, seconds=seconds) for seconds in (2.0, 4.0))
    amounts = [sum(one.megapixels for one in found.works if one.kind == kind) for found in (short, long)]
    assert amounts[1] / amounts[0] == pytest.approx(97 / 49)


def test_an_enhanced_prompt_is_written_token_by_token():
    assert work(read("t2v", enhance=True), "Enhance prompt").written == 512
    assert not any(one.kind == "enhance" for one in read("t2v").works)


def test_sound_has_25_latents_a_second():
    request = asked("a2v", audio=Media("a", seconds=9.0), seconds=4.0)
    graph = build(request)
    for name in ("Encode audio", "Stage 1", "Stage 2 latents"):
        latent = Flows(graph, request.shape).of(edit.find(graph, name))
        assert latent.audio == 102
    assert Flows(graph, request.shape).of(edit.find(graph, "Stage 1 split")).audio == 0


def test_tiles_that_overlap_are_decoded_twice_at_their_seams():
    whole, tiled = (work(read("t2v", decode_tile=tile), "Decode video").tflop for tile in ("1024", "256"))
    assert 1.3 < tiled / whole < 2.2


@pytest.mark.parametrize(("mode", "preset", "request_"), EVERYTHING)
def test_every_graph_can_be_estimated_and_its_stages_are_all_of_it(mode, preset, request_):
    graph = build(request_)
    found = facts.read(graph, request_.shape)
    made = estimate(found, H100, History(Learnt(spread=H100.spread)), mode)
    assert [one.node for one in found.works] == list(graph)
    assert made.tokens > 0
    assert {node for stage in made.stages for node, _ in stage.nodes} == set(graph)
    assert sum(stage.seconds for stage in made.stages) == pytest.approx(made.seconds)
    for stage in made.stages:
        assert sum(seconds for _, seconds in stage.nodes) == pytest.approx(stage.seconds)
        assert 0 <= stage.step_seconds <= stage.seconds
    assert 0 < made.low < made.seconds < made.high
    assert [stage.title for stage in made.stages] == [
        stage.title for stage in mode.stages if stage.title in {kept.title for kept in made.stages}
    ]


def test_what_an_own_graph_computes_is_taken_from_what_is_to_be_made():
    request = asked("t2v", width=640, height=384, seconds=2.0)
    graph = build(request)
    computed = {"class_type": "ComfyMathExpression", "inputs": {"expression": "a/2", "values.a": 1280}}
    graph = {**graph, "90": computed}
    graph = edit.link_input(graph, "Video latent.length", "ComfyMathExpression", 1)
    graph = edit.link_input(graph, "Video latent.width", "ComfyMathExpression", 1)
    assert work(facts.read(graph, request.shape), "Stage 1").tokens == 20 * 6 * 7
    assert work(facts.read(graph, None), "Stage 1").tokens == 0


def test_nodes_that_nobody_knows_pass_on_what_they_get():
    graph = build(asked("t2v"))
    latents = edit.find(graph, "Stage 1 latents")
    strange = {"class_type": "SomebodysNode", "inputs": {"a": 1, "latent": [latents, 0]}}
    graph = edit.link_input({**graph, "90": strange}, "Stage 1.latent_image", "SomebodysNode")
    assert work(facts.read(graph), "Stage 1").tokens == 3520


def test_a_cycle_in_an_own_graph_ends():
    graph = build(asked("t2v"))
    graph = edit.link_input(graph, "Stage 1 latents.video_latent", "Stage 1 split")
    assert work(facts.read(graph), "Stage 1").tokens == 0


@pytest.mark.parametrize("number", [math.nan, math.inf, -64, 1e30, 10**400], ids=lambda number: str(number)[:4])
def test_numbers_that_make_no_sense_in_an_own_graph_are_no_reason_to_fail(number):
    graph = build(asked("t2v"))
    for node in graph.values():
        node["inputs"] |= {name: number for name, value in node["inputs"].items() if isinstance(value, int | float)}
    seconds = estimate(facts.read(graph), H100, History(), manifest.mode("t2v")).seconds
    assert 0 < seconds < math.inf


def test_the_files_of_a_graph_are_loaded_once_each():
    found = read("t2v")
    assert {load.file: len(load.nodes) for load in found.loads}["ltx-2.3-22b-dev-fp8.safetensors"] == 3
    assert sum(load.gb for load in found.loads) == pytest.approx(29.1 + 9.45 + 2.74 + 1.0, abs=0.1)
    assert prior.cold_seconds(found.loads, H100) > 10


def test_reading_a_graph_changes_nothing_in_it():
    request = parse("t2v", {"prompt": "x"}, draw_seed=lambda: 1)
    graph = build(request)
    facts.read(graph, request.shape)
    assert graph == build(request)
