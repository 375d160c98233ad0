"""A git repository at one commit, without its history, from a URL, a local path or a bundle.

A commit can't be cloned by its id as a branch can: an empty repository fetches it. Servers that give only what their
branches and tags name, and bundles, are asked for all of those instead.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bootstrap import commands
from workflows import address
from workflows.errors import StudioError

_OBJECT = re.compile(r"\b[0-9a-f]{40}\b")
_ANSWER_SECONDS = 120.0
_ABSENT = re.compile(r"not our ref|unadvertised object|couldn't find remote ref|not a valid ref|no such remote ref")
_DAMAGED = re.compile(
    r"unable to read|missing (blob|tree|object|commit)|bad object|bad tree|could not read [0-9a-f]{40}|corrupt|inflate|"
    r"did not send all necessary objects|promisor|not a valid object|failed to read object|unresolved deltas",
    re.IGNORECASE,
)


def check_out(source: str, commit: str, folder: Path, log: Path, what: str) -> None:
    """Have `folder` hold the tree of a commit. Nothing is done where it is there; it appears only when complete.

    `what` names it in sentences. Raises StudioError `git_missing`, `source_unreachable`, `source_lacks_commit` or
    `source_damaged`. git's output goes to `log`, without the credentials that the source's address may hold.
    """
    if folder.exists():
        return
    if shutil.which("git") is None:
        raise StudioError("git_missing", what=what)
    shown = address.public(source)
    reason = _unreachable(source)
    if reason:
        raise StudioError("source_unreachable", what=what, source=shown, reason=reason)
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    said = _fetch(source, commit, partial, log)
    if not _has(partial, commit):
        if _DAMAGED.search(said):
            raise StudioError("source_damaged", what=what, source=shown, commit=commit, reason=_cause(said))
        if said and not _ABSENT.search(said):
            raise StudioError("source_unreachable", what=what, source=shown, reason=_cause(said))
        raise StudioError("source_lacks_commit", what=what, source=shown, commit=commit)
    said = _git(partial, log, "checkout", "--quiet", "--force", "--detach", commit)
    if said:
        raise StudioError("source_damaged", what=what, source=shown, commit=commit, reason=_cause(said))
    partial.rename(folder)


def head(folder: Path) -> str:
    """The commit that is checked out in a folder, "" where none is."""
    return _answer(folder, "rev-parse", "--verify", "--quiet", "HEAD")


def flaw(folder: Path) -> str:
    """The first file of what is checked out that is gone or empty now, as a sentence's end; "" where none is.

    A file that says something else is a person's change. Nothing is known of a folder without a repository.
    """
    if not folder.is_dir():
        return f"{folder} is gone"
    # Without fileMode a chmod -R would list every file, and those that are empty as they should be would be damage.
    modified = _answer(folder, "-c", "core.fileMode=false", "ls-files", "--modified", "-z")
    for name in filter(None, modified.split("\0")):
        path = folder / name
        if not path.is_symlink() and not (path.exists() and path.stat().st_size):
            return f"{path} is {'empty' if path.exists() else 'gone'}"
    return ""


def mend(folder: Path, commit: str, log: Path) -> bool:
    """Write every file of a commit again from what its repository holds; False where it does not hold all of it."""
    if not _has(folder, commit):
        return False
    for name in ("index", "index.lock"):
        (folder / ".git" / name).unlink(missing_ok=True)
    return not _git(folder, log, "reset", "--quiet", "--hard", commit) and not flaw(folder)


def _unreachable(source: str) -> str:
    """Why nothing answers at a source, in git's words; "" where a repository does."""
    bare, environment = address.public(source), _environment(os.environ, source)
    command = ["git", "ls-remote", "--quiet", "--", bare]
    try:
        answer = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            env=environment, timeout=_ANSWER_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"no answer within {_ANSWER_SECONDS:g} s"
    # A damaged repository answers, as the fetch will say.
    return "" if answer.returncode == 0 or _DAMAGED.search(answer.stderr) else _first_line(answer.stderr)


