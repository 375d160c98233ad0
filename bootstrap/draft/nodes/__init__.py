"""The draft engine's nodes. Importing this package registers all of them in `registry.NODES`."""

from bootstrap.draft.nodes import (
    audio,
    decoding,
    edges,
    geometry,
    guides,
    images,
    latents,
    loaders,
    poses,
    resizing,
    sampling,
    text,
    video,
)

__all__ = [
    "audio",
    "decoding",
    "edges",
    "geometry",
    "guides",
    "images",
    "latents",
    "loaders",
    "poses",
    "resizing",
    "sampling",
    "text",
    "video",
]
