"""The model files: what is there, what is missing, fetching it."""

from pages.parts.models import models

models()
