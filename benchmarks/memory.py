"""What big files cost the studio's memory: `python benchmarks/memory.py [--megabytes 195]`.

Starts the studio as it is served, opens the page of Audio to Video over Streamlit's websocket as a browser would, puts
a WAV file of that size through Streamlit's upload route and gives it to the form; then streams and downloads a video of
the same size, by several readers at once. Prints the resident memory (RSS, from /proc) before, at most, and after.
Exit code 1 where an upload takes more than `--most` (1.15) times its size at once, or more than `--left` MB of it are
still there afterwards, or where reading a video takes more than `--reading` MB.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import threading
import time
import wave
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import requests  # noqa: E402
from requests_toolbelt import MultipartEncoder  # noqa: E402
from streamlit.proto.BackMsg_pb2 import BackMsg  # noqa: E402
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg  # noqa: E402
from websockets.asyncio.client import ClientConnection, connect  # noqa: E402

from tests.support.draft import start_draft  # noqa: E402
from tests.support.served import served  # noqa: E402

OWNER = f"{7:032x}"
COOKIE = {"Cookie": f"studio_owner={OWNER}"}
VIDEO = "3f25391a-5d2c-4b8e-9c1f-6a7b8c9d0e1f.mp4"
READERS = 4
PAGE = "Audio_to_Video"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=195)
    parser.add_argument("--most", type=float, default=1.15)
    parser.add_argument("--left", type=float, default=25.0)
    parser.add_argument("--reading", type=float, default=10.0)
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        engine, engine_url = start_draft(folder / "engine")
        stack.callback(engine.wait, 20)
        stack.callback(engine.terminate)
        (folder / "data" / "library").mkdir(parents=True)
        studio = stack.enter_context(served(folder, engine_url))
        address, process = studio.url, studio.process
        sound = folder / "long.wav"
        _write_sound(sound, arguments.megabytes)
        # The first page and the first small upload import what later ones use again.
        small = folder / "short.wav"
        _write_sound(small, 1)
        asyncio.run(_upload(address, small))
        time.sleep(5)
        rows = [
            _measured("upload", process.pid, lambda: asyncio.run(_upload(address, sound)), settle=12),
            _measured("the same again", process.pid, lambda: asyncio.run(_upload(address, sound)), settle=12),
        ]
        (folder / "data" / "library" / VIDEO).write_bytes(sound.read_bytes())
        rows += [
            _measured("ranges of a video", process.pid, lambda: _at_once(lambda: _play(address)), settle=1),
            _measured("downloads", process.pid, lambda: _at_once(lambda: _download(address)), settle=1),
        ]
    size = arguments.megabytes
    print(f"{'MB of RSS':20}{'before':>9}{'at most':>9}{'after':>9}")
    for row in rows:
        print(f"{row.name:20}{row.before:9.0f}{row.most:9.0f}{row.after:9.0f}")
    uploads, reads = rows[:2], rows[2:]
    wrong = [f"{row.name}: took {row.rise:.0f} MB at once" for row in uploads if row.rise > arguments.most * size]
    wrong += [f"{row.name}: {row.left:.0f} MB are left" for row in uploads if row.left > arguments.left]
    wrong += [f"{row.name}: took {row.rise:.0f} MB" for row in reads if row.rise > arguments.reading]
    for sentence in wrong:
        print(sentence)
    return int(bool(wrong))


@dataclass(frozen=True)
class Measured:
    """Megabytes of resident memory."""

    name: str
    before: float
    most: float
    after: float

    @property
    def rise(self) -> float:
        """How much more it was at most."""
        return self.most - self.before

    @property
    def left(self) -> float:
        """How much of that did not go away."""
        return self.after - self.before


def _measured(name: str, pid: int, act: Callable[[], object], settle: float) -> Measured:
    before, seen, done = _resident(pid), [0.0], threading.Event()

    def look() -> None:
        while not done.wait(0.01):
            seen.append(_resident(pid))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        act()
        time.sleep(settle)
    finally:
        done.set()
        looking.join()
    return Measured(name, before, max(seen), _resident(pid))


def _resident(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def _write_sound(path: Path, megabytes: int) -> None:
    """A stereo file, silent but for its number of bytes."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(48000)
        for _ in range(megabytes):
            file.writeframes(bytes(1_000_000))


