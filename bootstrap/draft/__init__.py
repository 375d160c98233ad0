"""The draft engine: ComfyUI's HTTP and websocket protocol, rendering storyboards on a CPU.

It answers as ComfyUI 0.27.0 does, status codes, error objects and the order of messages included, but for this:

- What ends a real server's worker or process is refused with status 400: a node without `inputs`, a client id that is
  no text, an `extra_pnginfo` that is no object, a number that is not finite. Undeclared links to nowhere are ignored.
- An unknown or missing option of a dynamic choice is refused at once; ComfyUI fails on running it.
- A newer socket of a client outlives an older one, and a client that does not read holds up no other.
- A fully cached run without a client id has its outputs in the history.
- Files outside the three folders are never opened; scripts and SVG are never served as such.
- SetLatentNoiseMask takes sound only, and a prompt is written out by rules, not by a language model.
- SaveVideo, SaveImage and PreviewImage report progress.

The way of a prompt: `routes_prompt` → `validate` → `promptqueue` → `worker` → `execute`, which tells `announce`, which
speaks through `sockets`. `nodes` holds what is executed, `render` what the frames are made of.
"""
