"""`python3 -m bootstrap`: sets up, starts, stops and tests the studio.

This file keeps to the syntax of Python 3.6, so that an old Python gets a sentence instead of a syntax error.
"""

import os
import sys

if sys.version_info < (3, 11):  # noqa: UP036
    sys.stderr.write(
        "LTX Studio needs Python 3.11 or newer, and this is %d.%d (%s). "  # noqa: UP031
        "Install a newer one and run it by name, for instance: python3.11 -m bootstrap up\n"
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )
    sys.exit(2)
if os.name != "posix":
    sys.stderr.write("LTX Studio runs on Linux and macOS. On Windows, run it inside WSL 2.\n")
    sys.exit(2)

from bootstrap.cli import main

sys.exit(main(sys.argv[1:]))
