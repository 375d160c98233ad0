"""What is set and from where, and what the doctor finds."""

from pages.parts.settings import settings

settings()
