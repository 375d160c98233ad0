"""What this machine has taught about time."""

from pages.parts.estimates import estimates

estimates()
