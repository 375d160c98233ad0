from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import scan_cache_dir, try_to_load_from_cache

from client.models import mirror
from client.models.hub import Hub
from client.models.plan import plan
from client.models.pull import pull
from tests.models.conftest import need
from tests.support.hub import COMMIT
from tests.support.unprivileged import NOBODY, as_nobody, open_folder, own_folder
from workflows.errors import StudioError

REPO, FILE, CONTENT = "org/weights", "model.safetensors", b"weights" * 1000
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to make a cache that belongs to another user")


def preloaded(cache: Path) -> Path:
    """A cache with one file, as a build leaves it; its repository."""
    repo = cache / "models--org--weights"
    snapshot = repo / "snapshots" / COMMIT / "split"
    for folder in (repo / "blobs", snapshot, repo / "refs"):
        folder.mkdir(parents=True)
    (repo / "blobs" / "abc").write_bytes(CONTENT)
    (repo / "blobs" / "def.123.incomplete").write_bytes(b"half")
    (snapshot / FILE).symlink_to("../../../blobs/abc")
    (repo / "refs" / "main").write_text(COMMIT)
    return repo


def found(cache: Path) -> Path:
    path = try_to_load_from_cache(REPO, f"split/{FILE}", cache_dir=cache)
    assert isinstance(path, str)
    return Path(path)


def test_a_mirror_is_a_whole_cache_without_a_second_copy(tmp_path: Path) -> None:
    repo = preloaded(tmp_path / "old")
    made = mirror.mirror(tmp_path / "old", tmp_path / "new")
    assert made == mirror.Mirrored(hardlinked=1, remade=2)
    path = found(tmp_path / "new")
    assert path.read_bytes() == CONTENT
    assert str(path.readlink()) == "../../../blobs/abc"
    assert path.samefile(repo / "blobs" / "abc")
    assert scan_cache_dir(tmp_path / "new").warnings == []
    assert sorted(one.name for one in (tmp_path / "new" / repo.name / "blobs").iterdir()) == ["abc"]
    ref = tmp_path / "new" / repo.name / "refs" / "main"
    ref.write_text("f" * 40)
    assert (repo / "refs" / "main").read_text() == COMMIT


def test_mirroring_again_adds_what_has_come_and_leaves_the_rest(tmp_path: Path) -> None:
    repo = preloaded(tmp_path / "old")
    mirror.mirror(tmp_path / "old", tmp_path / "new")
    ref = tmp_path / "new" / repo.name / "refs" / "main"
    ref.write_text("f" * 40)
    (repo / "blobs" / "ghi").write_bytes(b"more")
    assert mirror.mirror(tmp_path / "old", tmp_path / "new") == mirror.Mirrored(hardlinked=1)
    assert ref.read_text() == "f" * 40
    assert mirror.mirror(tmp_path / "old", tmp_path / "new") == mirror.Mirrored()


def test_absolute_links_and_plain_files_of_a_snapshot_are_mirrored_too(tmp_path: Path) -> None:
    repo = preloaded(tmp_path / "old")
    snapshot = repo / "snapshots" / COMMIT
    (snapshot / "absolute.bin").symlink_to(repo / "blobs" / "abc")
    (snapshot / "plain.bin").write_bytes(b"plain")
    (tmp_path / "elsewhere").write_bytes(b"elsewhere")
    (snapshot / "outside.bin").symlink_to(tmp_path / "elsewhere")
    mirror.mirror(tmp_path / "old", tmp_path / "new")
    copied = tmp_path / "new" / repo.name / "snapshots" / COMMIT
    assert str((copied / "absolute.bin").readlink()) == "../../blobs/abc"
    assert (copied / "plain.bin").samefile(snapshot / "plain.bin")
    assert (copied / "outside.bin").read_bytes() == b"elsewhere"


def test_another_disk_gets_symlinks(tmp_path: Path) -> None:
    disk = Path("/dev/shm")
    if not disk.is_dir() or disk.stat().st_dev == tmp_path.stat().st_dev or not os.access(disk, os.W_OK):
        pytest.skip("needs /dev/shm on a disk of its own")
    preloaded(tmp_path / "old")
    target = disk / f"mirror-{os.getpid()}"
    try:
        assert mirror.mirror(tmp_path / "old", target).symlinked == 1
        assert found(target).read_bytes() == CONTENT
    finally:
        for path in sorted(target.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        target.rmdir()


@needs_root
def test_nobody_uses_a_cache_that_root_owns_through_a_mirror() -> None:
    with open_folder() as folder:
        repo = preloaded(folder / "home" / "hub")
        (folder / "home" / "token").write_text("hf_mine")
        data, models = own_folder(folder / "data"), own_folder(folder / "models")

        def run() -> dict[str, object]:
            environ = {"HF_HOME": str(folder / "home")}
            said: list[str] = []
            mirror.ensure(environ, data, said.append)
            cache = mirror.cache(environ)
            wanted = need(f"split/{FILE}", REPO)
            planned = plan([wanted], models, Hub("http://127.0.0.1:9", cache, offline=True), "fp8")
            states = [item.state for item in planned.items]
            outcomes = [type(outcome).__name__ for outcome in pull(planned, lambda event: None)]
            (cache / "models--org--weights" / "blobs" / "new").write_bytes(b"grows")
            again: list[str] = []
            mirror.ensure(environ, data, again.append)
            return {"environ": environ, "said": said, "states": states, "outcomes": outcomes, "again": again}

        answer = as_nobody(run)
        assert answer["environ"] == {
            "HF_HOME": str(data / "huggingface"),
            "HF_HUB_CACHE": str(data / "huggingface" / "hub"),
            "HF_TOKEN_PATH": str(folder / "home" / "token"),
        }
        assert (answer["states"], answer["outcomes"]) == (["cached"], ["Done"])
        (line,) = answer["said"]
        assert line.startswith(f"The Hugging Face cache {folder / 'home' / 'hub'} can't be written")
        assert answer["again"] == []
        placed = models / "loras" / FILE
        assert placed.samefile(repo / "blobs" / "abc")
        assert placed.lstat().st_uid == NOBODY
        copies = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
        assert len({path.stat().st_ino for path in copies if path.stat().st_size == len(CONTENT)}) == 1


@needs_root
def test_a_cache_that_is_one_s_own_but_locked_is_mirrored_by_hardlinks() -> None:
    with open_folder() as folder:
        preloaded(folder / "hub")
        for path in [folder / "hub", *(folder / "hub").rglob("*")]:
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o555)
        data = own_folder(folder / "data")

        def run() -> dict[str, str]:
            environ = {"HF_HUB_CACHE": str(folder / "hub")}
            mirror.ensure(environ, data, lambda line: None)
            return environ

        cache = Path(as_nobody(run)["HF_HUB_CACHE"])
        assert cache == data / "huggingface" / "hub"
        blob = cache / "models--org--weights" / "blobs" / "abc"
        assert not blob.is_symlink()
        assert blob.samefile(folder / "hub" / "models--org--weights" / "blobs" / "abc")


