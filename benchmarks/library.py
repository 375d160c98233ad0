"""How much longer the Library takes with many entries than with few: `python benchmarks/library.py [--many 10000]`.

Fills two data folders, then renders the page in both by Streamlit's AppTest, in turns, with every filter, and prints
the milliseconds of each (the quartile that a busy machine disturbs least) and their ratio. The few entries match every
filter, so that both pages are full and differ in nothing but what lies behind them. Exit code 1 where a ratio is above
`--most` (1.5). No engine is needed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from PIL import Image  # noqa: E402
from streamlit.testing.v1 import AppTest  # noqa: E402

from client import jobs  # noqa: E402
from client.jobs import JobManager  # noqa: E402
from client.states import Output, Succeeded  # noqa: E402
from client.store import NewJob  # noqa: E402
from workflows.build import build  # noqa: E402
from workflows.request import Request, parse  # noqa: E402
from workflows.values import Media  # noqa: E402

OWNER = "0123456789abcdef0123456789abcdef"
NOWHERE = "http://127.0.0.1:9"
SUBJECTS = ("lighthouse", "harbour", "fox in a forest", "old man with a pipe", "neon street", "paper boat", "mountain")
REST = (
    "at dusk, the camera pans slowly to the right while waves break on the rocks below; gulls, surf and a bell. "
    "Soft light from the left, shallow depth of field, muted colours, a few people far away who hardly move."
)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--few", type=int, default=10)
    parser.add_argument("--many", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--most", type=float, default=1.5)
    arguments = parser.parse_args()
    os.environ["STUDIO_ROUTES"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        few = [_request(70_001 + 3 * number) for number in range(arguments.few)]
        many = [_request(number) for number in range(arguments.many)]
        managers = [_filled(Path(folder, "few"), few, 1), _filled(Path(folder, "many"), many, 10)]
        print(f"{'':24}{arguments.few:>8} {arguments.many:>8}  ratio")
        worst = 0.0
        for name, prepare in VIEWS.items():
            fast, slow = _measured(managers, prepare, arguments.rounds)
            worst = max(worst, slow / fast)
            print(f"{name:24}{fast:8.1f} {slow:8.1f}  {slow / fast:5.2f}", flush=True)
        for manager in managers:
            manager.close()
    print(f"worst ratio {worst:.2f}, at most {arguments.most} is wanted")
    return int(worst > arguments.most)


def _filled(data: Path, requests: Sequence[Request], every: int) -> JobManager:
    """A studio with finished videos, one a quarter of an hour, every so many of them a favourite."""
    os.environ["STUDIO_DATA"] = str(data)
    manager = JobManager(data, NOWHERE)
    manager.folder.mkdir(parents=True)
    poster = manager.folder / "poster.jpg"
    Image.new("RGB", (640, 360), "teal").save(poster)
    graph, now, store = build(requests[0]), time.time(), manager.shelf.store
    for number, request in enumerate(requests):
        job_id, then = str(uuid.uuid4()), now - 900 * (len(requests) - number)
        store.add_all([NewJob(job_id, OWNER, request, "client")], then - 60)
        store.set_graph(job_id, graph)
        store.set_started(job_id, then - 50)
        store.close_job(job_id, Succeeded((Output(f"{job_id}.mp4", 5_000_000),)), then, poster.name)
        if number % every == 0:
            manager.shelf.set_favourite(OWNER, [job_id], True)
    return manager


def _request(number: int) -> Request:
    prompt = f"A {SUBJECTS[number % len(SUBJECTS)]} {REST} Take {number}."
    if number % 3:
        return parse("t2v", {"prompt": prompt, "seed": number})
    image = Media(f"ltx-studio/{number:024x}.png", f"photo {number}.png", f"/nowhere/{number:024x}.png", 5, 1280, 704)
    return parse("i2v", {"prompt": prompt, "seed": number, "image": image})


def _measured(managers: list[JobManager], prepare: Callable[[AppTest], None], rounds: int) -> tuple[float, float]:
    """Milliseconds of a run of the page with few and with many entries, taken in turns."""
    apps = []
    for manager in managers:
        jobs._manager = manager
        app = AppTest.from_file(ROOT / "Home.py", default_timeout=60)
        app.query_params["u"] = OWNER
        app.run()
        app.switch_page("pages/Library.py")
        app.query_params["u"] = OWNER
        app.run()
        prepare(app)
        app.run()
        assert not app.exception, app.exception
        apps.append(app)
    taken: list[list[float]] = [[], []]
    for _ in range(rounds):
        for manager, app, times in zip(managers, apps, taken, strict=True):
            jobs._manager = manager
            started = time.perf_counter()
            app.run()
            times.append(1000 * (time.perf_counter() - started))
    few, many = (statistics.quantiles(times, n=4)[0] for times in taken)
    return few, many


def _set(key: str, value: object) -> Callable[[AppTest], None]:
    return lambda app: app.get_by_key(key).set_value(value)


def _last_page(app: AppTest) -> None:
    (pages,) = app.get("pagination") or (None,)
    if pages is not None:
        pages.set_value(pages.proto.num_pages)


VIEWS: dict[str, Callable[[AppTest], None]] = {
    "newest": lambda app: None,
    "last page": _last_page,
    "a mode": _set("library.mode", "t2v"),
    "a common word": _set("library.text", "camera"),
    "a rare word": _set("library.text", "take 7"),
    "a word of none": _set("library.text", "zeppelin"),
    "favourites": _set("library.favourites", "library.favourites"),
    "the last 30 days": _set("library.period", "month"),
    "selecting": lambda app: app.button(key="select").click(),
}

if __name__ == "__main__":
    sys.exit(main())
