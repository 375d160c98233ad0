"""What an estimate says."""

from __future__ import annotations

from dataclasses import dataclass

LEAST_BUDGET_SECONDS = 60.0
BUDGET_FACTOR = 1.5


@dataclass(frozen=True)
class StageEstimate:
    """One stage of a graph: `title` is the manifest's. `nodes` maps node ids to their seconds, and sums to `seconds`.

    `step_seconds` is the longest wait between two progress ticks inside the stage, 0 where it does not count steps.
    """

    title: str
    seconds: float
    step_seconds: float
    nodes: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Estimate:
    """The execution of one graph on one device, in seconds with the models loaded.

    Four of five runs are expected between `low` and `high`. `cold_seconds` comes on top where all models have to be
    loaded first and `cold_high` where that is slow, `loading_seconds` for those that the last run here has not loaded.
    `vram_gb` (10^9 bytes) is the peak,
    None where the device has no memory of its own, and `device_gb` what the device has; `fits` says whether the one
    can do with the other, with weights streamed as far as need be. `tokens` is the largest number of latent tokens of a
    sampling stage. `runs` counts the finished runs it has learnt from; `basis` says in a few words what it rests on.
    """

    seconds: float
    low: float
    high: float
    cold_seconds: float
    vram_gb: float | None
    tokens: int
    stages: tuple[StageEstimate, ...]
    runs: int
    basis: str
    loading_seconds: float = 0.0
    cold_high: float = 0.0
    device_gb: float | None = None
    fits: bool = True

    @property
    def loaded(self) -> bool:
        """Whether next to nothing has to be loaded first."""
        return self.loading_seconds < 1


def budget_seconds(estimate: Estimate, cap: float | None) -> float:
    """Seconds that a job may run before somebody asks what is the matter, never more than `cap` (None is no cap).

    Half again as long as the slowest expected run, and the models' loading where that is slow, too; never less than a
    minute.
    """
    cold = max(estimate.cold_seconds, estimate.cold_high)
    wanted = max(LEAST_BUDGET_SECONDS, BUDGET_FACTOR * estimate.high + cold)
    return wanted if cap is None else min(wanted, cap)
