"""`python -m tests.tiny_ltx --out MODELS`: fill ComfyUI's model folder with tiny stand-ins for LTX-2.3."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from tests.tiny_ltx.files import OWN_LORAS, named_files, write

REAL_BYTES = 100_000_000
TESTKIT = Path(__file__).parent / "tiny_ltx_testkit"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.tiny_ltx", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="MODELS", help="ComfyUI's model folder")
    parser.add_argument("--custom-nodes", type=Path, metavar="FOLDER", help="where the node package is copied to")
    parser.add_argument("--also", action="append", default=list(OWN_LORAS), metavar="FOLDER/NAME", help="one more file")
    arguments = parser.parse_args()
    for path in (arguments.out / name for name in [*named_files(), *arguments.also]):
        if path.exists() and path.stat().st_blocks * 512 > REAL_BYTES:
            parser.error(f"{path} looks like the real model and is left alone")
    written = write(arguments.out, arguments.also)
    if arguments.custom_nodes:
        target = arguments.custom_nodes / TESTKIT.name
        shutil.copytree(TESTKIT, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    megabytes = sum(path.stat().st_blocks * 512 for path in written) / 1e6
    print(f"{len(written)} files, {megabytes:.0f} MB on disk, in {arguments.out}")


main()
