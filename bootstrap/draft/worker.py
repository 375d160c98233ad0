"""The thread that runs prompts, one at a time, and survives whatever a node does."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from pathlib import Path

from bootstrap.draft.announce import Announcer, Audience
from bootstrap.draft.cache import Cache
from bootstrap.draft.execute import execute, report
from bootstrap.draft.history import Entry
from bootstrap.draft.promptqueue import Prompt, PromptQueue
from workflows.schema import Interfaces

log = logging.getLogger(__name__)


class Worker:
    """Takes prompts from the queue until it is closed."""

    def __init__(
        self, queue: PromptQueue, audience: Audience, interfaces: Interfaces, folders: Mapping[str, Path]
    ) -> None:
        self._queue = queue
        self._audience = audience
        self._interfaces = interfaces
        self._folders = folders
        self._cache = Cache()
        self._thread = threading.Thread(target=self._run, name="draft-worker", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, patience: float) -> None:
        """Interrupt what runs and wait for it, at most `patience` seconds."""
        self._queue.close()
        self._thread.join(patience)

    def is_busy(self) -> bool:
        """Whether the thread lives: until `stop`, or on after it where a node does not listen."""
        return self._thread.is_alive()

    def _run(self) -> None:
        while (prompt := self._queue.take(self._cache.clear)) is not None:
            announcer = Announcer(self._audience, prompt)
            entry = self._execute(prompt, announcer)
            self._queue.finish(entry)
            announcer.done()
            log.info("prompt %s: %s", prompt.prompt_id, entry.ending)

    def _execute(self, prompt: Prompt, announcer: Announcer) -> Entry:
        try:
            return execute(prompt, self._cache, self._interfaces, self._folders, announcer)
        except BaseException as error:
            # Not a node's fault but the engine's own: the prompt has to end all the same, and the next one to run.
            log.exception("prompt %s broke the executor", prompt.prompt_id)
            announcer.failed(report(prompt.graph, None, [], {}, error))
            return Entry(prompt.row(), announcer.messages, {}, {})
