"""The page of the mode i2v."""

from pages.parts.mode_page import mode_page

mode_page("i2v")
