"""ComfyUI installed from repositories and wheels on disk, and started once, by the code that a person runs."""

from __future__ import annotations

import ast
import fcntl
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bootstrap.comfy import install, packs
from bootstrap.comfy.install import Broken, Partial, Ready
from client import settings as configuration
from client.comfy_home import comfyui
from tests.support.comfy_bench import Bench
from tests.support.comfy_tree import MENDED, TORCHAUDIO_FOR_CUDA, TORCHVISION_FOR_CUDA, tree, wheel
from tests.support.commands import alive, bootstrap
from workflows.errors import StudioError

PACK = "from other import thing\nNODE_CLASS_MAPPINGS = {'%s': thing}\n"
# What alembic 1.16 does with the folder of its configuration and with an option.
ALEMBIC = """
from configparser import ConfigParser
class Config:
    def __init__(self, folder):
        self.file_config = ConfigParser({"here": folder})
        self.file_config.add_section("alembic")
    def set_main_option(self, name, value):
        self.file_config.set("alembic", name, value)
"""


def test_an_installation_that_was_cut_short_is_found_and_finished(bench: Bench) -> None:
    def interrupt(line: str) -> None:
        bench.said.append(line)
        if "ComfyUI's packages" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.ensure(say=interrupt)
    found = bench.found
    assert isinstance(found, Partial)
    assert {"source", "torch"} <= set(found.done)
    assert bench.in_use is None
    bench.said.clear()
    made = bench.ensure()
    assert bench.in_use == made
    assert any("cut short" in line for line in bench.said)
    assert not any("Fetching" in line or "Installing torch" in line for line in bench.said)


def test_an_upgrade_takes_over_when_it_has_answered_and_the_old_one_goes(bench: Bench) -> None:
    old = bench.ensure()
    bench.commit = bench.source.commit(tree("0.28.0"))
    new = bench.ensure()
    assert (new.version, bench.in_use) == ("0.28.0", new)
    assert not old.folder.exists()
    assert json.loads(comfyui(bench.settings).current.read_text()) == {"name": new.name, "before": old.name}


