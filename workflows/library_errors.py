"""The errors of the library: what can't be restored, exported or read any more."""

from __future__ import annotations

from workflows.error_kind import ErrorKind

LIBRARY_ERRORS: dict[str, ErrorKind] = {
    "not_our_video": ErrorKind(
        "{value} carries no settings of this studio.",
        "Drop an MP4 that was made here and has not been converted since; its settings are inside it.",
    ),
    "settings_unusable": ErrorKind(
        "The settings inside {value} can't be used: {reason}.",
        "They may come from another version of the studio; the video itself is fine.",
    ),
    "video_gone": ErrorKind(
        "The file {value} is no longer in the library, or can't be read.", "Make the video again with its settings."
    ),
    "export_failed": ErrorKind("The videos could not be packed ({reason}).", "Make room, then export them again."),
    "no_room_for_export": ErrorKind(
        "The export needs {needed:.1f} GB; the disk has {free:.1f} GB left.", "Make room or export fewer videos."
    ),
    "nothing_to_export": ErrorKind("None of these videos has its file any more.", "Choose others."),
}
