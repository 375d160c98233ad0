"""What the engine is and has: `/object_info`, `/models`, `/system_stats`, `/features` and their like."""

from __future__ import annotations

import sys
from pathlib import PurePath

from aiohttp import web

from bootstrap.draft import answers, memory
from bootstrap.draft.engine import ENGINE

PROTOCOL_VERSION = "0.27.0"
"""The ComfyUI version whose protocol is spoken here."""

DEPLOYMENT = "ltx-studio-draft"
"""`system.deploy_environment`: how a client tells the draft engine from ComfyUI."""

PAGE = """<!doctype html>
<meta charset="utf-8">
<title>Draft engine</title>
<h1>Draft engine</h1>
<p>The built-in CPU engine of LTX-2.3 Studio. It speaks ComfyUI's HTTP and websocket protocol; there is nothing more to
see here. Open the studio instead.</p>
"""

routes = web.RouteTableDef()


@routes.get("/")
async def root(request: web.Request) -> web.Response:
    """A page for a person who comes here by browser."""
    return web.Response(text=PAGE, content_type="text/html", headers={"Cache-Control": "no-store, must-revalidate"})


@routes.get("/object_info")
async def object_info(request: web.Request) -> web.Response:
    """The interfaces of all nodes."""
    engine = request.app[ENGINE]
    return web.json_response(engine.catalogue.object_info(engine.folders["input"]))


@routes.get("/object_info/{node_class}")
async def object_info_of(request: web.Request) -> web.Response:
    """The interface of one node under its name; an empty object for one that isn't known."""
    engine = request.app[ENGINE]
    name = request.match_info["node_class"]
    everything = engine.catalogue.object_info(engine.folders["input"])
    return web.json_response({name: everything[name]} if name in everything else {})


@routes.get("/models")
async def model_folders(request: web.Request) -> web.Response:
    """The names of the model folders."""
    return web.json_response(list(request.app[ENGINE].catalogue.models))


@routes.get("/models/{folder}")
async def models(request: web.Request) -> web.Response:
    """The files in a model folder."""
    files = request.app[ENGINE].catalogue.models.get(request.match_info["folder"])
    return answers.empty(404) if files is None else web.json_response(files)


@routes.get("/embeddings")
async def embeddings(request: web.Request) -> web.Response:
    """The embeddings, without suffixes."""
    files = request.app[ENGINE].catalogue.models.get("embeddings", ())
    return web.json_response([PurePath(file).stem for file in files])


@routes.get("/extensions")
async def extensions(request: web.Request) -> web.Response:
    """Scripts for ComfyUI's editor: there are none."""
    return web.json_response([])


@routes.get("/features")
async def features(request: web.Request) -> web.Response:
    """What the server can do, as in the websocket's exchange of feature flags."""
    return web.json_response(request.app[ENGINE].features)


@routes.get("/system_stats")
async def system_stats(request: web.Request) -> web.Response:
    """The machine and the versions. As on ComfyUI without a GPU, the device's memory is the machine's."""
    total, free = memory.total(), memory.free()
    system = {
        "os": sys.platform,
        "ram_total": total,
        "ram_free": free,
        "comfyui_version": PROTOCOL_VERSION,
        "required_frontend_version": "",
        "installed_templates_version": "",
        "required_templates_version": "",
        "comfy_package_versions": [],
        "python_version": sys.version,
        "pytorch_version": "none",
        "embedded_python": False,
        "deploy_environment": DEPLOYMENT,
        "argv": sys.argv,
    }
    device = {
        "name": "draft",
        "type": "cpu",
        "index": None,
        "vram_total": total,
        "vram_free": free,
        "torch_vram_total": total,
        "torch_vram_free": free,
    }
    return web.json_response({"system": system, "devices": [device]})
