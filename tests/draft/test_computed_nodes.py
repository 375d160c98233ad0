"""The draft engine's nodes that compute: schedules, arithmetic, and prompts written out."""

from __future__ import annotations

from typing import Any

import pytest

from bootstrap.draft.nodes.values import AudioLatent, AVLatent
from bootstrap.draft.render import prose, vocabulary
from tests.support.nodes import NodeContext, execute, photograph, save_png
from workflows.build import build
from workflows.request import parse

# Schedules

VIDEO_704P = {"width": 1280, "height": 704, "length": 121}
SMALL = {"width": 256, "height": 128, "length": 25}

# What LTXVScheduler of ComfyUI 0.27.0 gave for latents of these shapes, run on a CPU with torch.
SCHEDULES = {
    "25 steps for 1280x704, 121 frames": (
        {"steps": 25},
        VIDEO_704P,
        [
            1.0, 0.998303, 0.996458, 0.994447, 0.992243, 0.989822, 0.987148, 0.984177, 0.980858, 0.977127, 0.972902,
            0.968076, 0.962513, 0.95603, 0.948378, 0.93921, 0.928025, 0.914073, 0.896187, 0.872429, 0.839334, 0.790059,
            0.708895, 0.550083, 0.1, 0.0,
        ],
    ),
    "8 steps for nothing": (
        {"steps": 8}, None, [1.0, 0.965712, 0.921875, 0.863856, 0.783445, 0.664579, 0.471003, 0.1, 0.0]
    ),
    "5 steps for 256x128, 25 frames, not stretched": (
        {"steps": 5, "stretch": False, "terminal": 0.3},
        SMALL,
        [1.0, 0.882411, 0.737813, 0.555693, 0.31927, 0.0],
    ),
    "1 step": ({"steps": 1}, None, [0.1, 0.0]),
}  # fmt: skip


def schedule(context: NodeContext, latent: Any, **values: Any) -> tuple[float, ...]:
    defaults = {"max_shift": 2.05, "base_shift": 0.95, "stretch": True, "terminal": 0.1}
    found: tuple[float, ...] = context.run("LTXVScheduler", latent=latent, **{**defaults, **values}).values
    return found


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_a_schedule_is_the_one_that_comfyui_computes(context: NodeContext, name: str) -> None:
    values, size, wanted = SCHEDULES[name]
    latent = size and context.run("EmptyLTXVLatentVideo", batch_size=1, **size)
    sigmas = schedule(context, latent, **values)
    assert len(sigmas) == values["steps"] + 1
    assert sigmas == pytest.approx(wanted, abs=2e-6)


def test_the_picture_decides_the_schedule_where_there_is_one(context: NodeContext) -> None:
    audio = AudioLatent(26 / 25)
    both = AVLatent(context.run("EmptyLTXVLatentVideo", batch_size=1, **SMALL), audio)
    assert schedule(context, both, steps=4) == pytest.approx((1.0, 0.779302, 0.49138, 0.1, 0.0), abs=2e-6)
    alone = schedule(context, audio, steps=4, terminal=0.25, max_shift=1.5)
    assert alone == pytest.approx((1.0, 0.832884, 0.599353, 0.25, 0.0), abs=2e-6)


def test_a_schedule_can_be_sampled_with(context: NodeContext) -> None:
    request = parse("t2v", {"preset": "quality", "prompt": "a lake", "width": 256, "height": 128, "seconds": 0.5})
    execute(build(request), context)
    told = [maximum for value, maximum, _ in context.told if value == 1]
    assert told[:2] == [25, 3]


# Arithmetic


@pytest.mark.parametrize(
    ("expression", "values", "result"),
    [
        ("round(a)", {"a": 29.97}, 30),
        ("a / b", {"a": 1, "b": 8}, 0.125),
        ("(a + 7) // 8 * 8 + 1", {"a": 30}, 33),
        ("max(a, b, 3) - min(values)", {"a": 1, "b": 2}, 2),
        ("ceil(a) + floor(a) + abs(-a)", {"a": 1.5}, 4.5),
        ("sum(values) % 4", {"a": 3, "b": 4}, 3),
        ("a if a > b and not b == 3 else b ** 2", {"a": 1, "b": 2}, 4),
        ("1 < a <= 2 or False", {"a": 2}, 1),
        ("sqrt(a) + log2(8) + values[0]", {"a": 16}, 23),
        ("int(a) + float(b) + True", {"a": 2.9, "b": 1}, 4),
        ("-a", {"a": True}, -1),
    ],
)
def test_arithmetic_gives_a_float_an_int_and_a_truth(
    context: NodeContext, expression: str, values: dict[str, Any], result: float
) -> None:
    named = {f"values.{name}": value for name, value in values.items()}
    outputs = context.run("ComfyMathExpression", expression=expression, **named)
    assert outputs == (pytest.approx(float(result)), int(result), bool(result))
    assert [type(output) for output in outputs] == [float, int, bool]


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "a +",
        "b",
        "1 / 0",
        "__import__('os').system('true')",
        "(1).__class__",
        "a.real",
        "[x for x in values]",
        "(lambda: 1)()",
        "'a' * 9",
        "open('/etc/passwd')",
        "9 ** 9 ** 9",
        "pow(10, 999999999)",
        "1e308 * 10",
        "sqrt(-1)",
        "(-8) ** 0.5",
        "values",
        "values * 99999999",
        "round(a, ndigits=1)",
        "1 << 9999999",
        "f'{a}'",
        "a := 2",
        "+".join("1" * 900),
        "(" * 90 + "1" + ")" * 90 + "!",
        "10 ** 400",
    ],
)
def test_what_is_no_arithmetic_is_refused_in_one_sentence(context: NodeContext, expression: str) -> None:
    with pytest.raises(ValueError, match=r"^Math Expression .* can't be computed: ") as caught:
        context.run("ComfyMathExpression", expression=expression, **{"values.a": 1.5})
    assert "\n" not in str(caught.value)