@needs_root
def test_a_single_locked_repository_makes_a_cache_read_only() -> None:
    with open_folder() as folder:
        cache = own_folder(folder / "hub")
        preloaded(cache)
        assert as_nobody(lambda: mirror.is_read_only(cache))
        assert not as_nobody(lambda: mirror.is_read_only(own_folder_of(folder)))
        assert as_nobody(lambda: mirror.is_read_only(folder / "none" / "hub"))


@needs_root
@pytest.mark.parametrize(
    "locked", [".locks", ".locks/models--org--weights", f"models--org--weights/snapshots/{COMMIT}"]
)
def test_a_single_locked_folder_within_makes_a_cache_read_only(locked: str) -> None:
    with open_folder() as folder:
        preloaded(folder / "hub")
        (folder / "hub" / ".locks" / "models--org--weights").mkdir(parents=True)
        for path in [folder / "hub", *(folder / "hub").rglob("*")]:
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        assert not as_nobody(lambda: mirror.is_read_only(folder / "hub"))
        os.chown(folder / "hub" / locked, 0, 0)
        assert as_nobody(lambda: mirror.is_read_only(folder / "hub"))


@needs_root
def test_a_cache_behind_a_closed_door_is_stood_in_for_by_an_empty_one() -> None:
    with open_folder() as folder:
        preloaded(folder / "closed" / "hub")
        (folder / "closed").chmod(0o700)
        data = own_folder(folder / "data")

        def run() -> dict[str, str]:
            environ = {"HF_HOME": str(folder / "closed")}
            mirror.ensure(environ, data, lambda line: None)
            return environ

        assert as_nobody(run) == {
            "HF_HOME": str(data / "huggingface"),
            "HF_HUB_CACHE": str(data / "huggingface" / "hub"),
        }
        assert list((data / "huggingface" / "hub").iterdir()) == []


def own_folder_of(folder: Path) -> Path:
    """A place below the temporary folder that nobody can make: the system's own."""
    return Path("/tmp") / f"none-{folder.name}" / "hub"


@needs_root
def test_a_data_folder_that_can_t_take_the_mirror_is_said() -> None:
    with open_folder() as folder:
        preloaded(folder / "hub")

        def run() -> str:
            try:
                mirror.ensure({"HF_HUB_CACHE": str(folder / "hub")}, folder / "data", lambda line: None)
            except StudioError as error:
                return error.code
            return ""

        assert as_nobody(run) == "data_unwritable"


def test_a_cache_that_can_be_written_is_left_alone(tmp_path: Path) -> None:
    preloaded(tmp_path / "hub")
    environ = {"HF_HUB_CACHE": str(tmp_path / "hub")}
    mirror.ensure(environ, tmp_path / "data", lambda line: pytest.fail(line))
    assert environ == {"HF_HUB_CACHE": str(tmp_path / "hub")}
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"HF_HUB_CACHE": "/a/hub", "HF_HOME": "/b"}, "/a/hub"),
        ({"HUGGINGFACE_HUB_CACHE": "/c"}, "/c"),
        ({"HF_HOME": "/b"}, "/b/hub"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/huggingface/hub"),
        ({}, str(Path("~/.cache/huggingface/hub").expanduser())),
    ],
)
def test_the_cache_is_where_hugging_face_s_library_looks(environ: dict[str, str], expected: str) -> None:
    assert str(mirror.cache(environ)) == expected


@pytest.mark.parametrize(
    ("text", "folder"), [("~nobody-of-this-name/hf", "~nobody-of-this-name/hf"), ("$SOME/hf", "/some/hf")]
)
def test_a_folder_is_found_where_hugging_face_s_library_finds_it(
    text: str, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME", "/some")
    program = "from huggingface_hub import constants; print(constants.HF_HUB_CACHE)"
    env = {**os.environ, "HF_HOME": text}
    env.pop("HF_HUB_CACHE", None)
    theirs = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
    assert str(mirror.cache({"HF_HOME": text})) == theirs.stdout.strip() == f"{folder}/hub"
