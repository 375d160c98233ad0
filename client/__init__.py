"""One ComfyUI server as seen from Python: transport, events, jobs and the library of what was made."""
