"""The supervised program `studio`: Home.py served by Streamlit on uvicorn, with the routes plain Streamlit lacks."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from pkgutil import iter_modules

import streamlit as st
import uvicorn
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.web.bootstrap import load_config_options

from bootstrap.identity import IdentityMiddleware
from bootstrap.layout import CHECKOUT
from bootstrap.lifeline import die_with_supervisor
from bootstrap.media import exports_route, library_route, uploads_route
from client import settings as configuration
from client.jobs import manager
from client.settings import Settings
from workflows.errors import StudioError

# What Streamlit imports on first use: loaded before the freeze, or every later full collection walks through it.
_HEAVY = ("pandas", "pyarrow", "altair", "streamlit.dataframe_util", "streamlit.elements.arrow")

# Loaded before the first visitor of a page comes, who would wait for them.
_PARTS = "pages.parts"

_COLLECT_SECONDS = 2.0

# How long a thread that computes keeps Python's lock from others. What answers browsers gives it up at every write, and
# with Python's own five milliseconds it would wait longer than it works.
_SWITCH_SECONDS = 0.0005

# A browser that plays a video keeps its connection busy; supervisord.conf gives ten seconds before it kills.
_LAST_ANSWERS_SECONDS = 2


def application(settings: Settings) -> st.App:
    """The ASGI application: pages, media routes, /health, identity cookie."""

    @asynccontextmanager
    async def lifespan(_: st.App) -> AsyncIterator[None]:
        parts = [f"{_PARTS}.{part.name}" for part in iter_modules(import_module(_PARTS).__path__)]
        for name in (*_HEAVY, *parts):
            import_module(name)
        jobs = await asyncio.to_thread(manager)
        # What lives for ever need not be walked by every collection.
        gc.collect()
        gc.freeze()
        collecting = asyncio.create_task(_collect())
        yield
        collecting.cancel()
        await asyncio.to_thread(jobs.close)

    return st.App(
        CHECKOUT / "Home.py",
        lifespan=lifespan,
        routes=[
            Route("/health", _health, methods=["GET"]),
            library_route(settings.data / "library"),
            uploads_route(settings.data / "uploads"),
            exports_route(settings.data / "exports"),
        ],
        middleware=[Middleware(_ends_with_server), Middleware(IdentityMiddleware)],
    )


def main() -> int:
    """Serve until SIGTERM or SIGINT."""
    try:
        settings = configuration.read()
    except StudioError as error:
        print(error, error.hint, file=sys.stderr)
        return 2
    die_with_supervisor(settings.data)
    load_config_options(
        {
            "server.address": settings.host,
            "server.port": settings.port,
            "server.maxUploadSize": settings.max_upload_mb,
            "runner.postScriptGC": False,
        }
    )
    sys.setswitchinterval(_SWITCH_SECONDS)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # Tells the pages that the media routes are there.
    os.environ["STUDIO_ROUTES"] = "1"
    uvicorn.run(
        application(settings),
        host=settings.host,
        port=settings.port,
        ws="websockets-sansio",
        ws_max_size=st.get_option("server.maxMessageSize") * 1_000_000,
        ws_per_message_deflate=bool(st.get_option("server.enableWebsocketCompression")),
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=_LAST_ANSWERS_SECONDS,
    )
    return 0


async def _collect() -> None:
    """Free what hangs in cycles, uploads among it, now and then: Streamlit would after every run of every fragment."""
    while True:
        await asyncio.sleep(_COLLECT_SECONDS)
        gc.collect()


def _ends_with_server(app: ASGIApp) -> ASGIApp:
    """Answers still being sent when the server stops are cancelled: an end, not an error for the log."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        with suppress(asyncio.CancelledError):
            await app(scope, receive, send)

    return call


async def _health(_: Request) -> JSONResponse:
    """The studio answers, so it is well; the engine as the newest snapshot has it. Never waits for the engine."""
    return JSONResponse({"studio": "ok", "engine": manager().engine().status})


if __name__ == "__main__":
    sys.exit(main())
