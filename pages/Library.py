"""What was made."""

from pages.parts.library import library

library()
