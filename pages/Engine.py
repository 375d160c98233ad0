"""What executes the jobs, and its switches."""

from pages.parts.engine import engine

engine()
