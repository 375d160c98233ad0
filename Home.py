"""The main script and home page."""

from pages.parts.home import home

home()
