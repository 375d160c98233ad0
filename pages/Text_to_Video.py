"""The page of the mode t2v."""

from pages.parts.mode_page import mode_page

mode_page("t2v")
