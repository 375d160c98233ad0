"""A remedy for a folder with a % in its name: alembic takes that for a reference in its configuration.

ComfyUI 0.27 hands it the paths of its source and its database as they are (app/database/db.py, get_alembic_config), and
does without its database where that fails.
"""

from __future__ import annotations

from pathlib import Path

_MODULE = "ltx_studio_percent"
_HOOK = """
# Has alembic's configuration take a percent sign for what it is, but for the one reference that it makes itself.
import configparser
import functools

try:
    from alembic import config
except ImportError:
    pass
else:

    class Here(configparser.Interpolation):
        def before_get(self, parser, section, option, value, defaults):
            return value.replace("%(here)s", defaults.get("here", ""))

    config.ConfigParser = functools.partial(configparser.ConfigParser, interpolation=Here())
"""


def mend(folder: Path, site_packages: Path) -> None:
    """Have the interpreter of this site-packages folder load the hook at its start, where the path of `folder` asks."""
    if "%" in str(folder):
        (site_packages / f"{_MODULE}.py").write_text(_HOOK, encoding="utf-8")
        (site_packages / f"{_MODULE}.pth").write_text(f"import {_MODULE}\n", encoding="utf-8")
