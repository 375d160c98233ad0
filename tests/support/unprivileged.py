"""Running a function as a user without rights, in a process of its own."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NOBODY = 65534


@contextmanager
def open_folder() -> Iterator[Path]:
    """A temporary folder that every user may look into; pytest's own belong to one."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        folder.chmod(0o755)
        yield folder


def own_folder(path: Path) -> Path:
    """A folder of nobody's own."""
    path.mkdir()
    os.chown(path, NOBODY, NOBODY)
    return path


def as_nobody(function: Callable[[], Any]) -> Any:
    """What the function returns when nobody runs it, through JSON. Needs root."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            answer = json.dumps(function()).encode()
            os.write(writing, answer)
            code = 0
        except BaseException as error:
            os.write(writing, repr(error).encode())
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0, answer.decode()
    return json.loads(answer)
