"""What must hold before anything is started. Each failure is one StudioError, raised before a process exists."""

from __future__ import annotations

import errno
import socket
import tempfile
from pathlib import Path

from bootstrap.engines import Engine, External, Managed
from bootstrap.layout import log_folder, run_folder
from bootstrap.probe import engine_refusal
from client.settings import Settings
from workflows.errors import StudioError

_EXTERNAL_SECONDS = 10.0


def data_folder(data: Path) -> None:
    """Make the data folder and the folders the supervisor writes to. Raises StudioError `data_unwritable`."""
    try:
        log_folder(data).mkdir(parents=True, exist_ok=True)
        run_folder(data).mkdir(mode=0o700, exist_ok=True)
        for folder in (data, log_folder(data), run_folder(data)):
            with tempfile.TemporaryFile(dir=folder):
                pass
    except OSError as error:
        raise StudioError("data_unwritable", path=data, reason=(error.strerror or str(error)).lower()) from None


def ports(settings: Settings, engine: Engine) -> None:
    """Raises StudioError `ports_equal`, `port_taken` or `address_unusable`."""
    if not isinstance(engine, External):
        if settings.port == engine.port:
            raise StudioError("ports_equal", port=engine.port)
        _free("engine", "127.0.0.1", engine.port, "--engine-port")
    _free("studio", settings.host, settings.port, "--port")


def external_server(engine: Engine) -> None:
    """An external engine answers now. Raises StudioError as `engine_refusal` gives and raises it."""
    if isinstance(engine, External):
        refusal = engine_refusal(engine.url, _EXTERNAL_SECONDS, engine.access)
        if refusal:
            raise refusal


def custom_nodes(settings: Settings, engine: Engine) -> None:
    """The node packs that a managed engine is to load are there. Raises StudioError `custom_nodes_missing`."""
    if isinstance(engine, Managed):
        folder = engine.home.base / "custom_nodes"
        for name in settings.comfyui_nodes:
            if not (folder / name).exists():
                raise StudioError("custom_nodes_missing", value=name, path=folder)


def _free(program: str, host: str, port: int, flag: str) -> None:
    taken = StudioError("port_taken", program=program, port=port, flag=flag)
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as listener:
            # As the servers do: connections of an earlier run may still be in TIME_WAIT.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen()
    except UnicodeError:
        reason, flag = "no valid host name", "--host"
        raise StudioError("address_unusable", program=program, host=host, port=port, reason=reason, flag=flag) from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise taken from None
        reason = (error.strerror or str(error)).lower()
        flag = "--host" if error.errno != errno.EACCES and program == "studio" else flag
        raise StudioError("address_unusable", program=program, host=host, port=port, reason=reason, flag=flag) from None
    # macOS lets two sockets share a port when one of them is bound to every address, so binding alone proves little.
    if _listens(host, port):
        raise taken


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=0.5):
            return True
    except OSError:
        return False
