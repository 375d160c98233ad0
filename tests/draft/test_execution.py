"""The executor and the worker with nodes that misbehave: they are put in the place of real ones for a test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from bootstrap.draft import folders as places
from bootstrap.draft import wire
from bootstrap.draft.announce import Announcer
from bootstrap.draft.cache import Cache
from bootstrap.draft.execute import execute
from bootstrap.draft.history import Entry
from bootstrap.draft.links import order
from bootstrap.draft.nodes.registry import NODES, Context, Node, Result
from bootstrap.draft.promptqueue import Prompt, PromptQueue
from bootstrap.draft.sockets import CUT_OFF_ABOVE, DROP_ABOVE, Hub, Socket
from bootstrap.draft.worker import Worker
from workflows.schema import recorded

Put = Callable[..., None]


class Ear:
    """In the place of the hub: keeps the frames that a prompt publishes."""

    def __init__(self) -> None:
        self.frames: list[wire.Frame] = []

    def publish(self, frames: Sequence[wire.Frame], to: str | None = None) -> None:
        self.frames += frames

    def now_running(self, client_id: str | None, node_id: str | None) -> None:
        pass


class Engine:
    """A cache and folders; `run` executes a graph in this thread."""

    def __init__(self, base: Path) -> None:
        self.folders: Mapping[str, Path] = places.prepare(base)
        self.cache = Cache()
        self.ear = Ear()

    def run(self, prompt: Prompt) -> Entry:
        announcer = Announcer(self.ear, prompt)
        return execute(prompt, self.cache, recorded(), self.folders, announcer)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path)


@pytest.fixture
def put(monkeypatch: pytest.MonkeyPatch) -> Put:
    """Puts a function in the place of a node."""

    def replace(class_type: str, run: Callable[..., Any], **more: Any) -> None:
        monkeypatch.setitem(NODES, class_type, Node(run, **more))

    return replace


def prompt(graph: dict[str, Any] | None = None, outputs: tuple[str, ...] = ("2",)) -> Prompt:
    """An EmptyImage that a PreviewAny shows."""
    size = {"width": 64, "height": 64, "batch_size": 1, "color": 0}
    chain = {
        "1": {"class_type": "EmptyImage", "inputs": size},
        "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
    }
    return Prompt(0, str(uuid4()), graph or chain, {"client_id": "me", "create_time": 0}, outputs)


def error_of(entry: Entry) -> Mapping[str, Any]:
    assert entry.ending == "execution_error"
    return entry.messages[-1][1]


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, MemoryError, GeneratorExit, RecursionError, OSError])
def test_whatever_a_node_raises_is_an_execution_error(engine: Engine, put: Put, kind: type[BaseException]) -> None:
    def run(context: Context, **inputs: Any) -> tuple[Any, ...]:
        raise kind("bad things")

    put("EmptyImage", run)
    error = error_of(engine.run(prompt()))
    assert (error["node_id"], error["node_type"], error["executed"]) == ("1", "EmptyImage", [])
    assert (error["exception_type"], error["exception_message"]) == (kind.__name__, "bad things\n")
    assert any("bad things" in line for line in error["traceback"])
    assert error["current_inputs"] == {"width": [64], "height": [64], "batch_size": [1], "color": [0]}


def test_the_name_of_an_exception_has_its_module(engine: Engine, put: Put) -> None:
    class Odd(Exception):
        pass

    def run(context: Context, **inputs: Any) -> tuple[Any, ...]:
        raise Odd

    put("EmptyImage", run)
    assert error_of(engine.run(prompt()))["exception_type"] == f"{__name__}.{Odd.__qualname__}"


@pytest.mark.parametrize("returned", [None, 5, Result((1,), {"text": [object()]})])
def test_what_is_no_result_is_an_execution_error(engine: Engine, put: Put, returned: Any) -> None:
    put("EmptyImage", lambda context, **inputs: returned)
    assert error_of(engine.run(prompt()))["exception_type"] == "TypeError"


def test_an_output_that_a_node_did_not_make(engine: Engine, put: Put) -> None:
    put("EmptyImage", lambda context, **inputs: ())
    error = error_of(engine.run(prompt()))
    assert (error["node_id"], error["exception_type"], error["executed"]) == ("2", "IndexError", ["1"])


def test_a_large_input_is_cut_in_an_error(engine: Engine, put: Put) -> None:
    def fail(context: Context, **inputs: Any) -> tuple[Any, ...]:
        raise ValueError

    put("EmptyImage", lambda context, **inputs: (["x" * 100_000],))
    put("PreviewAny", fail)
    (shown,) = error_of(engine.run(prompt()))["current_inputs"]["source"]
    assert shown.startswith("['xxx")
    assert len(shown) < 1000


def test_results_of_a_failed_prompt_are_used_again(engine: Engine, put: Put) -> None:
    ran = []

    def fail_once(context: Context, source: Any) -> Result:
        ran.append(source)
        if ran.count("picture") == 1:
            raise ValueError("once")
        return Result((source,), {"text": ("shown",)})

    put("EmptyImage", lambda context, **inputs: (ran.append("image") or "picture",))
    put("PreviewAny", fail_once)
    assert error_of(engine.run(prompt()))["node_id"] == "2"
    entry = engine.run(prompt())
    assert entry.succeeded
    assert ran == ["image", "picture", "picture"]
    assert entry.outputs == {"2": {"text": ["shown"]}}


def test_an_interrupt_is_seen_at_the_border_of_a_node(engine: Engine, put: Put) -> None:
    asked = prompt()

    def deaf(context: Context, **inputs: Any) -> tuple[Any, ...]:
        asked.interrupted.set()
        return ("picture",)

    put("EmptyImage", deaf)
    entry = engine.run(asked)
    assert entry.ending == "execution_interrupted"
    told = entry.messages[-1][1]
    assert (told["node_id"], told["node_type"], told["executed"]) == ("2", "PreviewAny", ["1"])


def test_an_interrupt_is_seen_at_progress(engine: Engine, put: Put) -> None:
    asked = prompt()

    def listening(context: Context, **inputs: Any) -> tuple[Any, ...]:
        context.progress(1, 3)
        asked.interrupted.set()
        context.progress(2, 3)
        raise AssertionError("the interrupt was not seen")

    put("EmptyImage", listening)
    assert engine.run(asked).messages[-1][1]["node_id"] == "1"


def test_a_fingerprint_decides_whether_a_node_runs_again(engine: Engine, put: Put) -> None:
    content = ["a"]
    ran: list[str] = []
    put(
        "EmptyImage",
        lambda context, **inputs: (ran.append(content[0]) or content[0],),
        fingerprint=lambda folders, inputs: content[0],
    )
    for content[0] in ("a", "a", "b", "b"):
        assert engine.run(prompt()).succeeded
    assert ran == ["a", "b"]


def test_a_node_without_a_fingerprint_to_be_had_always_runs(engine: Engine, put: Put) -> None:
    ran = []

    def fail(folders: Mapping[str, Path], inputs: Mapping[str, Any]) -> str:
        raise OSError("gone")

    put("EmptyImage", lambda context, **inputs: (ran.append(1) or "picture",), fingerprint=fail)
    for _ in range(2):
        entry = engine.run(prompt())
        assert entry.messages[1][1]["nodes"] == []
        assert entry.outputs == {"2": {"text": ["picture"]}}
    assert ran == [1, 1]


def test_progress_is_thinned_out_but_begins_and_ends(engine: Engine, put: Put) -> None:
    steps = 5000

    def busy(context: Context, **inputs: Any) -> tuple[Any, ...]:
        for step in range(1, steps + 1):
            context.progress(step, steps)
        return ("picture",)

    put("EmptyImage", busy)
    engine.run(prompt())
    sent = [frame.payload for frame in engine.ear.frames if '"type": "progress"' in str(frame.payload)]
    assert f'"value": 1, "max": {steps}' in str(sent[0])
    assert f'"value": {steps}, "max": {steps}' in str(sent[-1])
    assert len(sent) < steps / 2


def test_previews_are_never_left_out(engine: Engine, put: Put) -> None:
    def busy(context: Context, **inputs: Any) -> tuple[Any, ...]:
        for step in range(1, 101):
            context.progress(step, 100, b"jpeg")
        return ("picture",)

    put("EmptyImage", busy)
    engine.run(prompt())
    for suits_metadata in (True, False):
        shown = [frame for frame in engine.ear.frames if frame.metadata is suits_metadata]
        assert len(shown) == 100


def test_a_long_chain_is_put_in_order() -> None:
    chain: dict[str, Any] = {str(index): {"inputs": {"source": [str(index + 1), 0]}} for index in range(5000)}
    chain["5000"] = {"inputs": {}}
    assert order(chain, ["0"]) == [str(index) for index in range(5000, -1, -1)]
    assert order(chain, ["0"], enough=lambda node_id: node_id == "3") == ["2", "1", "0"]


def test_the_worker_survives_everything(tmp_path: Path, put: Put) -> None:
    ended = threading.Event()
    queue = PromptQueue(lambda remaining: None if remaining else ended.set())
    worker = Worker(queue, Hub({}, queue.remaining), recorded(), places.prepare(tmp_path))

    def leave(context: Context, **inputs: Any) -> tuple[Any, ...]:
        raise SystemExit(3)

    put("EmptyImage", leave)
    fatal, impossible, good = (
        prompt(),
        prompt({"2": {"class_type": "NoSuchNode", "inputs": {}}}),
        prompt({"2": {"class_type": "PreviewAny", "inputs": {"source": "fine"}}}),
    )
    for each in (fatal, impossible, good):
        queue.put(each)
    worker.start()
    assert ended.wait(20)
    finished = queue.snapshot().finished
    assert error_of(finished[fatal.prompt_id])["exception_type"] == "SystemExit"
    assert error_of(finished[impossible.prompt_id])["exception_type"] == "KeyError"
    assert finished[good.prompt_id].outputs == {"2": {"text": ["fine"]}}
    worker.stop(20)
    assert not worker.is_busy()


class Transport:
    """In the place of a connection: knows whether it was cut."""

    def __init__(self) -> None:
        self.cut = False

    def abort(self) -> None:
        self.cut = True


def test_a_slow_reader_misses_progress_first_and_is_cut_off_at_last() -> None:
    transport = Transport()
    socket = Socket(None, transport)  # type: ignore[arg-type]
    tick, news = wire.message("progress", {}, droppable=True), wire.message("executed", {})
    for _ in range(DROP_ABOVE * 2):
        socket.put(tick)
    assert socket.backlog == DROP_ABOVE
    for _ in range(CUT_OFF_ABOVE - DROP_ABOVE):
        socket.put(news)
    assert socket.backlog == CUT_OFF_ABOVE
    assert not transport.cut
    socket.put(news)
    assert transport.cut
    assert socket.backlog == 0
