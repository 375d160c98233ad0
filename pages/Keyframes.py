"""The page of the mode keyframe."""

from pages.parts.mode_page import mode_page

mode_page("keyframe")
