"""Which variant of the models suits this machine."""

from __future__ import annotations

from client import accelerator, card
from client.settings import Settings
from workflows import registry


def choice_for(settings: Settings) -> str:
    """The variant that suits the device which the managed engine computes on."""
    device = accelerator.detect() if settings.device == "auto" else settings.device
    # PyTorch has no fp8 on Apple's GPUs.
    if device == "mps":
        return registry.choice_for(0.0, fp8=False)
    found = card.first() if device == "cuda" else None
    return registry.choice_for(found.memory_gb, fp4=found.fp4) if found else registry.choice_for(0.0)
