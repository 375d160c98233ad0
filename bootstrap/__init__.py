"""Making the studio run: set-up, choice of engine, supervision, serving and the built-in draft engine."""