@pytest.mark.parametrize(
    ("behaviour", "seconds", "reason", "line"),
    [
        ("ends", 60.0, "it ended with exit code 1", "No module named torchsde"),
        ("never answers", 2.0, "it did not answer within 2 s", "loading for ever"),
    ],
)
def test_an_upgrade_that_does_not_answer_is_rolled_back(
    bench: Bench, behaviour: str, seconds: float, reason: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = bench.ensure()
    bench.commit = bench.source.commit(tree("0.28.0", behaviour))
    assert bench.ensure(answer_seconds=seconds) == old
    assert bench.in_use == old
    assert (old.source / "main.py").exists()
    assert bench.found == Broken(bench.place.name, reason, (line,))
    assert any("Rolled back: ComfyUI 0.27.0" in said for said in bench.said)
    bench.said.clear()
    assert bench.ensure() == old
    assert not any("Starting it once" in said for said in bench.said)
    assert any("failed before" in said for said in bench.said)
    monkeypatch.setenv(MENDED, "1")
    assert bench.ensure(again=True).version == "0.28.0"


def test_an_upgrade_whose_source_is_gone_leaves_the_old_one_in_use(bench: Bench) -> None:
    old = bench.ensure()
    bench.commit = "d" * 40
    assert bench.ensure() == old
    assert any("does not have the commit" in line for line in bench.said)
    assert not any("damaged" in line for line in bench.said)
    (old.source / "behaviour").unlink()
    assert bench.ensure() == old
    assert bench.said[-1].startswith(f"That one is damaged: {old.source / 'behaviour'} is gone.")
    assert f"STUDIO_COMFYUI_COMMIT={old.commit}" in bench.said[-1]
    done = bootstrap("install", env={**os.environ, **bench.variables})
    assert done.returncode == 1
    assert "Rolled back" in done.stdout


def test_a_first_install_that_does_not_answer_is_an_error_with_its_last_lines(bench: Bench) -> None:
    bench.commit = bench.source.commit(tree("0.28.0", "ends"))
    error = bench.refusal()
    assert error.code == "comfyui_silent"
    assert "  No module named torchsde" in bench.said
    assert bench.in_use is None


def test_an_engine_that_runs_keeps_the_old_install_until_it_ends(bench: Bench) -> None:
    old = bench.ensure()
    program = (
        "import os, sys; from client import installs as state; from client.comfy_home import ComfyHome; "
        "from pathlib import Path; state.hold(state.current(ComfyHome(Path(sys.argv[1])))); os.execvp('cat', ['cat'])"
    )
    home = comfyui(bench.settings)
    engine = subprocess.Popen(
        [sys.executable, "-c", program, str(home.folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert engine.stdin is not None
    assert engine.stdout is not None
    engine.stdin.write(b"held\n")
    engine.stdin.flush()
    assert engine.stdout.readline() == b"held\n"
    bench.commit = bench.source.commit(tree("0.28.0"))
    new = bench.ensure()
    assert old.folder.exists()
    assert any(f"still uses {old.name}" in line for line in bench.said)
    engine.communicate()
    assert not alive(engine.pid)
    assert bench.ensure() == new
    assert not old.folder.exists()


def test_an_install_whose_interpreter_is_gone_is_broken_and_made_again(bench: Bench) -> None:
    made = bench.ensure()
    shutil.rmtree(made.folder / "venv" / "bin")
    found = bench.found
    assert isinstance(found, Broken)
    assert "is gone" in found.reason
    assert bench.in_use is None
    assert bench.ensure() == made
    assert bench.version("torch") == "2.13.0"


def test_files_of_the_source_that_are_lost_are_found_and_written_again_without_the_network(bench: Bench) -> None:
    made = bench.ensure()
    (made.source / "comfyui_version.py").write_text("")
    (made.source / "behaviour").unlink()
    (made.source / "requirements.txt").write_text("torch\nextra\n# mine\n")
    (made.source / "added").touch()
    shutil.rmtree(bench.source.path)
    found = bench.found
    assert isinstance(found, Broken)
    assert found.reason == f"{made.source / 'behaviour'} is gone"
    bench.said.clear()
    assert bench.ensure() == made
    assert bench.found == Ready(made)
    assert (made.source / "added").exists()
    assert any(line == f"ComfyUI 0.27.0 is damaged and will be repaired: {found.reason}." for line in bench.said)
    assert not any("Fetching" in line or "Installing" in line for line in bench.said)


def test_what_a_person_changed_is_no_damage(bench: Bench) -> None:
    bench.commit = bench.source.commit({"app/__init__.py": ""})
    made = bench.ensure()
    for path in (made.source / "main.py", made.source / "app" / "__init__.py"):
        path.chmod(0o777)
    (made.source / "main.py").write_text(f"{(made.source / 'main.py').read_text()}# mine\n")
    (bench.site_packages("extra.py")).write_text("mine = True\n")
    # As a newer version of a package does whose name is written otherwise by now.
    bench.site_packages("extra-1.0.dist-info").rename(bench.site_packages("Extra-1.1.dist-info"))
    record = bench.site_packages("Extra-1.1.dist-info/RECORD")
    record.write_text(record.read_text().replace("extra-1.0", "Extra-1.1"))
    assert bench.found == Ready(made)


def test_a_source_whose_repository_is_damaged_too_is_fetched_again(bench: Bench) -> None:
    made = bench.ensure()
    (made.source / "behaviour").unlink()
    shutil.rmtree(made.source / ".git" / "objects")
    (made.source / ".git" / "objects").mkdir()
    (made.source / "main.py").unlink()
    assert bench.ensure() == made
    assert bench.found == Ready(made)
    assert any("Fetching" in line for line in bench.said)


def test_packages_that_are_lost_are_found_and_installed_anew(bench: Bench) -> None:
    made = bench.ensure()
    aside = bench.folder / "aside"
    for lost, reason in (
        ("torchvision.py", "torchvision.py of torchvision is gone"),
        ("extra-1.0.dist-info/RECORD", "extra was installed in part"),
        ("extra-1.0.dist-info", "the package extra is gone"),
    ):
        path = bench.site_packages(lost)
        path.rename(aside)
        assert bench.found == Broken(made.name, reason, ())
        aside.rename(path)
    assert bench.found == Ready(made)
    bench.site_packages("torchvision.py").unlink()
    assert bench.ensure() == made
    assert bench.found == Ready(made)
    assert bench.site_packages("torchvision.py").exists()


def test_the_command_finds_and_mends_a_torch_that_is_there_and_does_not_import(bench: Bench) -> None:
    made = bench.ensure()
    bench.site_packages("torch.py").write_text("raise ImportError('half of it')\n")
    assert bench.found == Ready(made)
    found = install.look(bench.settings, bench.table, thorough=True)
    assert isinstance(found, Broken)
    assert "half of it" in found.reason
    done = bootstrap("install", env={**os.environ, **bench.variables})
    assert done.returncode == 0, done.stderr
    assert "is damaged and will be repaired: torch can't be imported: ImportError: half of it" in done.stdout
    assert install.look(bench.settings, bench.table, thorough=True) == Ready(made)


def test_a_damaged_install_is_not_repaired_under_the_engine_that_runs_from_it(bench: Bench) -> None:
    made = bench.ensure()
    (made.source / "behaviour").unlink()
    with (made.folder / "in-use.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        error = bench.refusal()
    assert (error.code, "behaviour is gone" in error.message) == ("comfyui_held", True)
    assert bench.ensure() == made


def test_a_pack_that_is_lost_is_found_and_put_back(bench: Bench) -> None:
    bench.pack("Plain", {"__init__.py": "NODE_CLASS_MAPPINGS = {'Thing': object}"})
    made = bench.ensure()
    shutil.rmtree(made.packs_folder / "Plain")
    assert bench.found == Broken(made.name, f"{made.packs_folder / 'Plain'} is gone", ())
    assert bench.ensure() == made
    assert bench.found == Ready(made)


def test_packs_are_installed_with_what_their_requirements_forget_and_without_what_is_left_out(bench: Bench) -> None:
    wheel(bench.wheels, "other", "1.0", {"other.py": "thing = object"})
    wheel(bench.wheels, "asked-for", "1.0", {"asked.py": ""})
    files = {"__init__.py": PACK % "Thing", "requirements.txt": "asked-for>=1\nOpenCV_python>=4\n"}
    bench.pack("Good", files, more='extras = ["other"]\nleave_out = ["opencv-python"]')
    made = bench.ensure()
    assert (made.packs, made.failed_packs) == (("Good",), ())
    assert (made.packs_folder / "Good" / "__init__.py").exists()
    assert bench.version("asked-for") == "1.0"


def test_a_pack_that_is_not_imported_is_named_and_left_out(bench: Bench) -> None:
    wheel(bench.wheels, "other", "1.0", {"other.py": "thing = object"})
    bench.pack("Good", {"__init__.py": PACK % "Thing"}, more='extras = ["other"]')
    bench.pack("Raises", {"__init__.py": "import surely_missing\nNODE_CLASS_MAPPINGS = {}"}, "Wanted")
    bench.pack("Empty", {"__init__.py": "NODE_CLASS_MAPPINGS = {}"}, "Expected")
    made = bench.ensure()
    assert made.packs == ("Good",)
    assert dict(made.failed_packs) == {
        "Raises": "No module named 'surely_missing'",
        "Empty": "it gives no node Expected",
    }
    assert any("The pack Raises can't be imported" in line for line in bench.said)
    assert bench.in_use == made


def test_a_pack_that_its_source_lacks_is_named(bench: Bench) -> None:
    bench.pack("Gone", {"__init__.py": ""})
    shutil.rmtree(bench.folder / "packs")
    error = bench.refusal()
    assert (error.code, error.facts["what"]) == ("source_unreachable", "someone/Gone")


def test_builds_for_cuda_are_made_to_import_without_it(bench: Bench) -> None:
    wheel(bench.wheels, "torchvision", "0.28.0", TORCHVISION_FOR_CUDA)
    wheel(bench.wheels, "torchaudio", "2.11.0", TORCHAUDIO_FOR_CUDA)
    made = bench.ensure()
    assert any("built for CUDA" in line for line in bench.said)
    program = "import torchaudio, torchvision; print(torchaudio._extension.available)"
    answer = subprocess.run([made.python, "-c", program], capture_output=True, text=True, check=False)
    assert answer.stdout == "False\n", answer.stderr


def test_a_percent_sign_in_the_folder_is_kept_from_alembic(
    tmp_path: Path, fresh_venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "50%of-it"
    folder.mkdir()
    bench = Bench(folder, fresh_venv, monkeypatch, quick=True)
    made = bench.ensure()
    bench.site_packages("alembic").mkdir()
    bench.site_packages("alembic/__init__.py").touch()
    bench.site_packages("alembic/config.py").write_text(ALEMBIC)
    program = (
        "import sys; from alembic.config import Config; made = Config(sys.argv[1]); "
        "made.set_main_option('script_location', sys.argv[1]); print(dict(made.file_config.items('alembic')))"
    )
    answer = subprocess.run([made.python, "-c", program, made.source], capture_output=True, text=True, check=False)
    expected = {"script_location": str(made.source), "here": str(made.source)}
    assert ast.literal_eval(answer.stdout or "0") == expected, answer.stderr


def test_packages_that_fail_to_import_for_another_reason_are_an_error(bench: Bench) -> None:
    wheel(bench.wheels, "torchvision", "0.28.0", {"torchvision/__init__.py": "raise ImportError('wrong numpy')"})
    error = bench.refusal()
    assert error.code == "torch_not_importable"
    assert "wrong numpy" in error.message


@pytest.mark.parametrize("device", ["cuda", "rocm"])
def test_a_torch_that_can_not_use_the_device_is_an_error(bench: Bench, device: str) -> None:
    bench.device = device
    error = bench.refusal()
    assert (error.code, error.facts["device"]) == ("device_unusable", device)
    assert "built without it" in error.message


def test_a_disk_that_is_too_small_is_refused_before_the_first_byte(bench: Bench) -> None:
    error = bench.refusal(free=3_210_000_000)
    assert error.code == "disk_too_small"
    assert "up to 5 GB" in error.message
    assert "3.2 GB are free" in error.message
    assert not (bench.place / "source").exists()


def test_a_tree_that_is_not_comfyui_is_refused(bench: Bench) -> None:
    bench.source.git("rm", "--quiet", "comfyui_version.py")
    bench.commit = bench.source.commit({})
    error = bench.refusal()
    assert (error.code, error.facts["missing"]) == ("not_comfyui", "comfyui_version.py")


def test_two_at_once_install_one_after_the_other(bench: Bench) -> None:
    home = comfyui(bench.settings)
    bench.lend_venv()
    waiting, found = threading.Semaphore(0), []

    def say(line: str) -> None:
        bench.said.append(line)
        if "waiting for it" in line:
            waiting.release()

    with home.lock.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        threads = [threading.Thread(target=lambda: found.append(bench.ensure(say=say))) for _ in range(2)]
        for thread in threads:
            thread.start()
        for _ in threads:
            assert waiting.acquire(timeout=30)
    for thread in threads:
        thread.join(60)
    assert found == [bench.in_use, bench.in_use]
    assert len([line for line in bench.said if "Fetching ComfyUI" in line]) == 1


def test_a_folder_that_can_not_be_written_is_said(bench: Bench) -> None:
    bench.folder.joinpath("data").mkdir()
    bench.folder.joinpath("data", "comfyui").write_text("a file")
    with pytest.raises(StudioError) as raised:
        install.ensure(bench.settings, bench.said.append)
    assert raised.value.code == "comfyui_unwritable"


@pytest.mark.parametrize(
    ("variable", "value", "code"),
    [
        ("STUDIO_COMFYUI_COMMIT", "master", "commit_invalid"),
        ("STUDIO_DEVICE", "tpu", "value_not_offered"),
        ("STUDIO_COMFYUI_PACKS", "all", "value_not_offered"),
    ],
)
def test_a_setting_that_means_nothing_is_refused(variable: str, value: str, code: str) -> None:
    with pytest.raises(StudioError) as raised:
        configuration.read({variable: value})
    assert raised.value.code == code
    assert variable in raised.value.message


def test_what_started_programs_and_the_record_get_holds_no_password_of_a_source() -> None:
    source = "https://user:s3cret@git.example.org/ComfyUI"
    chosen = configuration.read({"STUDIO_COMFYUI_SOURCE": source, "STUDIO_PACKS_SOURCE": source})
    assert chosen.comfyui_source == source
    assert "s3cret" not in repr(chosen)
    stored = configuration.environment(chosen)
    assert stored["STUDIO_COMFYUI_SOURCE"] == "https://git.example.org/ComfyUI"
    assert configuration.read(stored) == configuration.without_credentials(chosen)


def test_the_packs_of_the_predecessor_are_pinned_and_the_default_has_none() -> None:
    found = packs.of("aio")
    assert len(found) == len({pack.folder for pack in found}) == 10
    assert all(len(pack.commit) == 40 for pack in found)
    assert packs.of("core") == ()
