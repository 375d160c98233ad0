"""The HTTP side of one ComfyUI server, of any age from 0.3.64 on.

`Unreachable` means that no answer came: ask again later. `StudioError` is an answer that says no.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import requests
from requests_toolbelt import MultipartEncoder

from client import refusal, views
from client.views import EngineFile, View
from workflows import address
from workflows.access import Access
from workflows.build import Capabilities
from workflows.errors import StudioError
from workflows.graph import Graph

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
UPLOAD_SEND_SECONDS = 120.0
UPLOAD_READ_SECONDS = 300.0
CHUNK_BYTES = 1 << 20
LOOPBACK = ("127.0.0.1", "localhost", "::1")
LORA_LOADER = "LoraLoaderModelOnly"
GATEWAY_ERRORS = (502, 503, 504)
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
JSON_HEADERS = {"Content-Type": "application/json"}


class Unreachable(Exception):
    """The server gave no usable answer; it may be starting, busy or gone."""


class Server:
    """One server at `url` (http or https, path prefix allowed). Not for use by two threads at once.

    `access` goes with every request and with the websocket's handshake; the URL must hold no credentials.
    """

    def __init__(self, url: str, access: Access | None = None) -> None:
        self.url = url.rstrip("/")
        self.access = access or Access()
        self._session = requests.Session()
        self._session.headers.update(self.access.headers)
        if "Authorization" in self._session.headers:
            # Without this, an entry for the host in ~/.netrc would take its place.
            self._session.auth = _as_it_is
        # A proxy meant for the internet must not catch the engine on this machine.
        self._session.trust_env = urlsplit(self.url).hostname not in LOOPBACK
        self._has_jobs = True

    def close(self) -> None:
        """Close the kept connections."""
        self._session.close()

    def websocket_url(self, client_id: str) -> str:
        """Address of `/ws` for this client id."""
        return f"ws{self.url.removeprefix('http')}/ws?{urlencode({'clientId': client_id})}"

    def system_stats(self) -> dict[str, Any]:
        """`GET /system_stats`: versions, memory and devices."""
        return self._json("/system_stats", "system")

    def queue_remaining(self) -> int:
        """`GET /prompt`: how many prompts run and wait; the cheapest sign of life."""
        return int(self._json("/prompt", "exec_info")["exec_info"]["queue_remaining"])

    def max_upload_bytes(self) -> int | None:
        """`GET /features`: the largest request body; None where the server doesn't say, as old ones lack the route."""
        answer = self._request("GET", "/features")
        most = _payload(answer).get("max_upload_size") if answer.status_code == 200 else None
        return int(most) if isinstance(most, int | float) else None

    def object_info(self) -> dict[str, Any]:
        """`GET /object_info`: the interfaces of all nodes, about 1.4 MB, less those that a broken node has as null."""
        return {
            name: interface for name, interface in self._json("/object_info").items() if isinstance(interface, dict)
        }

    def loras(self) -> tuple[str, ...]:
        """`GET /object_info/LoraLoaderModelOnly`: the LoRA files it can load, by its own names for them."""
        capabilities = Capabilities.from_object_info(self._json(f"/object_info/{LORA_LOADER}", LORA_LOADER))
        return capabilities.options.get((LORA_LOADER, "lora_name"), ())

    def model_folders(self) -> tuple[str, ...]:
        """`GET /models`: the names of its models folders."""
        return self._names("/models")

    def models(self, folder: str) -> tuple[str, ...]:
        """`GET /models/{folder}`: the files in one of them, with subfolders before their names."""
        return self._names(f"/models/{quote(folder, safe='')}")

    def submit(self, graph: Graph, prompt_id: str, client_id: str, extra_pnginfo: Mapping[str, Any]) -> None:
        """`POST /prompt`. Raises StudioError when the graph is refused, in part or as a whole.

        A 200 with `node_errors` runs the rest of the graph; it counts as refused and is cancelled.
        """
        body = {
            "prompt": graph,
            "prompt_id": prompt_id,
            "client_id": client_id,
            "extra_data": {"extra_pnginfo": dict(extra_pnginfo)},
        }
        answer = self._request("POST", "/prompt", data=json.dumps(body).encode(), headers=JSON_HEADERS)
        payload = _payload(answer)
        if answer.status_code != 200:
            raise refusal.explain(answer.status_code, payload)
        theirs = payload.get("prompt_id")
        if theirs != prompt_id:
            if not isinstance(theirs, str) or not UUID.fullmatch(theirs):
                raise Unreachable("its answer is not ComfyUI's")
            # Before 0.3.45 the id was the server's to choose. Without ours the job could not be found again.
            self.cancel(theirs)
            raise StudioError("engine_too_old", server=self.url)
        if payload.get("node_errors"):
            self.cancel(prompt_id)
            raise refusal.explain(answer.status_code, payload)

    def locate(self, prompt_id: str) -> View:
        """What the server knows of a prompt. History is read again last: a prompt may end between two looks."""
        ended = self._history(prompt_id)
        if ended is not None:
            return ended
        view = self._waiting(prompt_id)
        if isinstance(view, views.Unknown):
            return self._history(prompt_id) or view
        return view

    def _history(self, prompt_id: str) -> View | None:
        entry = self._json(f"/history/{quote(prompt_id)}").get(prompt_id)
        return views.from_history(entry) if entry else None

    def _waiting(self, prompt_id: str) -> View:
        if self._has_jobs:
            answer = self._request("GET", "/api/jobs?status=pending,in_progress")
            listed = _payload(answer).get("jobs")
            if answer.status_code == 200 and isinstance(listed, list):
                return views.from_jobs(listed, prompt_id)
            # 404: a server before 0.6. 500: a stranger's malformed extra data makes the route fail until it is gone.
            self._has_jobs = answer.status_code != 404
        return views.from_queue(self._json("/queue", "queue_running", "queue_pending"), prompt_id)

    def cancel(self, prompt_id: str) -> None:
        """Dequeue or interrupt this prompt and no other.

        `POST /api/jobs/{id}/cancel` does it at once where it exists (0.26); before, the queue entry is deleted and the
        interrupt names the prompt, which servers from 0.3.57 on obey. Older ones interrupt whatever runs, so that none
        is sent unless `GET /queue` shows this prompt running. Nothing happens when the prompt is over.
        """
        answer = self._request("POST", f"/api/jobs/{quote(prompt_id)}/cancel")
        if answer.status_code == 200 and "cancelled" in _payload(answer):
            return
        self._request("POST", "/queue", data=json.dumps({"delete": [prompt_id]}), headers=JSON_HEADERS)
        queue = self._json("/queue", "queue_running", "queue_pending")
        if isinstance(views.from_queue(queue, prompt_id), views.InProgress):
            body = json.dumps({"prompt_id": prompt_id})
            self._request("POST", "/interrupt", data=body, headers=JSON_HEADERS)

    def free(self) -> None:
        """`POST /free`: unload all models and forget all results, once nothing runs."""
        body = json.dumps({"unload_models": True, "free_memory": True})
        answer = self._request("POST", "/free", data=body, headers=JSON_HEADERS)
        if answer.status_code != 200:
            raise Unreachable(f"/free answered {answer.status_code}")

    def upload(self, path: Path, name: str, title: str) -> str:
        """`POST /upload/image`, streamed; any kind of file. Returns the name under which a graph finds it.

        `name` is ASCII and may have one folder in front. Raises StudioError `upload_too_large` where the server's own
        limit is lower than the file's size, before anything is sent.
        """
        size, most = path.stat().st_size, self.max_upload_bytes()
        if most is not None and size > most:
            raise StudioError("upload_too_large", title=title, size_mb=size / 1e6, high_mb=most / 1e6)
        folder, _, filename = name.rpartition("/")
        with path.open("rb") as file:
            fields = {"type": "input", "subfolder": folder, "image": (filename, file, "application/octet-stream")}
            encoder = MultipartEncoder(fields)
            answer = self._request(
                "POST",
                "/upload/image",
                data=encoder,
                headers={"Content-Type": encoder.content_type},
                # urllib3 holds the body's sending to the first of the two.
                timeout=(UPLOAD_SEND_SECONDS, UPLOAD_READ_SECONDS),
            )
        if answer.status_code == 413:
            raise StudioError("upload_too_large", title=title, size_mb=size / 1e6, high_mb=size / 1e6)
        if answer.status_code != 200:
            raise StudioError("upload_refused", title=title, status=answer.status_code)
        stored = _payload(answer)
        return "/".join(part for part in (stored["subfolder"], stored["name"]) if part)

    def download(self, file: EngineFile, target: Path, check: Callable[[], None]) -> int:
        """`GET /view` into `target`, streamed, calling `check` between chunks. Returns the bytes written.

        Raises StudioError `output_missing` when the engine no longer has the file, Unreachable when it breaks off.
        """
        query = urlencode({"filename": file.filename, "subfolder": file.subfolder, "type": file.type})
        # A proxy that compresses would make the announced length another one than that of the file.
        plain = {"Accept-Encoding": "identity"}
        with closing(self._request("GET", f"/view?{query}", stream=True, headers=plain)) as answer:
            if answer.status_code != 200:
                raise StudioError("output_missing", value=file.filename)
            expected = answer.headers.get("Content-Length")
            try:
                with target.open("wb") as sink:
                    written = 0
                    for chunk in answer.iter_content(CHUNK_BYTES):
                        check()
                        written += sink.write(chunk)
            except requests.RequestException as error:
                raise Unreachable(str(error)) from error
        if expected is not None and written != int(expected):
            raise Unreachable(f"{written} of {expected} bytes came")
        return written

    def _json(self, path: str, *expected: str) -> dict[str, Any]:
        """The JSON object at a path; Unreachable when it isn't one, or lacks an expected key."""
        answer = self._request("GET", path)
        if answer.status_code != 200:
            raise Unreachable(f"{path} answered {answer.status_code}")
        loaded = _json_of(answer)
        if not isinstance(loaded, dict) or any(key not in loaded for key in expected):
            raise Unreachable(f"its answer to {path} is not ComfyUI's")
        return loaded

    def _names(self, path: str) -> tuple[str, ...]:
        answer = self._request("GET", path)
        loaded = _json_of(answer) if answer.status_code == 200 else None
        return tuple(name for name in loaded if isinstance(name, str)) if isinstance(loaded, list) else ()

    def _request(self, method: str, path: str, **options: Any) -> requests.Response:
        options.setdefault("timeout", (CONNECT_SECONDS, READ_SECONDS))
        if self.access.ca is not None:
            # Named with each request: the session's own would give way to REQUESTS_CA_BUNDLE.
            options["verify"] = str(self.access.ca)
        try:
            answer = self._session.request(method, self.url + path, allow_redirects=False, **options)
        except (OSError, UnicodeError) as error:
            raise Unreachable(_reason(error)) from error
        if answer.status_code in GATEWAY_ERRORS:
            raise Unreachable(f"status {answer.status_code} from a proxy before it")
        if answer.status_code == 401 or (answer.status_code == 403 and not path.startswith("/view")):
            raise StudioError("engine_forbidden", server=self.url, status=answer.status_code)
        if answer.is_redirect:
            target = address.target(self.url, path, answer.headers["Location"])
            raise StudioError("engine_redirects", server=self.url, target=target)
        return answer


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _json_of(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except (ValueError, RecursionError):
        return None


def _payload(answer: requests.Response) -> dict[str, Any]:
    loaded = _json_of(answer)
    return loaded if isinstance(loaded, dict) else {}


def _reason(error: Exception) -> str:
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not trusted"
    if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
        return "the file of STUDIO_COMFYUI_CA can't be read"
    return "connection refused or cut" if isinstance(error, requests.ConnectionError) else type(error).__name__
