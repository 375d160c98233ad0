"""The page of the mode a2v."""

from pages.parts.mode_page import mode_page

mode_page("a2v")
