"""How fast bytes come, over the last seconds, and how long the rest takes."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

WINDOW_SECONDS = 10.0


class Meter:
    """Bytes per second over a moving window. `clock` gives seconds and never goes back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._points: deque[tuple[float, int]] = deque()

    def add(self, count: int) -> None:
        """Note that `count` further bytes came."""
        now = self._clock()
        total = (self._points[-1][1] if self._points else 0) + count
        if not self._points:
            self._points.append((now, 0))
        self._points.append((now, total))
        while len(self._points) > 2 and now - self._points[1][0] > WINDOW_SECONDS:
            self._points.popleft()

    def rate(self) -> float:
        """Bytes per second over the window; 0 before anything came."""
        if not self._points:
            return 0.0
        began, first = self._points[0]
        elapsed = self._clock() - began
        return (self._points[-1][1] - first) / elapsed if elapsed > 0 else 0.0

    def left(self, count: int) -> float | None:
        """Seconds for `count` further bytes; None where nothing comes."""
        rate = self.rate()
        return count / rate if rate > 0 else None
