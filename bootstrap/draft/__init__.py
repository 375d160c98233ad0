"""The draft engine: ComfyUI's HTTP and websocket protocol, rendering storyboards on a CPU."""
