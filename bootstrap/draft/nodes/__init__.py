"""The draft engine's nodes. Importing this package registers all of them in `registry.NODES`."""

from bootstrap.draft.nodes import (
    audio,
    decoding,
    edges,
    expressions,
    geometry,
    guides,
    images,
    latents,
    loaders,
    masks,
    poses,
    resizing,
    sampling,
    schedules,
    text,
    video,
)

__all__ = [
    "audio",
    "decoding",
    "edges",
    "expressions",
    "geometry",
    "guides",
    "images",
    "latents",
    "loaders",
    "masks",
    "poses",
    "resizing",
    "sampling",
    "schedules",
    "text",
    "video",
]
