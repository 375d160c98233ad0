"""The draft engine's nodes. Importing this package registers all of them in `registry.NODES`."""

from bootstrap.draft.nodes import (
    audio,
    decoding,
    edges,
    guides,
    images,
    latents,
    loaders,
    resizing,
    sampling,
    text,
    video,
)

__all__ = [
    "audio",
    "decoding",
    "edges",
    "guides",
    "images",
    "latents",
    "loaders",
    "resizing",
    "sampling",
    "text",
    "video",
]
