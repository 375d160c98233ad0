"""Every error a person can meet, by code.

One table says for each code what happened, what to do next and whether the same request may simply be tried again.
Raise with the facts the sentence needs::

    raise StudioError("value_out_of_range", title="Seconds", low=0.4, high=20, unit=" s", value=0)

Standard library only, so that the first stage of `python3 -m bootstrap` can use it.
"""

from __future__ import annotations

from workflows.error_kind import ErrorKind
from workflows.library_errors import LIBRARY_ERRORS
from workflows.model_errors import MODEL_ERRORS

REGISTRY: dict[str, ErrorKind] = {
    # A request that can't be sent as it is.
    "unknown_mode": ErrorKind("There is no mode called {value}.", "Choose one of {known}."),
    "unknown_field": ErrorKind("{title} has no setting called {value}.", "Its settings are {known}."),
    "unknown_preset": ErrorKind("{title} has no preset called {value}.", "Choose one of {known}."),
    "not_an_assignment": ErrorKind("{value!r} does not set anything.", "Write --set NAME=VALUE."),
    "value_missing": ErrorKind("{title} is empty.", "Fill it in and try again."),
    "value_type": ErrorKind("{title} must be {expected}; {value} was given.", "Correct it and try again."),
    "value_out_of_range": ErrorKind(
        "{title} must be between {low:g} and {high:g}{unit}; {value} was given.", "Choose a value in that range."
    ),
    "value_not_offered": ErrorKind("{title} can't be {value}.", "Choose one of {known}."),
    "value_order": ErrorKind(
        "{title} ({value:g}) must not be above {other} ({limit:g}).", "Lower the one or raise the other."
    ),
    "start_after_end": ErrorKind(
        "{title} is at {value:g} s, but {other} ends at {seconds:.1f} s.", "Choose an earlier start."
    ),
    "longer_than_source": ErrorKind(
        "The video has {seconds:.1f} s after its start; {value:g} s were asked for.",
        "Choose a shorter duration or an earlier start.",
    ),
    "source_too_short": ErrorKind(
        "{title} has {frames} frames after its start; {low} are the least.",
        "Choose an earlier start or a longer video.",
    ),
    "too_many_loras": ErrorKind("{title} takes {high} rows at most; there are {value}.", "Leave some out."),
    "lora_needs_guide": ErrorKind(
        "{value} is an IC-LoRA: it follows a guide clip, and this mode has none.",
        "Use it in Restyle, or choose another LoRA.",
    ),
    "too_many_jobs": ErrorKind(
        "{value} videos were asked for at once; {high} are the most.", "Leave out some prompts or variations."
    ),
    "text_too_long": ErrorKind(
        "{title} is longer than {high} characters; it has {value}.", "Shorten it and try again."
    ),
    "size_over_preset": ErrorKind(
        "{width}×{height} is more than the preset {preset} makes at most ({pixels:,} pixels).",
        "Choose a smaller size or another preset.",
    ),
    "too_many_frames": ErrorKind(
        "{seconds:g} s at {fps:g} frames per second are {frames} frames; {high} is the most.",
        "Choose a shorter video or fewer frames per second.",
    ),
    "file_missing": ErrorKind("{title}: there is no file {value}.", "Check the path and try again."),
    "folder_missing": ErrorKind("There is no folder {value}.", "Make it, or choose another place for the video."),
    "folder_unwritable": ErrorKind("The folder {value} can't be written ({reason}).", "Choose another place for it."),
    "out_not_a_file": ErrorKind(
        "{value} can't be the video's name.", "Name a file after --out, for instance clip.mp4."
    ),
    "out_failed": ErrorKind("The video could not be put at {value} ({reason}).", "It is kept at {kept}."),
    "file_empty": ErrorKind("{title}: {value} is empty.", "Choose another file."),
    "file_too_large": ErrorKind("{title}: {value} has {size_mb:.0f} MB; {high_mb:.0f} MB is the most.", "Shrink it."),
    "upload_not_kept": ErrorKind(
        "{title}: the file could not be kept in {path} ({reason}).",
        "Make room or mend the folder, then try again.",
        retryable=True,
    ),
    "file_not_image": ErrorKind(
        "{title}: {value} is not a PNG, JPEG or WebP picture, whatever its name says.",
        "Save the picture as PNG or JPEG and choose it again.",
    ),
    "image_too_large": ErrorKind(
        "{title}: {value} has {pixels:,} pixels; {high:,} are the most.", "Scale the picture down and choose it again."
    ),
    # A graph of one's own.
    "graph_not_json": ErrorKind(
        "{value} is no JSON file: {reason}.", "Export the graph from ComfyUI in the API format, File > Export (API)."
    ),
    "graph_malformed": ErrorKind(
        "{value} is no graph that ComfyUI can run: {reason}.",
        "Export it again from ComfyUI in the API format, File > Export (API).",
    ),
    "editor_format": ErrorKind(
        "{value} is in the format of ComfyUI's editor, and the converter for it is not installed.",
        "Export it with File > Export (API), or install the converter: pip install comfy-cli==1.23.0.",
    ),
    "conversion_failed": ErrorKind(
        "{value} is in the format of ComfyUI's editor and can't be converted: {reason}.",
        "Export it from ComfyUI in the API format, File > Export (API).",
    ),
    "placeholder_refused": ErrorKind(
        "The engine does not take a placeholder as {value} ({reason}).",
        "Put a file of that name into its input folder, or choose another one in the graph.",
    ),
    "placeholder_nowhere": ErrorKind("Placeholders are uploaded to a server, and none is named.", "Add --server URL."),
    "own_graph_unfit": ErrorKind(
        "Your own graph for {title}, {path}, does not fit: {reason}.",
        "Import it again with `python -m workflows import`, or delete the file to go back to the built-in graph.",
    ),
    "file_not_audio": ErrorKind(
        "{title}: {value} is no sound in MP3, WAV, FLAC, OGG or M4A and no video with sound, whatever its name says.",
        "Save the sound as MP3 or WAV and choose it again.",
    ),
    "file_not_video": ErrorKind(
        "{title}: {value} is not an MP4, MOV, WebM or MKV video, whatever its name says.",
        "Save the video as MP4 and choose it again.",
    ),
    "video_without_sound": ErrorKind(
        "{title}: {value} is a video without a sound track.", "Choose one with sound, or a sound file."
    ),
    "video_too_large": ErrorKind(
        "{title}: the frames of {value} have {pixels:,} pixels; {high:,} are the most.",
        "Scale the video down and choose it again.",
    ),
    "file_undecodable": ErrorKind(
        "{title}: what is in {value} can't be decoded.", "Save it in a common format (H.264 and AAC in MP4, or WAV)."
    ),
    "file_without_length": ErrorKind("{title}: {value} has no length.", "Choose another file."),
    "file_too_long": ErrorKind(
        "{title}: {value} lasts {hours:.1f} hours; {high} hours are the most.", "Cut it and choose the part you need."
    ),
    "file_cut_off": ErrorKind(
        "{title}: {value} is damaged or breaks off before its end.", "Copy or save it again, as a whole."
    ),
    **LIBRARY_ERRORS,
    **MODEL_ERRORS,
    # The engine.
    "engine_unreachable": ErrorKind(
        "The engine at {server} does not answer ({reason}).", "Check that it runs, then try again.", retryable=True
    ),
    "engine_lost": ErrorKind(
        "The engine no longer knows this job: it stopped or was restarted meanwhile, or its queue was cleared.",
        "Retry in a moment.",
        retryable=True,
    ),
    "engine_forbidden": ErrorKind(
        "The engine at {server} lets nobody in without credentials that it accepts (status {status}).",
        "Put user and password into STUDIO_COMFYUI_URL, as http://user:password@host, a token into "
        "STUDIO_COMFYUI_TOKEN, or whatever else it asks for into STUDIO_COMFYUI_HEADERS.",
    ),
    "auth_twice": ErrorKind(
        "The server is to be told two ways to sign in: {ways}.", "Keep the one that it asks for and remove the other."
    ),
    "header_invalid": ErrorKind(
        "{title} can't be sent as a header: {reason}.",
        "Write headers as Name: value, one a line or with | between them, and a token as it was given to you.",
    ),
    "ca_unusable": ErrorKind(
        "STUDIO_COMFYUI_CA names {path}, which can't be read as certificates ({reason}).",
        "Name a PEM file with the certificate of the authority that signed the server's.",
    ),
    "engine_too_old": ErrorKind(
        "The ComfyUI server at {server} gives prompts ids of its own, as versions before 0.3.45 do.",
        "Update it; 0.16 is needed for most modes, 0.22 for Restyle.",
    ),
    "engine_redirects": ErrorKind(
        "The engine at {server} sends requests on to {target}.",
        "Name that address in STUDIO_COMFYUI_URL instead, or the credentials that it wants where it is a page to sign "
        "in.",
    ),
    "engine_error": ErrorKind(
        "The engine failed to read the request (status {status}).", "Look into its log, then try again.", retryable=True
    ),
    "node_missing": ErrorKind(
        "The engine lacks a node this mode needs: {reason}", "Update ComfyUI or install the node, then try again."
    ),
    "model_missing": ErrorKind(
        "The engine does not have the model file {value}.",
        "Put it into the engine's models folder, then try again.",
        retryable=True,
    ),
    "upload_missing": ErrorKind(
        "The engine can't find or read an uploaded file: {reason}", "Choose the file again.", retryable=True
    ),
    "graph_refused": ErrorKind(
        "The engine refused the graph: {reason}", "Change the settings it names, or report this as a bug."
    ),
    "graph_too_large": ErrorKind("The graph is larger than the engine accepts.", "Shorten the prompt and try again."),
    "upload_too_large": ErrorKind(
        "{title}: the file has {size_mb:.0f} MB; this engine takes at most {high_mb:.0f} MB.",
        "Choose a smaller file, or raise the engine's --max-upload-size.",
    ),
    "upload_refused": ErrorKind(
        "{title}: the engine refused the file (status {status}).", "Try again, or choose another file.", retryable=True
    ),
    "execution_failed": ErrorKind(
        "{node} failed on the engine: {reason}",
        "See the technical detail; another seed or size may work.",
        retryable=True,
    ),
    "out_of_memory": ErrorKind(
        "The engine ran out of memory in {node}.",
        "Choose a smaller size, a shorter video or the preset Fast.",
        retryable=True,
    ),
    "engine_out_of_memory": ErrorKind(
        "The machine ran out of memory and ended the engine, and this job with it.",
        "Choose a smaller size or a shorter video, or end other programs.",
        retryable=True,
    ),
    "budget_spent": ErrorKind(
        "The job was ended after {span}, the most that one may take; it had reached {reached}.",
        "Choose a smaller size, a shorter video or a faster preset, or raise STUDIO_BUDGET_CAP.",
        retryable=True,
    ),
    "engine_silent": ErrorKind(
        "The engine reported no progress for {span}, and the job was given up; it had reached {reached}.",
        "Restart the engine, or choose a smaller size or a shorter video.",
        retryable=True,
    ),
    "nothing_smaller": ErrorKind(
        "Nothing smaller is known to fit.", "Choose a smaller size, a shorter video or a faster preset yourself."
    ),
    "queue_timeout": ErrorKind(
        "The job waited {span} for the engine and was taken back.", "Try again when less is waiting.", retryable=True
    ),
    "output_missing": ErrorKind(
        "The engine finished but its file {value} can't be had.", "Generate it again.", retryable=True
    ),
    "output_broken": ErrorKind(
        "The engine finished but its file {value} is not a complete video.", "Generate it again.", retryable=True
    ),
    "disk_failed": ErrorKind(
        "The video could not be kept in {path} ({reason}).", "Make room or mend the folder, then retry.", retryable=True
    ),
    "database_failed": ErrorKind(
        "The studio's database can't be written ({reason}).", "Make room on the disk, then try again.", retryable=True
    ),
    "database_newer": ErrorKind(
        "The database {path} was written by a newer studio.", "Start that one, or choose another folder with --data."
    ),
    "internal_error": ErrorKind(
        "The studio made a mistake while following this job ({reason}).",
        "Try again; the studio's log says more.",
        retryable=True,
    ),
    # Jobs.
    "job_unknown": ErrorKind("There is no job {value}.", "It may have been deleted; look into the Library."),
    "job_active": ErrorKind("This job is still running.", "Cancel it first, then delete it."),
    # Making the studio run.
    "venv_missing": ErrorKind(
        "This Python ({python}) can't make virtual environments: its module {module} is missing.",
        "On Debian or Ubuntu install python3-venv, then run the command again.",
    ),
    "setup_failed": ErrorKind(
        "Setting up .venv failed while {step}; all of its output is in {log}.",
        "Mend the cause, often the network or a full disk, and run the command again: it continues where it stopped.",
        retryable=True,
    ),
    "venv_unwritable": ErrorKind(
        "The folder {path} can't be written ({reason}).", "Use a checkout that belongs to you, or mend its permissions."
    ),
    "data_unwritable": ErrorKind(
        "The data folder {path} can't be written ({reason}).", "Mend its permissions, or choose another with --data."
    ),
    "data_nowhere": ErrorKind("{title} leads to no folder: {value} ({reason}).", "Write another path, like ./data."),
    "data_unreadable": ErrorKind(
        "The data folder {path} can't be read ({reason}), so that nobody knows what runs on it.",
        "Ask as the user it belongs to, or choose another with --data.",
    ),
    # Installing ComfyUI.
    "custom_nodes_missing": ErrorKind(
        "STUDIO_COMFYUI_NODES names {value}, and there is no such folder in {path}.",
        "Put the node pack there, or correct the name.",
    ),
    "commit_invalid": ErrorKind(
        "{title} must be a commit of 40 hexadecimal digits; {value} was given.",
        "Write the full commit id, as `git rev-parse` prints it.",
    ),
    "source_url_invalid": ErrorKind(
        "{title} is no address of a git repository: {value}",
        "Write it like https://user:password@host/path, with whatever is special in user, password or path "
        "percent-encoded (@ is %40, / is %2F), and without a query.",
    ),
    "git_missing": ErrorKind(
        "Git is not installed, and {what} is fetched with it.", "Install git, then run the command again."
    ),
    "source_unreachable": ErrorKind(
        "The git repository of {what} can't be reached: {source} ({reason}).",
        "Check the network, or name a mirror, a bundle or a local clone in STUDIO_COMFYUI_SOURCE (STUDIO_PACKS_SOURCE "
        "for packs).",
        retryable=True,
    ),
    "source_lacks_commit": ErrorKind(
        "The git repository of {what}, {source}, does not have the commit {commit}.",
        "Update the mirror, or name another commit or source.",
    ),
    "source_damaged": ErrorKind(
        "The git repository of {what}, {source}, lacks a part of the commit {commit} ({reason}).",
        "Mend or replace that clone (`git fsck` lists what is missing), or name another source.",
    ),
    "not_comfyui": ErrorKind(
        "The commit {commit} of {source} is not ComfyUI: it has no {missing}.",
        "Correct STUDIO_COMFYUI_SOURCE or STUDIO_COMFYUI_COMMIT.",
    ),
    "comfyui_unwritable": ErrorKind(
        "The folder {path} can't be written ({reason}).",
        "Mend its permissions, or choose another with STUDIO_COMFYUI_DIR.",
    ),
    "comfyui_held": ErrorKind(
        "ComfyUI {version} is damaged ({reason}), and the engine that runs uses it.",
        "Stop the studio and run `python3 -m bootstrap install` again.",
    ),
    "disk_too_small": ErrorKind(
        "ComfyUI for {device} takes up to {needed} GB while it is installed, and {free:.1f} GB are free in {path}.",
        "Make room, or choose a folder on another disk with STUDIO_COMFYUI_DIR.",
    ),
    "packages_failed": ErrorKind(
        "Installing {what} failed; all of the output is in {log}.",
        "Mend the cause, often the network, a full disk or a version that the constraints forbid, and run the command "
        "again: it continues where it stopped.",
        retryable=True,
    ),
    "torch_not_importable": ErrorKind(
        "The packages torch, torchvision and torchaudio are installed but can't be imported: {reason}",
        "Let the builds for the device be reached (download.pytorch.org or a mirror of it in pip's configuration).",
    ),
    "device_unusable": ErrorKind(
        "The installed torch can't compute on {device}: {reason}.",
        "Update the GPU's driver, or choose another device with --device.",
    ),
    "torch_replaced": ErrorKind(
        "{who} replaced {name} {version} by {found}.", "Report this as a bug of packs.toml, or use --packs core."
    ),
    "comfyui_silent": ErrorKind(
        "ComfyUI is installed but does not start: {reason}. Its output is in {log}.",
        "Mend what its last lines say and run `python3 -m bootstrap install` again.",
        retryable=True,
    ),
    "port_taken": ErrorKind(
        "Port {port} for the {program} is already in use.", "Stop what uses it, or choose another with {flag}."
    ),
    "ports_equal": ErrorKind("The studio and the engine can't both have port {port}.", "Change --engine-port."),
    "address_unusable": ErrorKind(
        "The {program} can't listen on {host}, port {port} ({reason}).", "Choose another with {flag}."
    ),
    "engine_unknown": ErrorKind("There is no engine called {value}.", "Choose one of {known}."),
    "engine_url_missing": ErrorKind(
        "The external engine has no address.", "Set STUDIO_COMFYUI_URL, for instance to http://127.0.0.1:8188."
    ),
    "engine_url_invalid": ErrorKind(
        "{title} is no web address: {value}",
        "Write it like http://host:8188, with user:password@ before the host where it asks for them; "
        "percent-encode what is special in a password, and put a token into STUDIO_COMFYUI_TOKEN.",
    ),
    "studio_running": ErrorKind(
        "A studio already runs on the data folder {path}: {url}",
        "Use it, stop it with `python3 -m bootstrap down --data {path}`, or choose another with --data.",
    ),
    "studio_starting": ErrorKind(
        "Another command is just starting a studio on the data folder {path}.", "Wait for it, then look at `status`."
    ),
    "program_failed": ErrorKind(
        "The {program} does not start; its log is {log}.", "Mend what its last lines say and run the command again."
    ),
    "program_silent": ErrorKind(
        "The {program} did not answer within {seconds:g} s; its log is {log}.",
        "Look there for the cause and run the command again.",
        retryable=True,
    ),
    "supervisor_ended": ErrorKind(
        "The supervisor ended by itself; what it said is in {log}.", "Run the command again.", retryable=True
    ),
    "socket_unsafe": ErrorKind(
        "The folder {path} for the control socket does not belong to you alone.", "Remove it and run the command again."
    ),
}


class StudioError(Exception):
    """An error with a code from `REGISTRY` and the facts its sentence names.

    `str(error)` is the sentence; `hint` says what to do next. `field` names the form field concerned, if any.
    """

    def __init__(self, code: str, *, field: str | None = None, **facts: object) -> None:
        kind = REGISTRY[code]
        self.code = code
        self.field = field
        self.facts = facts
        self.message = kind.message.format(**facts)
        self.hint = kind.hint.format(**facts)
        self.retryable = kind.retryable
        super().__init__(self.message)
