"""Where things lie: the checkout, its virtual environment, and the folders inside the data folder."""

from __future__ import annotations

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]


def venv_python(checkout: Path = CHECKOUT) -> Path:
    """The interpreter of the checkout's virtual environment, whether made yet or not."""
    return checkout / ".venv" / "bin" / "python"


def run_folder(data: Path) -> Path:
    """Run files: the record of what runs, the supervisor's pid and, where its path fits, the control socket."""
    return data / "run"


def supervisor_pid_file(data: Path) -> Path:
    """Where the supervisor notes its process id, before it starts any program; supervisord.conf names the same file."""
    return run_folder(data) / "supervisord.pid"


def log_folder(data: Path) -> Path:
    """Logs of the set-up, the supervisor and each program."""
    return data / "logs"


def setup_log(data: Path) -> Path:
    """What venv, pip and apt said during the last set-up."""
    return log_folder(data) / "setup.log"


def program_log(data: Path, program: str) -> Path:
    """What a program writes; supervisord.conf names the same files."""
    return log_folder(data) / f"{program}.log"


def install_log(data: Path) -> Path:
    """What git, pip and uv said during the last installation of ComfyUI."""
    return log_folder(data) / "install.log"


def last_lines(path: Path, count: int = 12) -> list[str]:
    """The last `count` lines of a log that are not blank, decoded leniently; none where there is no such file."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 64 * 1024))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return [line.rstrip() for line in text.splitlines() if line.strip()][-count:]
