"""Where each setting came from, and that none of its secrets is shown."""

from pathlib import Path

import pytest

from client import origins, settings
from client.settings import SETTINGS


def given(environ: dict[str, str]) -> dict[str, origins.Given]:
    return {one.setting.env: one for one in origins.given(settings.read(environ), environ)}


def test_a_flag_wins_over_the_environment_and_that_over_the_default(tmp_path: Path) -> None:
    environ = {"STUDIO_DATA": str(tmp_path), "STUDIO_PORT": "9000", "STUDIO_VRAM": "low"}
    flags = {"STUDIO_PORT": "9001"}
    started = settings.read(environ, flags)
    handed_on = {**settings.environment(started), origins.HANDED_ON: origins.note(environ, flags)}
    found = given(handed_on)
    assert (found["STUDIO_PORT"].value, found["STUDIO_PORT"].origin) == ("9001", "flag")
    assert (found["STUDIO_VRAM"].value, found["STUDIO_VRAM"].origin) == ("low", "environment")
    assert (found["STUDIO_ENGINE_PORT"].value, found["STUDIO_ENGINE_PORT"].origin) == ("8188", "default")


def test_without_up_a_variable_is_the_environment_s(tmp_path: Path) -> None:
    found = given({"STUDIO_DATA": str(tmp_path)})
    assert (found["STUDIO_DATA"].origin, found["STUDIO_HOST"].origin) == ("environment", "default")


def test_secrets_are_masked(tmp_path: Path) -> None:
    environ = {
        "STUDIO_DATA": str(tmp_path),
        "STUDIO_COMFYUI_URL": "https://someone:password1@host/x",
        "STUDIO_COMFYUI_HEADERS": "X-Key: value2",
        "STUDIO_COMFYUI_SOURCE": "https://u:password3@git/x",
    }
    found = given(environ)
    shown = " ".join(one.value for one in found.values())
    for secret in ("someone", "password1", "value2", "password3"):
        assert secret not in shown
    assert found["STUDIO_COMFYUI_URL"].value == f"https://{origins.MASK}@host/x"
    assert found["STUDIO_COMFYUI_HEADERS"].value == f"X-Key: {origins.MASK}"
    token = given({"STUDIO_DATA": str(tmp_path), "STUDIO_COMFYUI_URL": "http://h", "STUDIO_COMFYUI_TOKEN": "value4"})
    assert token["STUDIO_COMFYUI_TOKEN"].value == origins.MASK


def test_every_setting_of_the_studio_is_there(tmp_path: Path) -> None:
    environ = {"STUDIO_DATA": str(tmp_path)}
    tests_own = {"STUDIO_TEST_CHROMIUM", "COMFYUI_URL"}
    assert set(given(environ)) == {setting.env for setting in SETTINGS} - tests_own
    assert set(settings.environment(settings.read(environ))) == set(given(environ))


@pytest.mark.parametrize("text", ["auto", "yes", "no"])
def test_who_may_act_reaches_the_programs_as_it_was_set(tmp_path: Path, text: str) -> None:
    read = settings.read({"STUDIO_DATA": str(tmp_path), "STUDIO_ADMIN": text})
    assert read.admins == text
    assert settings.read(settings.environment(read)).admins == text
