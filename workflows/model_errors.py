"""The part of the registry of errors that is about model files. Standard library only."""

from __future__ import annotations

from workflows.error_kind import ErrorKind

MODEL_ERRORS: dict[str, ErrorKind] = {
    "variant_unusable": ErrorKind(
        "{title} as {value} can't be used by the graphs: {reason}",
        "Choose another variant, or leave the choice to auto.",
    ),
    "disk_short": ErrorKind(
        "The models need {needed_gb:.1f} GB in {path}, and {free_gb:.1f} GB are free there.",
        "Make room, choose fewer modes or a smaller variant, or move the cache with HF_HOME.",
    ),
    "models_unwritable": ErrorKind(
        "The models folder {path} can't be written ({reason}).",
        "Mend its permissions, or choose another with STUDIO_COMFYUI_DIR.",
    ),
    "hub_cache_unwritable": ErrorKind(
        "The Hugging Face cache {path} can't be written ({reason}).",
        "Mend its permissions, or choose another with HF_HOME.",
    ),
    "model_gated": ErrorKind(
        "{file} is behind a licence that has to be accepted first: {page}",
        "Accept it on that page, then put a token of the same account into HF_TOKEN, or run `hf auth login`.",
    ),
    "model_not_on_hub": ErrorKind(
        "The hub has no {what} {value}, or doesn't show it to you.",
        "Where it is private, put a token into HF_TOKEN or run `hf auth login`; else report this as a bug.",
    ),
    "model_differs": ErrorKind(
        "{path} has {have:,} bytes and the hub's file {expected:,}: it is incomplete, or another file.",
        "Delete or rename it and pull again; it is never replaced.",
    ),
    "model_damaged": ErrorKind(
        "{file} arrived damaged more than once: {reason}.",
        "Try again, over another network or without a proxy where there is one.",
        retryable=True,
    ),
    "model_not_kept": ErrorKind(
        "{file} could not be kept in {path} ({reason}).",
        "Make room or mend the folder, then pull again; what has come is kept.",
        retryable=True,
    ),
    "download_broken": ErrorKind(
        "{file} could not be fetched from {endpoint}: {tries} tries in a row brought nothing, at last {reason}.",
        "Pull again in a while; it goes on from where it stopped.",
        retryable=True,
    ),
    "hub_url_invalid": ErrorKind(
        "HF_ENDPOINT is no web address: {value}",
        "Write it like https://huggingface.co, with user:password@ before the host where a mirror asks for them; "
        "percent-encode what is special in a password.",
    ),
    "hub_folder_invalid": ErrorKind(
        "{title} leads to {path}, which is no folder.", "Name a folder there, or unset it."
    ),
    "hub_token_invalid": ErrorKind(
        "The hub's token from {where} can't be sent: it holds spaces or characters beyond ASCII.",
        "Copy it once more from your account's settings.",
    ),
    "hub_token_unreadable": ErrorKind(
        "The hub's token can't be read from {path} ({reason}).", "Mend that file, or put the token into HF_TOKEN."
    ),
    "hub_token_refused": ErrorKind(
        "{endpoint} does not accept your token for {file}.",
        "Make a new one in your account's settings, put it into HF_TOKEN or run `hf auth login`.",
    ),
    "hub_unreachable": ErrorKind(
        "The hub at {endpoint} can't be reached ({reason}).",
        "Check the network, or name a mirror in HF_ENDPOINT.",
        retryable=True,
    ),
    "hub_busy": ErrorKind(
        "The hub at {endpoint} can't answer now: {reason}.", "Pull again in a while.", retryable=True
    ),
    "hub_refuses": ErrorKind(
        "The hub at {endpoint} does not give {file}: {reason}.",
        "Look at HF_ENDPOINT and at your token's permissions.",
    ),
    "hub_offline": ErrorKind(
        "{file} is not on this machine, and HF_HUB_OFFLINE forbids fetching it.",
        "Unset HF_HUB_OFFLINE, or put the file into the models folder.",
    ),
}
