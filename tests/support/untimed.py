"""The studio, but that no clock draws its parts that show jobs: they change when they are told, or never."""

import sys

from bootstrap.serve import main
from pages.parts import live

live.CLOCK_SECONDS = live.NET_SECONDS = 86_400.0

if __name__ == "__main__":
    sys.exit(main())
