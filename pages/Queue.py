"""What runs and what waits."""

from pages.parts.queue import queue

queue()
