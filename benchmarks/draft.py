"""How long the draft engine takes for a clip: `python benchmarks/draft.py [--seconds 5] [--size WxH] [PROMPT …]`.

Starts an engine of its own, sends the text-to-video graph over HTTP once per prompt, and prints the time from sending
to the finished file, the processor time, their ratio to the clip's duration, and the engine's peak memory.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PROMPTS = (
    "a sailboat on the sea at sunset, camera pans right",
    "a hiker in the mountains at dawn, slow dolly in",
    "a red car drives down a neon street in the rain",
    "a fox walks through a misty green forest in the rain",
)
FPS = 24


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prompts", nargs="*", default=PROMPTS, metavar="PROMPT")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--size", default="1280x704", metavar="WxH")
    arguments = parser.parse_args()
    width, height = (int(side) for side in arguments.size.split("x"))
    frames = 8 * round(arguments.seconds * FPS / 8) + 1
    print(f"{width}x{height}, {frames} frames at {FPS} per second on {os.cpu_count()} processors")
    print(f"{'seconds':>8} {'cpu s':>8} {'of clip':>8}  prompt")
    with tempfile.TemporaryDirectory() as base:
        command = [sys.executable, "-m", "bootstrap.draft", "--port", "0", "--base-directory", base]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        try:
            for prompt in arguments.prompts:
                started, used = time.perf_counter(), _cpu_seconds(process.pid)
                _run(url, _graph(prompt, width, height, frames))
                took, used = time.perf_counter() - started, _cpu_seconds(process.pid) - used
                print(f"{took:8.2f} {used:8.2f} {took * FPS / frames:8.2f}  {prompt}")
            print(f"peak memory {_peak_megabytes(process.pid):.0f} MB")
        finally:
            process.terminate()
            process.wait(20)


def _graph(prompt: str, width: int, height: int, frames: int) -> dict[str, Any]:
    graph: dict[str, Any] = json.loads((ROOT / "workflows" / "t2v.json").read_text())
    values = {
        "Prompt": {"text": prompt},
        "Video latent": {"width": width // 2, "height": height // 2, "length": frames},
        "Audio latent": {"frames_number": frames},
    }
    for node in graph.values():
        node["inputs"] |= values.get(node["_meta"]["title"], {})
    return graph


def _run(url: str, graph: dict[str, Any]) -> None:
    """Send a graph and wait until it has ended well."""
    prompt_id = str(uuid.uuid4())
    body = json.dumps({"prompt": graph, "prompt_id": prompt_id, "client_id": "benchmark"}).encode()
    request = urllib.request.Request(f"{url}/prompt", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        errors = json.load(answer)["node_errors"]
    if errors:
        raise SystemExit(f"the engine refused the graph: {errors}")
    while True:
        with urllib.request.urlopen(f"{url}/history/{prompt_id}") as answer:
            entry = json.load(answer).get(prompt_id)
        if entry:
            if not entry["status"]["completed"]:
                raise SystemExit(f"the prompt failed: {entry['status']['messages'][-1]}")
            return
        time.sleep(0.01)


def _cpu_seconds(pid: int) -> float:
    """User and system time of a process (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_megabytes(pid: int) -> float:
    """Most resident memory a process has had (Linux)."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) / 1024


if __name__ == "__main__":
    main()
