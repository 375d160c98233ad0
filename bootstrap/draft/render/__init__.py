"""The draft engine's renderer: what a sampled clip looks and sounds like, and how it becomes a file.

It knows nothing of nodes, graphs or servers. Pictures are lazy sequences of frames (`media.Frames`), so a clip is
never held whole; the same take gives the same pixels and samples every time.
"""
