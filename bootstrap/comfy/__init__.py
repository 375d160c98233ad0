"""The managed ComfyUI: fetched at a pinned commit, installed into a virtual environment of its own, proven once."""
