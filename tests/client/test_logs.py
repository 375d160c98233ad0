"""Logs as they are shown: legible, without secrets, and the end of them only."""

from pathlib import Path

from client import logs, settings

BAR = "\r".join(f"{done}%|{'#' * (done // 10):<10}| {done}/100" for done in range(0, 101))
SECRET = "correct horse"


def test_of_a_progress_bar_only_its_last_state_is_shown() -> None:
    assert logs.clean(f"loading\n{BAR}\ndone\n") == ("loading", "100%|##########| 100/100", "done")


def test_lines_that_end_as_on_windows_stay_whole() -> None:
    assert logs.clean("one\r\ntwo\r\n\r\n") == ("one", "two")


def test_colours_are_left_out() -> None:
    assert logs.clean("\x1b[32m[INFO]\x1b[0m ready\x1b[K") == ("[INFO] ready",)


def test_secrets_are_masked_wherever_they_come_from() -> None:
    text = (
        f"a {SECRET} b\nAuthorization: Bearer abc.def-123\nhf_abcdefghijkl\n"
        "http://me:my%20pass@host/x\nAuthorization: Basic bWU6cGFzcw==\nhttps://cdn/x?Signature=s3cr3t&Expires=5\n"
        "https://ghp_12345@host/x\nhttps://me:my/pa55@host/x\nGET /x?private_token=t0k3n&a=1\n"
    )
    lines = logs.clean(text, [SECRET])
    shown = "\n".join(lines)
    for secret in (
        SECRET,
        "abc.def-123",
        "hf_abcdefghijkl",
        "my%20pass",
        "bWU6cGFzcw",
        "s3cr3t",
        "ghp_12345",
        "pa55",
        "t0k3n",
    ):
        assert secret not in shown
    assert len(lines) == 9
    assert lines[3] == f"http://{logs.MASK}@host/x"


def test_only_the_end_of_a_long_log_is_read_from_a_whole_line_on(tmp_path: Path) -> None:
    path = tmp_path / "engine.log"
    path.write_text("".join(f"line {number:04}\n" for number in range(1000)), encoding="utf-8")
    lines = logs.tail(path, most=95)
    assert lines[-1] == "line 0999"
    assert all(len(line) == len("line 0000") for line in lines)
    assert len(lines) == 9
    assert logs.tail(tmp_path / "none.log") == ()


def test_a_filter_wants_every_word_in_any_case() -> None:
    lines = ("Error: out of memory", "error in node", "fine")
    assert logs.matching(lines, "ERROR memory") == lines[:1]
    assert logs.matching(lines, "") == lines


def test_every_secret_of_the_settings_is_known(tmp_path: Path) -> None:
    environ = {
        "STUDIO_DATA": str(tmp_path),
        "STUDIO_COMFYUI_URL": "http://host:1",
        "STUDIO_COMFYUI_TOKEN": "tokentoken",
        "STUDIO_COMFYUI_HEADERS": "X-Key: headervalue",
        "HF_TOKEN": "hubtoken",
        "HTTPS_PROXY": "http://me:proxypass@proxy:3128",
    }
    found = logs.secrets_of(settings.read(environ), environ)
    assert {"tokentoken", "headervalue", "hubtoken", "Bearer tokentoken", "proxypass"} <= set(found)


def test_only_logs_that_are_there_are_offered(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "studio.log").touch()
    assert [log.title for log in logs.known(tmp_path)] == ["Studio"]
