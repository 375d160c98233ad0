"""The same work on other devices: how long, with how much memory, and what would fit."""

from dataclasses import replace

import pytest

from client.engine import Engine, describe
from client.estimate import facts, prior, smaller
from client.estimate.device import device
from client.estimate.estimator import Estimator
from client.estimate.model import budget_seconds
from client.machine import machine, single
from client.store import Store
from tests.support import captures
from workflows import manifest
from workflows.build import Capabilities, build
from workflows.checking import sample
from workflows.request import parse


def card(name, vram_gb, **others):
    return device(draft=False, name=name, type_="cuda", vram_gb=vram_gb, ram_gb=64, **others)


H100, RTX_4090 = card("NVIDIA H100 80GB HBM3", 85), card("NVIDIA GeForce RTX 4090", 25.5)
RTX_4060 = card("NVIDIA GeForce RTX 4060", 8.6)


def asked(mode="t2v", preset="balanced", **values):
    found = manifest.mode(mode)
    return sample(found, found.preset(preset), **values)


def seconds(on, request):
    graph = build(request, Capabilities(memory=(on.vram_gb or 0) / 1.074))
    return sum(prior.seconds(facts.read(graph, request.shape), on).values())


@pytest.fixture
def estimator_on(tmp_path):
    store = Store(tmp_path / "studio.db")

    def on(name, vram_gb, type_="cuda", **others):
        engine = Engine("u", "alive", device=name, machine=single(name, type_, vram_gb, 64.0), **others)
        return Estimator(store, lambda: engine, tmp_path)

    yield on
    store.close()


def test_faster_cards_are_expected_to_be_faster():
    times = [seconds(on, asked()) for on in (H100, RTX_4090, RTX_4060)]
    assert times == sorted(times)
    assert times[2] > 4 * times[0]


def test_more_of_anything_takes_longer():
    small = seconds(RTX_4090, asked())
    assert seconds(RTX_4090, asked(width=1536, height=896)) > small
    assert seconds(RTX_4090, asked(seconds=8.0)) > small
    assert seconds(RTX_4090, asked(preset="quality")) > small
    assert seconds(RTX_4090, asked(preset="fast", width=640, height=384)) < small
    assert seconds(RTX_4090, asked(enhance=True)) > small + 5


def test_an_unknown_card_is_judged_by_its_memory_until_it_is_measured():
    small, large = card("Card of tomorrow", 12), card("Card of tomorrow", 48)
    assert (small.basis, large.basis) == ("guess", "guess")
    assert large.tflops > 2 * small.tflops
    measured = card("Card of tomorrow", 48, measured_tflops=400.0)
    assert (measured.basis, measured.key) == ("measured", large.key)
    assert measured.spread < large.spread
    assert measured.tflops == pytest.approx(260)


def test_a_slice_of_a_known_card_is_not_that_card():
    assert card("NVIDIA A100-SXM4-80GB MIG 3g.40gb", 40).basis == "guess"
    assert card("NVIDIA A100-SXM4-80GB", 85).basis == "table"


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("NVIDIA GeForce RTX 4070 Ti", "NVIDIA GeForce RTX 4070"),
        ("NVIDIA L40S", "NVIDIA L4"),
        ("NVIDIA H200", "NVIDIA H20"),
        ("NVIDIA A100-PCIE-40GB", "NVIDIA A10"),
    ],
)
def test_cards_with_similar_names_are_told_apart(name, other):
    assert card(name, 40).tflops > card(other, 40).tflops


def test_weights_that_do_not_fit_are_fetched_in_every_step():
    # At this size the work of a step is nothing beside the bus.
    request = asked(preset="fast", width=128, height=128, seconds=1.0)
    found = facts.read(build(request), request.shape)
    (stage,) = (one for one in found.works if one.kind == "sample")
    on_8, on_24 = (prior.seconds(found, replace(RTX_4060, vram_gb=gb))[stage.node] for gb in (8.0, 48.0))
    assert on_8 > stage.steps * (found.transformer_gb - 8.0) / prior.PCIE_GB
    assert on_24 < on_8 / 3


def test_the_draft_engine_needs_no_gpu_memory_and_loads_nothing(estimator_on):
    made = estimator_on("draft", 25.0, "cpu", draft=True).request(asked())
    assert (made.vram_gb, made.cold_seconds, made.loading_seconds, made.fits) == (None, 0.0, 0.0, True)


def test_memory_grows_with_size_and_shrinks_with_the_decoder_s_tile():
    def least(**values):
        request = asked(**values)
        return prior.memory(facts.read(build(request), request.shape)).least

    assert least(seconds=20.0) > least() > least(decode_tile="256")
    # The graphs' makers ran 5 s of 1280×704 in 8 GB, with small tiles.
    assert least(decode_tile="384") < 8


@pytest.mark.parametrize("vram_gb", [8.6, 12.9, 17.2, 25.7])
@pytest.mark.parametrize(
    ("mode", "preset", "values"),
    [
        ("t2v", "quality", {"width": 1920, "height": 1088, "seconds": 20.0}),
        ("t2v", "balanced", {"seconds": 20.0}),
        ("i2v", "fast", {"seconds": 20.0}),
        ("style", "quality", {"width": 1920, "height": 1152, "seconds": 15.0}),
    ],
)
def test_what_is_offered_instead_fits(estimator_on, vram_gb, mode, preset, values):
    estimator = estimator_on("NVIDIA GeForce RTX 4060 Ti", vram_gb)
    request = asked(mode, preset, **values)
    changes = estimator.smaller(request)
    assert changes
    made = parse(mode, {**request.values, "preset": preset, **changes})
    assert estimator.request(made).fits
    # The same again, as after an engine that ran out of memory all the same: still less.
    assert estimator.smaller(made) != changes


