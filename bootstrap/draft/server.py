"""The web application: all routes, with and without /api, around one engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from bootstrap.draft import (
    routes_info,
    routes_jobs,
    routes_prompt,
    routes_queue,
    routes_upload,
    routes_view,
)
from bootstrap.draft.engine import ENGINE, Engine
from bootstrap.draft.guard import guard

PATIENCE = 5.0
"""Seconds that a running node gets to notice that the engine stops."""

TABLES = (
    routes_info.routes,
    routes_prompt.routes,
    routes_queue.routes,
    routes_view.routes,
    routes_upload.routes,
    routes_jobs.routes,
)


def application(engine: Engine, loopback_only: bool) -> web.Application:
    """The application; it starts the engine's worker with itself and stops it at its end."""
    app = web.Application(client_max_size=engine.max_upload, middlewares=[guard(loopback_only)])
    app[ENGINE] = engine
    app[routes_prompt.COUNTER] = routes_prompt.new_counter()
    app[routes_upload.PLACING] = asyncio.Lock()
    app.router.add_get("/ws", engine.hub.handle)
    app.router.add_get("/api/ws", engine.hub.handle)
    for table in TABLES:
        for route in table:
            # A real server adds /api to every route, also to those that have it already.
            if isinstance(route, web.RouteDef):
                route.register(app.router)
                web.RouteDef(route.method, f"/api{route.path}", route.handler, route.kwargs).register(app.router)
    app.router.add_get("/{path:.*}", _not_found)
    app.cleanup_ctx.append(_running)
    app.on_shutdown.append(_say_goodbye)
    return app


async def _not_found(request: web.Request) -> web.Response:
    """As on a real server, where anything unknown is looked for among the editor's files."""
    return web.Response(status=404, content_type="application/octet-stream")


async def _running(app: web.Application) -> AsyncIterator[None]:
    engine = app[ENGINE]
    engine.hub.attach(asyncio.get_running_loop())
    engine.worker.start()
    yield
    await asyncio.to_thread(engine.worker.stop, PATIENCE)


async def _say_goodbye(app: web.Application) -> None:
    await app[ENGINE].hub.close()
