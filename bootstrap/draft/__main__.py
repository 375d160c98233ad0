"""`python -m bootstrap.draft`: run the draft engine until SIGINT or SIGTERM.

Exit codes: 0 after a signal, 2 where it can't start (with one line that says why).
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import logging
import os
import signal
import socket
import sys
from pathlib import Path

from aiohttp import web

import bootstrap.draft.nodes  # noqa: F401 - registers the nodes
from bootstrap.draft import folders
from bootstrap.draft.engine import MEGABYTE, assemble
from bootstrap.draft.guard import is_loopback
from bootstrap.draft.interfaces import catalogue
from bootstrap.draft.server import application
from workflows.errors import StudioError

CANNOT_START = 2


def port_number(text: str) -> int:
    """A port from the command line."""
    port = int(text)
    if not 0 <= port < 65536:
        raise ValueError(text)
    return port


def arguments(argv: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser("python -m bootstrap.draft", description="The studio's built-in CPU engine.")
    parser.add_argument("--listen", default="127.0.0.1", metavar="ADDRESS", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=port_number, default=8188, help="port; 0 lets the system choose (%(default)s)")
    parser.add_argument(
        "--socket", type=int, metavar="FD", help="open listening socket to take over, whatever the port"
    )
    parser.add_argument("--while-stdin", action="store_true", help="end when standard input is closed, too")
    parser.add_argument("--base-directory", type=Path, default=Path(), metavar="DIR", help="holds input, output, temp")
    parser.add_argument("--max-upload-size", type=float, default=100, metavar="MB", help="largest body (%(default)s)")
    parser.add_argument("--verbose", action="store_true", help="log every prompt")
    return parser.parse_args(argv)


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises StudioError where the address can't be had."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        program, reason = "draft engine", error.strerror or str(error)
        if error.errno == errno.EADDRINUSE:
            raise StudioError("port_taken", program=program, port=port, flag="--port") from error
        raise StudioError(
            "address_unusable", program=program, host=host, port=port, reason=reason, flag="--listen"
        ) from error


async def serve(listening: socket.socket, app: web.Application, url: str, while_stdin: bool = False) -> None:
    """Serve until a signal comes or, where that counts, standard input is closed."""
    stop = asyncio.Event()
    if while_stdin:
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), lambda: None if os.read(0, 1) else stop.set())
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    print(f"The draft engine is ready at {url}", flush=True)
    await stop.wait()
    await runner.cleanup()


def main(argv: list[str]) -> int:
    """Run; returns the exit code."""
    given = arguments(argv)
    logging.basicConfig(level=logging.INFO if given.verbose else logging.WARNING, format="%(levelname)s %(message)s")
    base = given.base_directory.resolve()
    try:
        listening = bind(given.listen, given.port) if given.socket is None else socket.socket(fileno=given.socket)
        try:
            places = folders.prepare(base)
        except OSError as error:
            raise StudioError("data_unwritable", path=base, reason=error.strerror or str(error)) from error
    except StudioError as error:
        print(f"{error} {error.hint}", file=sys.stderr)
        return CANNOT_START
    host, port = listening.getsockname()[:2]
    engine = assemble(places, catalogue(), round(given.max_upload_size * MEGABYTE))
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    asyncio.run(serve(listening, application(engine, is_loopback(host)), url, given.while_stdin))
    folders.empty_temp(places)
    if engine.worker.is_busy():
        # A node that would not stop: the interpreter must not be taken down under it.
        logging.shutdown()
        os._exit(0)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
