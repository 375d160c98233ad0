"""What an engine lacks, as the pages say it."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.jobs import JobManager
from tests.pages.conftest import serve
from tests.pages.visit import Visit
from tests.support import scripted
from tests.support.commands import eventually


def test_a_mode_says_in_one_sentence_what_its_engine_lacks(lora_manager: JobManager) -> None:
    assert eventually(lambda: lora_manager.engine().preflight is not None)
    visit = Visit()
    assert sum("missing" in text for text in visit.shown) == 6
    visit.open_mode("t2v")
    (notice,) = [text for text in visit.shown if "This engine can't run this mode yet." in text]
    assert "The server lacks the file ltx-2.3-22b-dev-fp8.safetensors (29.1 GB from" in notice
    assert "python3 -m bootstrap models pull --mode t2v" in notice


def test_the_draft_engine_lacks_nothing(manager: JobManager) -> None:
    assert eventually(lambda: manager.engine().status == "alive")
    visit = Visit()
    visit.open_mode("style")
    assert not any("can't run" in text or "can run" in text for text in visit.shown)


@pytest.mark.parametrize("engine", ["manager", "lonely_manager"])
def test_a_notice_moves_nothing_on_the_page(request: pytest.FixtureRequest, engine: str) -> None:
    request.getfixturevalue(engine)
    assert max(Visit().open_mode("t2v").app.main.children) == 2


def test_a_server_that_does_not_let_the_studio_in_says_what_it_wants(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scripted.engine() as server:
        server.routes["GET /system_stats"] = lambda _: (401, b"")
        for manager in serve(tmp_path, int(server.url.rsplit(":", 1)[-1])):
            monkeypatch.setenv("STUDIO_COMFYUI_URL", server.url)
            assert eventually(lambda manager=manager: manager.engine().refusal != "")
            (notice,) = [text for text in Visit().shown if "does not let the studio in" in text]
            assert "credentials that it accepts (status 401)" in notice
            assert "STUDIO_COMFYUI_TOKEN" in notice
            server.routes["GET /system_stats"] = lambda _: (200, {"system": {}, "devices": [{}]})
            assert eventually(lambda manager=manager: manager.engine().status == "alive")
            assert not [text for text in Visit().shown if "does not let the studio in" in text]
