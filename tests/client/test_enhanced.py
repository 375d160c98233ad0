"""The prompt as the engine has rewritten it is kept with the job."""

import json

import pytest

from client.conversation import enhanced_by
from client.events import Shown, decode
from client.reducer import Track, reduce
from client.states import Succeeded
from client.store import Store
from tests.client.test_watching import after_post, ends, engine, manager
from tests.support import scripted
from workflows import manifest
from workflows.build import build
from workflows.checking import sample
from workflows.graph import title
from workflows.plan import Plan
from workflows.request import parse

__all__ = ["engine", "manager"]
TEXT = "A lighthouse stands in a storm. Waves break on the rocks."


def request(**values):
    return parse("t2v", {"prompt": "a lighthouse", "enhance": True, **values})


def shows(engine, *texts):
    """The engine ends with these texts shown by the node that the graph as sent titles "Enhanced prompt"."""

    def ended(prompt_id):
        graph = engine.posted("/prompt")[0]["prompt"]
        (node_id,) = (node_id for node_id, node in graph.items() if title(node) == "Enhanced prompt")
        other = {"900": {"text": ["what another node shows"]}}
        return scripted.history(prompt_id, {**other, **scripted.one_video(), node_id: {"text": list(texts)}})

    after_post(engine, ended)


def test_what_the_history_holds_is_kept(engine, manager):
    shows(engine, TEXT)
    job = manager.submit(request(), "me")
    assert job.enhanced is None
    assert isinstance(ends(manager, job), Succeeded)
    assert manager.get(job.id).enhanced == TEXT
    store = Store(manager.folder.parent / "studio.db")
    assert store.get(job.id).enhanced == TEXT
    store.close()


@pytest.mark.parametrize("texts", [(), ("",), (None,), (5, "  ")])
def test_an_answer_without_words_is_none(engine, manager, texts):
    shows(engine, *texts)
    job = manager.submit(request(), "me")
    assert isinstance(ends(manager, job), Succeeded)
    assert manager.get(job.id).enhanced is None


def test_without_enhancement_no_text_counts(engine, manager):
    after_post(
        engine,
        lambda prompt_id: scripted.history(
            prompt_id, {**scripted.one_video(), **{str(number): {"text": [TEXT]} for number in range(30, 60)}}
        ),
    )
    job = manager.submit(request(enhance=False), "me")
    assert isinstance(ends(manager, job), Succeeded)
    assert manager.get(job.id).enhanced is None


@pytest.mark.parametrize("mode", manifest.modes(), ids=lambda mode: mode.name)
def test_the_node_is_found_by_its_title_in_every_mode_and_preset(mode):
    for preset in mode.presets:
        graph = build(sample(mode, preset, enhance=True))
        assert title(graph[enhanced_by(mode.name, graph)]) == "Enhanced prompt"
        assert enhanced_by(mode.name, build(sample(mode, preset))) is None


def test_another_class_under_the_title_will_do():
    graph = build(request())
    node_id = enhanced_by("t2v", graph)
    graph[node_id] = {**graph[node_id], "class_type": "SomeTextViewer"}
    assert enhanced_by("t2v", graph) == node_id


def frame(output, node="32"):
    return json.dumps({"type": "executed", "data": {"node": node, "output": output, "prompt_id": "p"}})


def test_a_frame_that_shows_text_is_heard_and_others_are_not():
    heard = decode(frame({"text": [TEXT]}))
    assert heard == Shown("p", "32", TEXT)
    for output in ({"images": []}, None, {"text": "no list"}, {"text": []}, []):
        assert decode(frame(output)) is None
    track = reduce(Track("p", Plan(("",), {})), heard, 1.0)
    assert track.texts == {"32": TEXT}
    assert reduce(Track("q", Plan(("",), {})), heard, 1.0).texts == {}


def test_a_retry_is_enhanced_anew(engine, manager):
    shows(engine, TEXT)
    job = manager.submit(request(), "me")
    ends(manager, job)
    again = manager.retry(job.id)
    assert again.enhanced is None
    assert again.values["enhance"] is True