# Prompts

SECTIONS = ("shot", "light", "place", "subject", "weather", "camera", "motion", "accent")
SAMPLING = {"temperature": 0.7, "top_k": 64, "top_p": 0.95, "min_p": 0.05, "repetition_penalty": 1.05}
PROMPTS = ("a lighthouse by the sea at dusk, it rains", "a dog", "portrait of a robot, handheld", "Neon rain in a city")


def written(context: NodeContext, prompt: str, seed: int = 1, mode: str = "on", **more: Any) -> str:
    """What the node writes; `more` are its own inputs and those of its sampling mode."""
    sampling = {name: more.pop(name, value) for name, value in SAMPLING.items()} | {"seed": seed}
    dotted = {f"sampling_mode.{name}": value for name, value in sampling.items()} if mode == "on" else {}
    values = {"clip": None, "max_length": 512, "sampling_mode": mode, **dotted, **more}
    found: str = context.run("TextGenerateLTX2Prompt", prompt=prompt, **values)
    return found


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_prompt_is_written_out_and_means_what_it_meant(context: NodeContext, prompt: str) -> None:
    text = written(context, prompt)
    assert prompt[1:] in text
    assert len(text.split()) > len(prompt.split()) + 30
    assert text.endswith(".")
    for section in SECTIONS:
        meant, said = vocabulary.find(section, prompt), vocabulary.find(section, text)
        if meant:
            assert said[: len(meant)] == meant, section
    for section in ("shot", "light", "camera"):
        assert vocabulary.find(section, text), section


def test_seed_and_temperature_choose_the_sentences(context: NodeContext) -> None:
    texts = [written(context, PROMPTS[0], seed) for seed in range(8)]
    assert texts == [written(context, PROMPTS[0], seed) for seed in range(8)]
    assert len(set(texts)) > 3
    cold = {written(context, PROMPTS[0], seed, temperature=0.01) for seed in range(8)}
    plain = {written(context, PROMPTS[0], seed, mode="off") for seed in range(8)}
    assert len(cold) == 1
    assert cold == plain == {written(context, PROMPTS[0], 3, top_k=1)} == {written(context, PROMPTS[0], 3, top_p=0.0)}
    warm = {written(context, PROMPTS[0], seed, temperature=2.0) for seed in range(8)}
    assert len(warm) >= len(set(texts))


def test_what_is_given_is_not_described_again(context: NodeContext) -> None:
    whole = written(context, PROMPTS[0])
    pictured = written(context, PROMPTS[0], image=context.run("EmptyImage", width=64, height=64))
    assert len(pictured) < len(whole)
    light = prose.sentences("light")["dusk"]
    assert any(sentence in whole for sentence in light)
    assert not any(sentence in pictured for sentence in light)
    sounding = written(context, PROMPTS[0], audio=context.run("EmptyAudio", duration=1, sample_rate=8000, channels=1))
    for sound in ("rain", "sea"):
        assert any(sentence in whole for sentence in prose.sentences("sound")[sound])
        assert not any(sentence in sounding for sentence in prose.sentences("sound")[sound])


def test_a_length_is_kept_to_whole_sentences(context: NodeContext) -> None:
    whole = written(context, "a dog")
    for length in (16, 40, 64):
        text = written(context, "a dog", max_length=length)
        assert len(text.split()) <= length
        assert text.endswith(".")
        assert "A dog." in text
        assert text != whole
    assert written(context, "a dog", max_length=1) == "a dog"


def test_words_in_quotes_stay_as_they_are(context: NodeContext) -> None:
    prompt = 'A woman in a red coat says "Good morning, all!"'
    text = written(context, prompt)
    assert prompt in text
    assert prose.VOICE in text


def test_there_are_sentences_for_all_that_can_be_named() -> None:
    for section in ("shot", "light", "place", "weather", "camera", "motion"):
        named = {name for name in vocabulary.section(section) if not name.startswith("drift")}
        assert set(prose.sentences(section)) == named, section
    sounds = {row.get("sound") for kind in ("place", "weather") for row in vocabulary.section(kind).values()}
    assert set(prose.sentences("sound")) == sounds - {None}


def test_a_sentence_means_its_trait_and_nothing_else() -> None:
    for about in ("shot", "light", "place", "weather", "camera", "motion", "sound"):
        for trait, rows in prose.sentences(about).items():
            own = " ".join(vocabulary.section(about)[trait].get("words", ())) if about != "sound" else ""
            for row in rows:
                for section in SECTIONS:
                    found = set(vocabulary.find(section, row)) - {trait if section == about else ""}
                    assert found <= set(vocabulary.find(section, own)), (row, section)


@pytest.mark.parametrize("mode", ["t2v", "i2v"])
def test_the_written_prompt_is_shown_and_drawn(context: NodeContext, mode: str) -> None:
    save_png(context.folders["input"] / "a.png", photograph(64, 64))
    more = {"image": "a.png"} if mode == "i2v" else {}
    size = {"width": 256, "height": 128, "seconds": 0.4, "preset": "fast", "seed": 5}
    results = execute(build(parse(mode, {"prompt": "a dog", "enhance": True, **size, **more})), context)
    shown = results["Enhanced prompt"].ui
    assert shown is not None
    assert shown["text"] == (written(context, "a dog", 5, **({"image": 1} if mode == "i2v" else {})),)
    assert results["Prompt"].outputs[0].text == shown["text"][0]