async def _upload(address: str, path: Path) -> None:
    """What a browser does when a file is dropped on the form, and the page is closed when it is there."""
    async with connect(
        address.replace("http", "ws", 1) + "/_stcore/stream",
        additional_headers=COOKIE,
        subprotocols=["streamlit"],
        max_size=None,
        compression=None,
    ) as socket:
        message = BackMsg()
        message.rerun_script.page_name = PAGE
        await socket.send(message.SerializeToString())
        said = await _heard(socket, "script_finished")
        (widget,) = [
            one.delta.new_element.file_uploader.id
            for one in said
            if one.WhichOneof("type") == "delta" and one.delta.new_element.HasField("file_uploader")
        ]
        home = next(one.navigation.page_script_hash for one in said if one.WhichOneof("type") == "navigation")
        message = BackMsg()
        message.file_urls_request.request_id = "1"
        message.file_urls_request.file_names.append(path.name)
        message.file_urls_request.session_id = next(
            one.new_session.initialize.session_id for one in said if one.WhichOneof("type") == "new_session"
        )
        await socket.send(message.SerializeToString())
        (place,) = (await _heard(socket, "file_urls_response"))[-1].file_urls_response.file_urls
        await asyncio.to_thread(_put, address + place.upload_url, path)
        message = BackMsg()
        message.rerun_script.page_script_hash = home
        state = message.rerun_script.widget_states.widgets.add()
        state.id = widget
        info = state.file_uploader_state_value.uploaded_file_info.add()
        info.file_id, info.name, info.size = place.file_id, path.name, path.stat().st_size
        info.file_urls.CopyFrom(place)
        await socket.send(message.SerializeToString())
        shown = await _heard(socket, "script_finished")
        assert any(path.name in one.delta.new_element.html.body for one in shown if one.WhichOneof("type") == "delta")


async def _heard(socket: ClientConnection, last: str) -> list[ForwardMsg]:
    """Messages up to one of that type."""
    said: list[ForwardMsg] = []
    while not said or said[-1].WhichOneof("type") != last:
        raw = await asyncio.wait_for(socket.recv(), 120)
        assert isinstance(raw, bytes)
        said.append(ForwardMsg.FromString(raw))
    return said


def _put(address: str, path: Path) -> None:
    with path.open("rb") as file:
        body = MultipartEncoder({"file": (path.name, file, "audio/wav")})
        # The token that guards against other sites' forms comes with a page.
        session = requests.Session()
        session.get(address.split("/_stcore")[0] + "/_stcore/host-config", timeout=30)
        session.get(address.split("/_stcore")[0] + "/_stcore/health", timeout=30)
        token = session.cookies.get("_streamlit_xsrf") or ""
        headers = {"Content-Type": body.content_type, "X-Xsrftoken": token}
        answer = session.put(address, data=body, headers=headers, timeout=300)
    assert answer.status_code == 204, (answer.status_code, answer.text[:300])


def _at_once(read: Callable[[], object]) -> None:
    readers = [threading.Thread(target=read) for _ in range(READERS)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()


def _play(address: str) -> None:
    """Read a video as a browser does that plays it and jumps about."""
    url = f"{address}/app/static/library/{VIDEO}"
    size = int(requests.head(url, timeout=30).headers["Content-Length"])
    for start in range(0, size, size // 8 + 1):
        with requests.get(url, headers={"Range": f"bytes={start}-"}, stream=True, timeout=60) as answer:
            assert answer.status_code == 206, answer.status_code
            for number, _ in enumerate(answer.iter_content(1 << 20)):
                if number == 20:
                    break


def _download(address: str) -> None:
    with requests.get(f"{address}/app/static/library/{VIDEO}?download", stream=True, timeout=300) as answer:
        assert answer.headers["Content-Disposition"] == "attachment"
        for _ in answer.iter_content(1 << 20):
            pass


if __name__ == "__main__":
    sys.exit(main())
