"""On a GPU with the weights: the smallest fast generation of each mode, through the supervised ComfyUI."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from client import settings as configuration
from tests.support import uploads
from tests.support.commands import CHECKOUT, environment
from tests.support.supervised import Supervised, supervised
from tests.support.videos import describe, frames
from workflows import manifest
from workflows.grid import SIZE_STEP

pytestmark = pytest.mark.gpu
SECONDS = 0.4
SIDE = 4 * SIZE_STEP
FILES = {
    "image": ("png", uploads.png(SIDE, SIDE)),
    "audio": ("wav", uploads.wav(1.0)),
    "video": ("mp4", uploads.clip(1.0)),
}
A_JOB_SECONDS = 1800


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervised]:
    """A studio of its own on the managed engine that is installed here."""
    installed = configuration.read()
    with supervised(
        tmp_path_factory.mktemp("studio"), STUDIO_ENGINE="managed", STUDIO_COMFYUI_DIR=str(installed.comfyui_dir)
    ) as studio:
        yield studio


@pytest.mark.parametrize("name", manifest.MODES)
def test_the_smallest_fast_video_of_a_mode_is_one(studio: Supervised, tmp_path: Path, name: str) -> None:
    mode, out = manifest.mode(name), tmp_path / "clip.mp4"
    values = {"prompt": "a red kite over the sea", "seed": "1"}
    known = {field.name for field in mode.fields}
    wanted = {"width": SIDE, "height": SIDE, "seconds": SECONDS}
    values |= {field: str(value) for field, value in wanted.items() if field in known}
    for field in mode.fields:
        if field.required and field.type in FILES:
            ending, data = FILES[field.type]
            path = tmp_path / f"{field.name}.{ending}"
            path.write_bytes(data)
            values[field.name] = str(path)
    made = subprocess.run(
        [sys.executable, "-m", "client", "run", name, "--preset", "fast", "--server", studio.engine_url, "--json"]
        + [f"--set={field}={value}" for field, value in values.items()]
        + ["--out", str(out)],
        cwd=CHECKOUT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=A_JOB_SECONDS,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    assert json.loads(made.stdout.splitlines()[-1])["state"] == "succeeded"
    found = describe(out)
    assert found["frames"] == len(frames(out))
    assert found["audio"], "the video has no sound"
    assert float(np.std(frames(out)[0])) > 1.0, "the first frame is one flat colour"