def _fetch(source: str, commit: str, folder: Path, log: Path) -> str:
    """Fetch a commit into a new repository; what git said where that failed."""
    environment, bare = _environment(os.environ, source), address.public(source)
    said = _git(folder, log, "init", "--quiet")
    if said:
        return said
    options = ("fetch", "--quiet", "--no-tags", "--force")
    direct = _git(folder, log, *options, "--depth", "1", "--", bare, commit, environment=environment)
    if not direct:
        return ""
    everything = "refs/*:refs/source/*"
    said = _git(folder, log, *options, "--", bare, everything, "HEAD:refs/source/HEAD", environment=environment)
    if _ABSENT.search(said):
        said = _git(folder, log, *options, "--", bare, everything, environment=environment)
    # What a direct fetch says of a damaged repository is nearer to the cause.
    return direct if said and _DAMAGED.search(direct) else said


def _has(folder: Path, commit: str) -> bool:
    return _answer(folder, "cat-file", "-t", f"{commit}^{{commit}}") == "commit"


def _answer(folder: Path, *arguments: str) -> str:
    """What git says about a repository on disk, "" where it fails. One around the folder is somebody else's."""
    command = ["git", "-C", str(folder), *arguments]
    environment = {**_environment(os.environ, ""), "GIT_CEILING_DIRECTORIES": str(folder.parent)}
    try:
        answer = subprocess.run(command, capture_output=True, text=True, errors="replace", env=environment, check=False)
    except OSError:
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""


def _git(folder: Path, log: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """Run git in a folder; what it said where it failed, "" where all went well."""
    start = log.stat().st_size if log.exists() else 0
    code = commands.run(["git", "-C", str(folder), *arguments], log, environment or _environment(os.environ, ""))
    if code == 0:
        return ""
    with log.open("rb") as file:
        file.seek(start)
        said = file.read().decode(errors="replace").strip()
    return said or f"git {arguments[0]} failed with exit code {code}"


def _environment(inherited: Mapping[str, str], source: str) -> dict[str, str]:
    """The variables for git: it never asks, speaks English, gives up on a dead line, and gets the credentials.

    Process arguments are seen by everybody on the machine, so the credentials go the way of the environment.
    """
    settings = {"http.lowSpeedLimit": "1000", "http.lowSpeedTime": "60", "advice.detachedHead": "false"}
    parts = urlsplit(source)
    if parts.scheme in ("http", "https") and "@" in parts.netloc:
        user, _, password = parts.netloc.rpartition("@")[0].partition(":")
        token = b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode()
        settings[f"http.{address.public(source)}.extraHeader"] = f"Authorization: Basic {token}"
    kept = {name: value for name, value in inherited.items() if not name.startswith("GIT_") or name in _KEPT}
    numbered = {
        key: text
        for number, pair in enumerate(settings.items())
        for key, text in ((f"GIT_CONFIG_KEY_{number}", pair[0]), (f"GIT_CONFIG_VALUE_{number}", pair[1]))
    }
    return {
        "GIT_SSH_COMMAND": "ssh -o BatchMode=yes",
        **kept,
        **numbered,
        "GIT_CONFIG_COUNT": str(len(settings)),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "true",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "LC_ALL": "C",
    }


# What a hook or a running git sets (GIT_DIR, GIT_INDEX_FILE) would turn our commands to another repository.
_KEPT = {"GIT_SSH_COMMAND", "GIT_SSH", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_SSL_NO_VERIFY", "GIT_PROXY_COMMAND"}


def _first_line(text: str) -> str:
    lines = (line for line in text.splitlines() if line.strip() and not line.startswith("warning:"))
    return next(map(_bare, lines), "git failed without a word")


def _cause(text: str) -> str:
    """The line that names an object, else the last one."""
    lines = [line for line in text.splitlines() if line.strip()] or [""]
    return _bare(next((line for line in lines if _DAMAGED.search(line) and _OBJECT.search(line)), lines[-1]))


def _bare(line: str) -> str:
    printable = "".join(letter for letter in line if letter.isprintable())
    return re.sub(r"^(remote: *)?((fatal|error): )?", "", printable.strip()).rstrip(" .")
