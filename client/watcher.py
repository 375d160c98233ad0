"""Following one job to its end, in a thread of its own.

The websocket tells how far the job is; HTTP tells whether it is over. HTTP is asked on every connect, when the socket
reports an end, after silence, and at intervals while there is no socket. The job's row in the store is closed exactly
once, whatever happens here.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from client import library, refusal
from client.engine import describe
from client.estimate.estimator import Sent
from client.estimate.recorder import Recorder, plan_of
from client.events import decode
from client.order import Turn
from client.prepare import prepare
from client.reducer import Track, reduce
from client.socket import Closed, Socket
from client.states import Cancelled, Failed, Output, Queued, Running, Succeeded
from client.store import Row, Store
from client.transport import Server, Unreachable
from client.views import Completed, Errored, InProgress, Interrupted, Pending, Unknown, View
from workflows import manifest
from workflows.errors import StudioError
from workflows.graph import Graph, title
from workflows.grid import Shape
from workflows.plan import Plan, plan

T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pace:
    """How often and how long, in seconds.

    `tick`: the longest wait for a frame, so also the delay of a cancel. `look`: between questions over HTTP while the
    socket lives. `blind`: the same without a socket. `queue`: the least between two questions because the queue moved.
    `silence`: after so long without a frame the socket is opened anew, for the server may have forgotten it.
    `backoff`: the longest pause between attempts to connect; each is twice as long as the one before, the first a tick.
    `patience`: how long a server may stay unreachable. `doubt`: for how long a server must deny knowing the job before
    it is believed, as there is a moment between the end of a job and its entry in the history. `goodbye`: how long a
    cancelled job waits for a server that can't be told.
    """

    tick: float = 0.25
    look: float = 5.0
    blind: float = 1.0
    queue: float = 0.5
    silence: float = 20.0
    backoff: float = 4.0
    patience: float = 600.0
    doubt: float = 1.5
    goodbye: float = 5.0


class Stopped(Exception):
    """The studio is shutting down; the job goes on and is found again at the next start."""


class Watcher:
    """Follows the job of one row. `publish` is called with every new Track, from the watcher's thread.

    `folder` gets the videos, `graphs` is the data folder in which people's own graphs lie.

    Nothing is posted before the job's `turn` has come.
    """

    def __init__(
        self,
        row: Row,
        store: Store,
        server: Server,
        folder: Path,
        graphs: Path,
        publish: Callable[[Track], None],
        turn: Turn,
        pace: Pace,
        recorder: Recorder,
    ) -> None:
        self.row = row
        self._store = store
        self._server = server
        self._folder = folder
        self._graphs = graphs
        self._publish = publish
        self._turn = turn
        self._pace = pace
        self._recorder = recorder
        self._cancel = threading.Event()
        self._stop = threading.Event()
        self._posted = row.posted_at is not None
        self._maybe_posted = False
        self._cancel_sent = False
        self._denied_since: float | None = None
        self._failing_since: float | None = None
        self._pause = self._blind_for = pace.tick
        self._showing: str | None = None
        self._enhanced = row.enhanced
        self._track = Track(row.id, Plan(("",), {}), row.state_so_far(), started_at=row.started_at)
        if row.cancel_asked:
            self._cancel.set()

    def cancel(self) -> None:
        """Ask for the job to be cancelled; done within a tick, or as soon as the engine answers."""
        self._cancel.set()

    def stop(self) -> None:
        """Let go of the job without ending it."""
        self._stop.set()

    def run(self) -> None:
        """Follow the job until it has ended or `stop` is called."""
        try:
            ended = self._follow()
        except Stopped:
            return
        except StudioError as error:
            ended = failed(error)
        except Exception as error:
            if self._stop.is_set():
                return
            log.exception("job %s", self.row.id)
            ended = failed(StudioError("internal_error", reason=type(error).__name__))
        finally:
            self._turn.leave()
            self._server.close()
        self._close(ended, library.poster(self._folder, ended.outputs) if isinstance(ended, Succeeded) else None)

    def _close(self, ended: Succeeded | Failed | Cancelled, poster: str | None) -> None:
        """Write the end down, however long the disk is full or the database locked."""
        pause = self._pace.tick
        while not self._stop.wait(0):
            try:
                self._store.close_job(self.row.id, ended, time.time(), poster)
                return
            except StudioError:
                log.exception("job %s can't be closed yet", self.row.id)
                self._stop.wait(pause)
                pause = min(2 * pause, self._pace.backoff)

    def _follow(self) -> Succeeded | Failed | Cancelled:
        graph = self._store.graph(self.row.id)
        if graph is None:
            graph = self._patiently(lambda: prepare(self._server, self.row, self._graphs))
            if graph is None:
                return Cancelled()
            self._store.set_graph(self.row.id, graph)
        else:
            self._maybe_posted = True
        self._showing = enhanced_by(self.row.mode, graph)
        made = self._patiently(lambda: self._plan(graph))
        self._track = replace(self._track, plan=made or self._track.plan)
        view = self._listen(graph)
        self._turn.leave()
        if isinstance(view, Completed):
            self._recorder.finish()
            self._keep_enhanced(view.texts)
            outputs = self._patiently(lambda: self._collect(view))
            return Cancelled() if outputs is None else Succeeded(outputs)
        if isinstance(view, Errored):
            return failed(refusal.failure(view), f"{view.exception_type}: {view.message}\n{view.traceback}".strip())
        if isinstance(view, Unknown) and not self._cancel.is_set():
            raise StudioError("engine_lost")
        return Cancelled()

    def _listen(self, graph: Graph) -> View:
        """Send the graph unless it is there already, and listen until it is over; the view that says so."""
        if not self._await_turn():
            return Interrupted()
        while True:
            self._check_stopped()
            try:
                with ExitStack() as stack:
                    final = self._listen_once(graph, self._open(stack))
                if final is not None:
                    return final
                self._stop.wait(self._pace.tick)
            except Unreachable as error:
                if not self._wait_out(error):
                    return Interrupted()

    def _open(self, stack: ExitStack) -> Socket | None:
        """A socket, or None where only HTTP gets through."""
        try:
            socket = stack.enter_context(Socket(self._server.websocket_url(self.row.client_id), self._server.access))
        except Unreachable:
            self._blind_for = min(2 * self._blind_for, self._pace.backoff)
            return None
        self._blind_for = self._pace.tick
        return socket

    def _listen_once(self, graph: Graph, socket: Socket | None) -> View | None:
        """Listen on one connection: the final view, or None when a new connection is wanted."""
        if not self._posted and not self._send(graph):
            return Interrupted()
        opened = heard = time.monotonic()
        asked = float("-inf")
        while True:
            self._check_stopped()
            self._send_cancel()
            now = time.monotonic()
            if now - asked >= self._interval(socket):
                asked = now
                final = self._look()
                if final is not None:
                    return final
            if socket is None:
                if now - opened > self._blind_for:
                    return None
                self._stop.wait(self._pace.tick)
                continue
            try:
                frame = socket.receive(self._pace.tick)
            except Closed:
                return None
            if frame is not None:
                heard = now
                self._hear(frame)
            elif now - heard > self._pace.silence:
                return None

    def _interval(self, socket: Socket | None) -> float:
        if self._track.over or self._denied_since is not None:
            return self._pace.tick
        if socket is None:
            return self._pace.blind
        return self._pace.queue if self._track.moved and isinstance(self._track.state, Queued) else self._pace.look

    def _hear(self, frame: str | bytes) -> None:
        event = decode(frame)
        if event is not None:
            self._recorder.hear(event)
            self._set(reduce(self._track, event, time.time()))

    def _look(self) -> View | None:
        """Ask over HTTP; the view if it is final."""
        view = self._server.locate(self.row.id)
        self._answered()
        if isinstance(view, Unknown):
            self._denied_since = self._denied_since or time.monotonic()
            return view if time.monotonic() - self._denied_since >= self._pace.doubt else None
        self._denied_since = None
        if isinstance(view, Pending | InProgress):
            self._set(reduce(self._track, view, time.time()))
            return None
        return view

    def _send(self, graph: Graph) -> bool:
        """Post the graph once; False when the job was cancelled before.

        Where an earlier attempt may have arrived (its answer was lost, or the studio was restarted), the engine must
        deny knowing the job for as long as in `_look` before it is sent again.
        """
        if not (self._maybe_posted and self._arrived()):
            if self._cancel.is_set():
                return False
            self._maybe_posted = True
            settings = {"mode": self.row.mode, "preset": self.row.preset, "values": self.row.named_values()}
            self._server.submit(graph, self.row.id, self.row.client_id, {"ltx_studio": settings})
        self._posted = True
        self._answered()
        self._note_down(lambda: self._store.set_posted(self.row.id, time.time()))
        return True

    def _await_turn(self) -> bool:
        """Wait until the job may be sent; False when it was cancelled before. No socket is open meanwhile."""
        while not self._turn.wait(self._pace.tick):
            self._check_stopped()
            if self._cancel.is_set():
                return False
        self._check_stopped()
        return True

    def _arrived(self) -> bool:
        until = time.monotonic() + self._pace.doubt
        while isinstance(self._server.locate(self.row.id), Unknown):
            self._check_stopped()
            if time.monotonic() >= until:
                return False
            self._stop.wait(self._pace.tick)
        return True

    def _send_cancel(self) -> None:
        if self._cancel.is_set() and not self._cancel_sent:
            self._server.cancel(self.row.id)
            self._cancel_sent = True

    def _plan(self, graph: Graph) -> Plan:
        engine = describe(self._server.url, self._server.system_stats(), 0)
        shape = Shape(self.row.width, self.row.height, self.row.frames, self.row.fps)
        estimate = self._recorder.begin(Sent(graph, self.row.mode, self.row.preset, shape), engine)
        made = plan_of(estimate) if estimate else None
        mode = manifest.mode(self.row.mode)
        return made or plan(mode, mode.preset(self.row.preset), graph)

    def _collect(self, view: Completed) -> tuple[Output, ...]:
        if not view.files:
            raise StudioError("output_missing", value="")
        return library.fetch(self._server, view.files, self._folder, self.row.id, self._check_stopped)

    def _patiently(self, step: Callable[[], T]) -> T | None:
        """Do one step over HTTP, again and again while the engine is unreachable; None when cancelled meanwhile."""
        while True:
            self._check_stopped()
            if self._cancel.is_set() and not self._posted and not self._maybe_posted:
                return None
            try:
                done = step()
            except Unreachable as error:
                if not self._wait_out(error):
                    return None
            else:
                self._answered()
                return done

    def _answered(self) -> None:
        self._failing_since, self._pause = None, self._pace.tick

    def _wait_out(self, error: Unreachable) -> bool:
        """Wait before the next attempt; False when the job was cancelled and the engine stays away.

        Raises StudioError `engine_unreachable` when patience is at its end.
        """
        now = time.monotonic()
        self._failing_since = self._failing_since or now
        away = now - self._failing_since
        if self._cancel.is_set() and (away >= self._pace.goodbye or not (self._posted or self._maybe_posted)):
            return False
        if away >= self._pace.patience:
            raise StudioError("engine_unreachable", server=self._server.url, reason=error)
        note = "The engine does not answer; waiting for it."
        if isinstance(self._track.state, Running):
            self._set(replace(self._track, state=replace(self._track.state, note=note, eta=None)))
        else:
            self._set(replace(self._track, state=Queued(note=note)))
        self._stop.wait(self._pause)
        self._pause = min(2 * self._pause, self._pace.backoff)
        return True

    def _keep_enhanced(self, texts: Mapping[str, str]) -> None:
        text = texts.get(self._showing or "")
        if text and text != self._enhanced:
            self._enhanced = text
            self._note_down(lambda: self._store.set_enhanced(self.row.id, text))

    def _note_down(self, write: Callable[[], None]) -> None:
        """Write what a restart can find out by asking; a full disk must not end the job."""
        try:
            write()
        except StudioError:
            log.exception("job %s", self.row.id)

    def _check_stopped(self) -> None:
        if self._stop.is_set():
            raise Stopped

    def _set(self, track: Track) -> None:
        if isinstance(track.state, Running) and not isinstance(self._track.state, Running):
            self._note_down(lambda: self._store.set_started(self.row.id, track.started_at or time.time()))
        if track.texts is not self._track.texts:
            self._keep_enhanced(track.texts)
        if track is not self._track:
            self._track = track
            self._publish(track)


def enhanced_by(mode: str, graph: Graph) -> str | None:
    """The id of the node that shows the enhanced prompt, by the title that the manifest gives it; None without one."""
    (named,) = (field.choice(manifest.ON).outputs for field in manifest.mode(mode).fields if field.name == "enhance")
    return next((node_id for node_id, node in graph.items() if title(node) in named), None)


def failed(error: StudioError, detail: str = "") -> Failed:
    """The state of a job that ended with this error."""
    return Failed(error.code, error.message, error.hint, error.retryable, detail)
