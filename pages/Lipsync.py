"""The page of the mode lipsync."""

from pages.parts.mode_page import mode_page

mode_page("lipsync")
