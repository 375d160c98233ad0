"""The page of the mode style."""

from pages.parts.mode_page import mode_page

mode_page("style")