def test_a_smaller_tile_is_the_mildest_remedy(estimator_on):
    assert estimator_on("NVIDIA GeForce RTX 4090", 25.5).smaller(asked(seconds=20.0)) == {"decode_tile": "512"}


def test_what_takes_too_long_is_offered_faster(estimator_on):
    estimator = estimator_on("NVIDIA GeForce RTX 4060", 8.6)
    request = asked("t2v", "quality")
    assert estimator.request(request).high > 600
    changes = estimator.smaller(request, cap=600)
    made = estimator.request(parse("t2v", {**request.values, "preset": "quality", **changes}))
    assert made.high + made.cold_seconds <= 600
    assert changes["preset"] == "balanced"


@pytest.mark.parametrize("cap", [900.0, float("inf")])
def test_what_ran_out_of_time_though_it_should_not_have_is_offered_with_less_of_it(estimator_on, cap):
    estimator = estimator_on("NVIDIA GeForce RTX 4090", 25.5)
    request = parse("t2v", {"prompt": "a kite", "preset": "fast", "seconds": 5})
    now = estimator.request(request)
    assert now.high + now.cold_seconds < 900
    changed = smaller.changed(request, estimator.smaller(request, cap))
    less = estimator.request(changed)
    assert less.high + less.cold_seconds <= 0.85 * (now.high + now.cold_seconds)


def test_nothing_is_offered_where_nothing_helps(estimator_on):
    smallest = asked(preset="fast", width=128, height=128, seconds=0.3, decode_tile="256")
    assert estimator_on("NVIDIA GeForce RTX 4060", 3.0).smaller(smallest) is None
    assert estimator_on("NVIDIA GeForce RTX 4060", 8.6).smaller(asked(), cap=1.0) is None


def test_nothing_is_known_of_an_engine_that_has_not_answered(tmp_path):
    store = Store(tmp_path / "studio.db")
    estimator = Estimator(store, lambda: Engine("u"), tmp_path)
    assert estimator.request(asked()) is None
    assert estimator.smaller(asked()) is None
    store.close()


def test_an_own_graph_that_does_not_fit_has_no_estimate(estimator_on, tmp_path):
    (tmp_path / "workflows").mkdir()
    (tmp_path / "workflows" / "t2v.json").write_text("{}")
    estimator = estimator_on("NVIDIA GeForce RTX 4060", 8.6)
    assert estimator.request(asked()) is None
    assert estimator.request(asked("i2v")) is not None


@pytest.mark.parametrize(("cap", "expected"), [(900.0, 240.0), (200.0, 200.0), (None, 240.0), (30.0, 30.0)])
def test_a_budget_is_half_again_the_slowest_run_and_the_loading_within_the_cap(estimator_on, cap, expected):
    made = estimator_on("NVIDIA GeForce RTX 4060", 8.6).request(asked())
    assert budget_seconds(replace(made, high=140.0, cold_seconds=20.0, cold_high=30.0), cap) == expected


def test_a_budget_is_never_less_than_a_minute(estimator_on):
    made = estimator_on("NVIDIA GeForce RTX 4060", 8.6).request(asked())
    assert budget_seconds(replace(made, high=1.0, cold_seconds=0.0, cold_high=0.0), 900.0) == 60.0


def test_the_first_run_has_time_to_load_from_a_slow_disk(estimator_on):
    made = estimator_on("NVIDIA H100 80GB HBM3", 85.9).request(asked())
    gigabytes = sum(load.gb for load in facts.read(build(asked(), Capabilities(memory=80))).loads)
    # A network volume's usual 400 MB a second; it is asked only then, and has twice as much in its second attempt.
    assert budget_seconds(made, 900.0) > made.high + gigabytes / 0.4


def test_the_device_is_read_from_what_a_real_server_says():
    said = machine(captures.answer("system_stats"))
    assert (said.first.name, said.first.type) == ("cpu", "cpu")
    assert said.first.total == said.ram_total == pytest.approx(25.28e9, abs=1e7)


@pytest.mark.parametrize("stats", [{}, {"devices": []}, {"devices": [None], "system": None}, {"devices": "gpu"},
                                   {"devices": [{"vram_total": True, "name": 3}]}])  # fmt: skip
def test_odd_answers_are_no_reason_to_fail(stats):
    assert machine(stats).first.total == 0


@pytest.mark.parametrize(
    "device_", [None, {"name": "cuda:0 Card of tomorrow", "type": "cuda", "vram_total": 0},
                {"name": "privateuseone:0", "type": "privateuseone", "vram_total": 2**30}]
)  # fmt: skip
def test_memory_that_is_not_told_is_not_said_to_be_too_little(tmp_path, device_):
    engine = describe("u", {"devices": [device_] if device_ else []}, 0)
    store = Store(tmp_path / "studio.db")
    made = Estimator(store, lambda: engine, tmp_path).request(asked())
    store.close()
    assert made.fits
    assert made.vram_gb is None
