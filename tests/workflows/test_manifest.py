"""The manifests say nothing that isn't so."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tests.workflows.helpers import CASES, request
from workflows import manifest
from workflows.build import DERIVED, apply, bindings, build, changes_of
from workflows.checking import samples
from workflows.errors import StudioError
from workflows.graph import find, title
from workflows.manifest import Mode, Preset
from workflows.plan import plan

MODES = [pytest.param(mode, id=mode.name) for mode in manifest.modes()]


def test_every_field_belongs_to_a_mode() -> None:
    assert set(manifest.fields()) == {field.name for mode in manifest.modes() for field in mode.fields}


def test_every_number_has_limits_a_step_and_a_default_within() -> None:
    for field in manifest.fields().values():
        if field.type in ("int", "float"):
            assert field.min is not None, field.name
            assert field.max is not None, field.name
            assert field.step, field.name
            assert isinstance(field.default, int | float), field.name
            assert field.min <= field.default <= field.max, field.name


def test_every_text_has_a_limit_and_every_field_a_default_or_a_need_for_one() -> None:
    for field in manifest.fields().values():
        assert field.title, field.name
        assert field.help.endswith("."), field.name
        assert field.max_length or field.type != "text", field.name
        assert field.required or field.default is not None or field.type == "seed", field.name
        assert field.type != "choice" or field.default in field.choices, field.name


def test_every_field_is_of_use_to_one_who_reads_about_it() -> None:
    for mode in manifest.modes():
        for field in mode.fields:
            assert field.unit or field.type not in ("int", "float") or (field.max or 0) <= 2, field.name
            assert all(choice.title for choice in field.choices.values()) or field.type == "flag", field.name
            assert not field.choices or field.type in ("choice", "flag")
            for other in field.when:
                assert set(field.when[other]) < set(mode.field(other).choices)


@pytest.mark.parametrize(("mode", "preset"), CASES)
def test_a_preset_says_what_it_does_and_what_it_costs_in_a_line_each(mode: Mode, preset: Preset) -> None:
    for line in (preset.summary, preset.cost):
        assert line.endswith(".")
        assert len(line) <= 110
        assert "HQ" not in line


def test_there_are_six_modes_of_three_presets() -> None:
    assert [mode.name for mode in manifest.modes()] == ["t2v", "i2v", "a2v", "lipsync", "keyframe", "style"]
    assert {tuple(preset.name for preset in mode.presets) for mode in manifest.modes()} == {
        ("fast", "balanced", "quality")
    }
    assert len({mode.tag for mode in manifest.modes()}) == len({mode.icon for mode in manifest.modes()}) == 6


@pytest.mark.parametrize(("mode", "preset"), CASES)
def test_defaults_of_a_preset_are_those_of_fields_it_has_and_can_be_used(mode: Mode, preset: Preset) -> None:
    assert preset.defaults.keys() <= {field.name for field in mode.fields_for(preset, {})}
    request(mode, preset, **preset.defaults)


@pytest.mark.parametrize("mode", MODES)
def test_modes_and_presets_can_be_told_apart(mode: Mode) -> None:
    assert mode.icon
    assert mode.summary.endswith(".")
    assert len({preset.title for preset in mode.presets}) == len(mode.presets)
    assert len({preset.summary for preset in mode.presets}) == len(mode.presets)


@pytest.mark.parametrize(("mode", "preset"), CASES)
def test_bindings_name_inputs_and_values_that_exist(mode: Mode, preset: Preset) -> None:
    known = DERIVED.keys() | {field.name for field in mode.fields}
    for _, asked in samples(mode, preset):
        changes = changes_of(asked)
        graph = apply(manifest.graph(mode.name), changes)
        for at, name in bindings(mode, changes).items():
            node_title, _, input_name = at.partition(".")
            assert input_name in graph[find(graph, node_title)]["inputs"], at
            assert name in known, f"{at} = {name}"


@pytest.mark.parametrize(("mode", "preset"), CASES)
def test_guidance_is_provided_exactly_where_cfg_is_above_1(mode: Mode, preset: Preset) -> None:
    guided = [
        node["inputs"]["cfg"] > 1 for node in build(request(mode, preset)).values() if node["class_type"] == "CFGGuider"
    ]
    assert guided
    assert any(guided) == ("guidance" in preset.provides)


@pytest.mark.parametrize("mode", MODES)
def test_fields_without_effect_are_not_offered(mode: Mode) -> None:
    for preset in mode.presets:
        offered = {field.name for field in mode.fields_for(preset, {})}
        assert ("negative_prompt" in offered) == (preset.name == "quality" and mode.name != "style")
        assert "camera_strength" not in offered
        if "camera" in offered:
            assert "camera_strength" in {field.name for field in mode.fields_for(preset, {"camera": "jib-up"})}
        assert ("canny_low" in offered) == (mode.name == "style")
        assert "canny_low" not in {field.name for field in mode.fields_for(preset, {"control": "pose"})}


@pytest.mark.parametrize("mode", MODES)
def test_every_node_of_a_stage_is_in_some_preset(mode: Mode) -> None:
    titles = {
        title(node) for preset in mode.presets for _, asked in samples(mode, preset) for node in build(asked).values()
    }
    assert {name for stage in mode.stages for name in stage.nodes} <= titles


@pytest.mark.parametrize(("mode", "preset"), CASES)
def test_the_plan_covers_the_work_once(mode: Mode, preset: Preset) -> None:
    graph = build(request(mode, preset))
    made = plan(mode, preset, graph)
    assert made.nodes.keys() <= graph.keys()
    assert sum(weight for _, weight in made.nodes.values()) == pytest.approx(1)
    assert all(weight > 0 for _, weight in made.nodes.values())
    assert {stage for stage, _ in made.nodes.values()} == set(range(len(made.stages)))
    in_order = [stage.title for stage in mode.stages if stage.title in made.stages]
    assert list(made.stages) == in_order
    heavy = {"SamplerCustomAdvanced", "VAEDecodeTiled", "CheckpointLoaderSimple", "SaveVideo"}
    assert {node_id for node_id, node in graph.items() if node["class_type"] in heavy} <= made.nodes.keys()


@pytest.mark.parametrize(
    ("mode_name", "preset_name", "share"),
    [("t2v", "balanced", 0.38), ("t2v", "quality", 0.76), ("lipsync", "quality", 0.78), ("style", "quality", 0.38)],
)
def test_passes_have_their_shares_of_the_computing(mode_name: str, preset_name: str, share: float) -> None:
    """Shares of the first of two passes, from steps, passes and tokens at the default sizes (FLOPs)."""
    mode = manifest.mode(mode_name)
    preset = mode.preset(preset_name)
    graph = build(request(mode, preset))
    nodes = plan(mode, preset, graph).nodes
    first, second = (nodes[find(graph, name)][1] for name in ("Stage 1", "Stage 2"))
    assert first / (first + second) == pytest.approx(share, abs=0.05)


def test_the_one_pass_of_fast_is_most_of_its_work() -> None:
    mode = manifest.mode("t2v")
    graph = build(request(mode, mode.preset("fast")))
    assert plan(mode, mode.preset("fast"), graph).nodes[find(graph, "Stage 1")][1] > 0.5


def test_the_second_pass_is_no_stage_of_fast() -> None:
    mode = manifest.mode("t2v")
    stages = {preset.name: plan(mode, preset, build(request(mode, preset))).stages for preset in mode.presets}
    assert "Second pass" in stages["balanced"]
    assert "Second pass" not in stages["fast"]
    assert "Upscaling" not in stages["fast"]


def test_manifests_are_read_once_and_graphs_are_fresh() -> None:
    assert manifest.mode("t2v") is manifest.mode("t2v")
    first = manifest.graph("t2v")
    first.clear()
    assert manifest.graph("t2v")


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(StudioError) as caught:
        manifest.mode("../t2v")
    assert caught.value.code == "unknown_mode"


def test_a_misspelt_key_is_caught_when_read() -> None:
    with pytest.raises(ValidationError, match="maximum"):
        manifest.Field(name="width", type="int", title="Width", help="Pixels.", maximum=64)  # type: ignore[call-arg]
    with pytest.raises(ValidationError):
        Preset(
            name="fast", title="Fast", summary="One pass.", cost="Little.", edits=({"op": "remove", "node": "Prompt"},)
        )  # type: ignore[arg-type]


def test_a_manifest_does_not_change() -> None:
    with pytest.raises(ValidationError):
        manifest.mode("t2v").title = "Other"
