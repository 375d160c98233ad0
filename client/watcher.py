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
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from client import drafting, library, refusal
from client.absence import Absence
from client.attempts import earlier, listener
from client.budget import ATTEMPTS
from client.conversation import collected, enhanced_by, has_arrived, planned, sent, submit, taken_back, write_down
from client.engine import describe
from client.estimate.recorder import Recorder
from client.events import decode
from client.order import Turn
from client.overseer import Overseer, TimeUp
from client.pace import Pace, Stopped
from client.prepare import prepare
from client.reducer import Track, noted, unanswered
from client.socket import Closed, Socket
from client.standing import hear
from client.states import Cancelled, Failed, Queued, Running, Succeeded
from client.store import Row, Store
from client.transport import Server, Unreachable
from client.views import Completed, Errored, InProgress, Interrupted, Pending, Unknown, View
from workflows.errors import StudioError
from workflows.graph import Graph
from workflows.plan import Plan

T = TypeVar("T")
log = logging.getLogger(__name__)


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
        overseer: Overseer,
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
        self._overseer = overseer
        self._cancel = threading.Event()
        self._stop = threading.Event()
        self._posted = row.posted_at is not None
        self._maybe_posted = False
        self._cancel_sent = False
        self._taking: TimeUp | None = None
        self._denied_since: float | None = None
        self._absence = Absence(server.url, pace)
        self._blind_for = pace.tick
        self._showing: str | None = None
        self._enhanced = row.enhanced
        self._track = Track(row.prompt_id, Plan(("",), {}), row.state_so_far(), started_at=row.started_at)
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
            ended = refusal.failed(error)
        except Exception as error:
            if self._stop.is_set():
                return
            log.exception("job %s", self.row.id)
            ended = refusal.failed(StudioError("internal_error", reason=type(error).__name__))
        finally:
            self._turn.leave()
            self._server.close()
        poster = library.poster(self._folder, ended.outputs) if isinstance(ended, Succeeded) else None
        write_down(self._store, self.row.id, ended, poster, self._stop, self._pace)

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
        self._track = self._patiently(lambda: self._foresee(graph)) or self._track
        view = self._listen(graph)
        self._turn.leave()
        if isinstance(view, Completed):
            self._recorder.finish()
            self._keep_enhanced(view.texts)
            outputs = self._patiently(
                lambda: collected(self._server, view, self._folder, self.row, self._check_stopped)
            )
            return Cancelled() if outputs is None else Succeeded(outputs)
        if isinstance(view, Errored):
            error = refusal.failure(view)
            if error.code == "out_of_memory":
                self._overseer.make_room(self._server)
            return refusal.failed(error, f"{view.exception_type}: {view.message}\n{view.traceback}".strip())
        if isinstance(view, Unknown) and not self._cancel.is_set():
            raise self._overseer.loss(self.row.posted_at)
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
            socket = stack.enter_context(Socket(self._server.websocket_url(listener(self.row)), self._server.access))
        except Unreachable:
            self._blind_for = min(2 * self._blind_for, self._pace.backoff)
            return None
        self._blind_for = self._pace.tick
        return socket

    def _listen_once(self, graph: Graph, socket: Socket | None) -> View | None:
        """Listen on one connection: the final view, or None when a new connection is wanted."""
        if not self._posted and (over := self._send(graph)) is not None:
            return over
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
            posted = self._posted
            final = self._oversee(socket is not None)
            if final is not None or self._posted is not posted:
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
            self._set(hear(self._track, event, time.time()))

    def _look(self) -> View | None:
        """Ask over HTTP; the view if it is final."""
        view = self._server.locate(self.row.prompt_id)
        self._absence.over()
        if isinstance(view, Unknown):
            self._denied_since = self._denied_since or time.monotonic()
            return self._gone(view) if time.monotonic() - self._denied_since >= self._pace.doubt else None
        self._denied_since = None
        if isinstance(view, Pending | InProgress):
            self._set(hear(self._track, view, time.time()))
            return None
        return self._gone(view) if isinstance(view, Interrupted) else view

    def _send(self, graph: Graph) -> View | None:
        """Post the graph once; the final view where there is nothing to be sent any more.

        Where it may have arrived already (its answer was lost, or the studio was restarted), the engine must deny
        knowing the job for as long as in `_look` before it is sent again. An earlier attempt is taken back first.
        """
        if not (self._maybe_posted and has_arrived(self._server, self.row.prompt_id, self._pace, self._check_stopped)):
            over = self._end_earlier()
            if over is not None or self._cancel.is_set():
                return over or Interrupted()
            self._maybe_posted = True
            submit(self._server, self.row, graph)
        self._posted = True
        self._absence.over()
        posted_at = time.time()
        self.row = replace(self.row, posted_at=posted_at)
        self._note_down(lambda: self._store.set_posted(self.row.id, posted_at))
        return None

    def _await_turn(self) -> bool:
        """Wait until the job may be sent; False when it was cancelled before. No socket is open meanwhile."""
        while not self._turn.wait(self._pace.tick):
            self._check_stopped()
            if self._cancel.is_set():
                return False
        self._check_stopped()
        return True

    def _send_cancel(self) -> None:
        if self._cancel.is_set() and not self._cancel_sent:
            self._server.cancel(self.row.prompt_id)
            self._cancel_sent = True

    def _foresee(self, graph: Graph) -> Track:
        engine = describe(self._server.url, self._server.system_stats(), 0)
        if self.row.engine != drafting.NAME:
            self._note_down(lambda: self._store.set_engine(self.row.id, drafting.SKETCH if engine.draft else ""))
        estimate = self._recorder.begin(sent(self.row, graph), engine)
        self._overseer.expect(estimate)
        return replace(self._track, plan=planned(self.row, graph, estimate), expected=estimate)

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
                self._absence.over()
                return done

    def _wait_out(self, error: Unreachable) -> bool:
        """Wait before the next attempt; False when the job was cancelled and the engine stays away. May raise."""
        pause = self._absence.lasts(error, leaving=self._cancel.is_set(), sent=self._posted or self._maybe_posted)
        if pause is None:
            return False
        self._set(unanswered(self._track, time.time()))
        self._overseer.pause()
        self._stop.wait(pause)
        return True

    def _keep_enhanced(self, texts: Mapping[str, str]) -> None:
        text = texts.get(self._showing or "")
        if text and text != self._enhanced:
            self._enhanced = text
            self._note_down(lambda: self._store.set_enhanced(self.row.id, text))

    def _note_down(self, write: Callable[[], None]) -> bool:
        """Write what a job can go on without; a full disk must not end it. Whether it was written."""
        try:
            write()
        except StudioError:
            log.exception("job %s", self.row.id)
            return False
        return True

    def _check_stopped(self) -> None:
        if self._stop.is_set():
            raise Stopped

    def _set(self, track: Track) -> None:
        if isinstance(track.state, Running) and not isinstance(self._track.state, Running):
            self._note_down(lambda: self._store.set_started(self.row.id, track.started_at or time.time()))
        if track.texts is not self._track.texts:
            self._keep_enhanced(track.texts)
        if track is not self._track:
            if track.advanced_from(self._track):
                self._overseer.progress()
            self._overseer.see(track.state, self._posted)
            self._track = track
            self._publish(noted(track, self._overseer.note))

    def _oversee(self, heard: bool) -> View | None:
        """See to it that the job's time is not up; the final view if that shows. `heard`: progress would be told."""
        if self._cancel.is_set():
            return None
        before = self._overseer.note
        verdict = self._overseer.verdict(self._track.state, heard)
        if self._overseer.note != before:
            self._publish(noted(self._track, self._overseer.note))
        if verdict is None:
            return None
        # The engine is asked before anything is done: the job may have ended, or may not run at all.
        final = self._look()
        if final is not None or self._denied_since is not None:
            return final
        if self._overseer.verdict(self._track.state, heard) != verdict:
            return None
        if verdict == "longer":
            self._overseer.extend(self._track.state)
            self._publish(noted(self._track, self._overseer.note))
            return None
        if verdict == "stuck" and not isinstance(self._server.locate(earlier(self.row) or ""), InProgress):
            self._overseer.excuse()
            return None
        return self._take_back(verdict)

    def _take_back(self, verdict: TimeUp) -> View | None:
        """Take the job back, or have it sent again where it fell silent for the first time. May raise."""
        if verdict == "silent" and self.row.attempt < ATTEMPTS and self._begin_attempt():
            return None
        self._taking = verdict
        view = taken_back(self._server, self.row.prompt_id, self._pace, self._check_stopped)
        return view or self._gone(Interrupted())

    def _gone(self, view: View) -> View:
        """The view of a job that was ended. Raises StudioError where that was done because its time was up."""
        if self._taking is not None and not self._cancel.is_set():
            self._overseer.give_up(self._taking, self._track.state, self._server)
        return view

    def _begin_attempt(self) -> bool:
        """Get ready to send the job once more; False where that can't be written down.

        It is written before the engine hears of anything: a studio that ends in between knows what to go on with.
        """
        attempt = self.row.attempt + 1
        if not self._note_down(lambda: self._store.begin_attempt(self.row.id, attempt)):
            return False
        self.row = replace(self.row, attempt=attempt, posted_at=None, started_at=self._track.started_at)
        self._posted = self._maybe_posted = False
        self._overseer.again(self._track.state)
        self._recorder.again(self.row.prompt_id)
        self._set(Track(self.row.prompt_id, self._track.plan, expected=self._track.expected))
        return True

    def _end_earlier(self) -> View | None:
        """Take the attempt before this one back; its view if it has ended by itself after all."""
        prompt_id = earlier(self.row)
        if prompt_id is None:
            return None
        view = taken_back(self._server, prompt_id, self._pace, self._check_stopped)
        if view is None:
            self._overseer.make_room(self._server)
        elif self.row.started_at is not None:
            began = self.row.started_at
            self._note_down(lambda: self._store.set_started(self.row.id, began))
        return view
