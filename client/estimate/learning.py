"""What runs have taught: for each kind of work how much slower than the prior it is, and how that changes with size.

A robust fit in log space, of a line through the newest observations: log(actual / prior) = scale + slope · (log prior −
its mean). Both are drawn towards what is likely before anything is seen: the slope to 0, the scale to what the other
kinds of work on the same part of the machine have in common, so that what one mode has taught helps all. What is
peculiar to a mode comes on top, as far as its own runs show it. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import exp, inf, log, sqrt

WINDOW = 40
"""Observations of a kind that are looked at, the newest."""

FADING = 0.94
"""Weight of an observation relative to the next newer one, so that a new driver is noticed."""

SLOPE_SPREAD = 0.2
KIND_SPREAD = 0.35
"""How far kinds of work on the same part of the machine differ, as a standard deviation of the logarithm."""

MODE_SPREAD = 0.1
LEAST_APART, MOST_APART = 0.04, 0.6
"""How far the same kind of work differs between modes, likewise, where nothing was seen and at the bounds."""

USUAL_NOISE = 0.08
USUAL_WEIGHT = 3.0
"""Spread between two equal runs, and how many observations that belief is worth."""

OUTLIER = 2.5
"""Spreads away from the line where an observation's weight has fallen to a fifth."""

ROUNDS = 8
REST = "rest"
"""The kind of all that is too small to be looked at by itself, and of the moments between nodes; one sum a run."""

PARTS = {"save": "processor", "pictures": "processor", "load": "disk", REST: "processor"}
ELSEWHERE = "device"
"""The part of the machine that a kind of work keeps busy."""


@dataclass(frozen=True)
class Observation:
    """A node's work in one run: seconds by the prior and as measured."""

    kind: str
    prior: float
    seconds: float
    mode: str = ""


@dataclass(frozen=True)
class Fit:
    """The line of one kind: `scale` at a prior of exp(`center`) seconds, its `slope`, and their variances.

    `noise` is the standard deviation of one run around the line, `runs` how many observations lie behind it.
    """

    scale: float
    slope: float
    center: float
    scale_variance: float
    slope_variance: float
    noise: float
    runs: int

    @property
    def usual(self) -> float:
        """A prior in the middle of those seen, in seconds."""
        return exp(self.center)

    def at(self, prior: float) -> tuple[float, float]:
        """Logarithm of the factor for such a prior, and its standard deviation for the next run."""
        away = log(prior) - self.center
        variance = self.scale_variance + self.slope_variance * away * away + self.noise**2
        return self.scale + self.slope * away, sqrt(variance)


@dataclass(frozen=True)
class Learnt:
    """What is known of one device: lines by kind, and by part of the machine the scale of what was not seen yet.

    `shifts` are what a mode adds to a kind's line, with the variance of that.
    """

    fits: Mapping[str, Fit] = field(default_factory=dict)
    parts: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    shifts: Mapping[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    spread: float = 0.4

    def factor(self, kind: str, prior: float, mode: str = "") -> tuple[float, float]:
        """By how much a prior of this kind is to be multiplied, and the standard deviation of its logarithm."""
        if kind in self.fits:
            found, sigma = self.fits[kind].at(max(prior, 1e-4))
            shift, variance = self.shifts.get((kind, mode), (0.0, MODE_SPREAD**2 if mode else 0.0))
            return exp(found + shift), sqrt(sigma * sigma + variance)
        mean, variance = self.parts.get(part_of(kind), (0.0, self.spread**2))
        return exp(mean), sqrt(variance + KIND_SPREAD**2)


def part_of(kind: str) -> str:
    """What a kind of work keeps busy: the device, the processor or the disk."""
    return PARTS.get(kind, ELSEWHERE)


def learn(observations: Iterable[Observation], spread: float) -> Learnt:
    """What observations, oldest first, teach where the prior may be off by `spread` (logarithmic)."""
    by_kind: dict[str, list[Observation]] = {}
    for one in observations:
        if 0 < one.prior < inf and 0 < one.seconds < inf:
            by_kind.setdefault(one.kind, []).append(one)
    alone = {kind: fit(seen[-WINDOW:], 0.0, spread**2) for kind, seen in by_kind.items()}
    parts = {name: _shared(alone, name, spread) for name in {part_of(kind) for kind in alone}}
    fits = {
        kind: fit(seen[-WINDOW:], *_start(alone, kind, spread)) if len(alone) > 1 else alone[kind]
        for kind, seen in by_kind.items()
    }
    shifts: dict[tuple[str, str], tuple[float, float]] = {}
    for kind, seen in by_kind.items():
        of_modes = _shifts(fits[kind], seen[-WINDOW:])
        shifts |= {(kind, mode): found for mode, found in of_modes.items()}
        fits[kind] = _without_shifts(fits[kind], seen[-WINDOW:], of_modes)
    return Learnt(fits, parts, shifts, spread)


def _off(line: Fit, seen: Iterable[Observation]) -> list[float]:
    return [log(one.seconds / one.prior) - line.at(one.prior)[0] for one in seen]


def _shifts(line: Fit, seen: Sequence[Observation]) -> dict[str, tuple[float, float]]:
    """What each mode adds to the line, as far as its runs show, and the variance of that.

    How far modes differ is seen from the runs, too: where they don't, none gets a shift from a disturbed run.
    """
    by_mode: dict[str, list[float]] = {}
    for one, off in zip(seen, _off(line, seen), strict=True):
        by_mode.setdefault(one.mode, []).append(off)
    middles = {mode: _lower_median(off, _fresh(len(off))) for mode, off in by_mode.items()}
    within = [off - middles[mode] for mode, offs in by_mode.items() for off in offs]
    noise = _noise(within, [1.0] * len(within))
    apart = [middles[mode] ** 2 - noise**2 / len(off) for mode, off in by_mode.items()]
    usual = min(MOST_APART**2, max(LEAST_APART**2, _lower_median(apart, [1.0] * len(apart))))
    found = {}
    for mode, offs in by_mode.items():
        # A mode that is as far off again and again is so by nature.
        steady = (middles[mode] * (1 - 1 / len(offs))) ** 2
        variance = max(usual, min(MOST_APART**2, steady))
        # Neither a run that is unlike the mode's others counts for much, nor a mode that is further off than modes are.
        doubt = 1 + (2 * middles[mode] / OUTLIER) ** 2 / (noise**2 + variance)
        weights = [
            w / (1 + (2 * (off - middles[mode]) / (OUTLIER * noise)) ** 2) / doubt
            for w, off in zip(_fresh(len(offs)), offs, strict=True)
        ]
        weight = sum(weights) / noise**2
        found[mode] = (weight * _mean(offs, weights) / (weight + 1 / variance), 1 / (weight + 1 / variance))
    return found


def _fresh(count: int) -> list[float]:
    """Weights of so many observations, oldest first, by their age."""
    return [FADING**age for age in range(count - 1, -1, -1)]


def _without_shifts(line: Fit, seen: Sequence[Observation], shifts: Mapping[str, tuple[float, float]]) -> Fit:
    """The line with the noise that is left once each mode has its shift, more where few runs have drawn many."""
    left = [off - shifts[one.mode][0] for off, one in zip(_off(line, seen), seen, strict=True)]
    free = max(1, len(left) - len(shifts))
    return replace(line, noise=_noise(left, _fresh(len(left))) * sqrt(len(left) / free))


def _start(alone: Mapping[str, Fit], kind: str, spread: float) -> tuple[float, float]:
    """What the other kinds of the same part say of this one's scale: mean and variance."""
    others = {name: fit for name, fit in alone.items() if name != kind}
    mean, variance = _shared(others, part_of(kind), spread)
    return mean, variance + KIND_SPREAD**2


def _shared(fits: Mapping[str, Fit], part: str, spread: float) -> tuple[float, float]:
    """Mean and variance of what the kinds of a part have in common."""
    known = [found for kind, found in fits.items() if part_of(kind) == part]
    weights = [1 / (found.scale_variance + KIND_SPREAD**2) for found in known]
    precision = sum(weights) + 1 / spread**2
    return sum(w * found.scale for w, found in zip(weights, known, strict=True)) / precision, 1 / precision


def fit(seen: Sequence[Observation], mean: float, variance: float) -> Fit:
    """The line through one kind's observations, oldest first, with the scale expected at `mean` ± √`variance`.

    What was expected counts at the end only: on the way it would make a device that is far from it look noisy.
    """
    fresh = _fresh(len(seen))
    xs = [log(one.prior) for one in seen]
    ys = [log(one.seconds / one.prior) for one in seen]
    # Whatever disturbs a run makes it slower, so of two that differ the faster one is believed.
    scale, slope, noise, center = _lower_median(ys, fresh), 0.0, USUAL_NOISE, _mean(xs, fresh)
    weights = fresh
    for _ in range(ROUNDS):
        off = [y - scale - slope * (x - center) for x, y in zip(xs, ys, strict=True)]
        noise = _noise(off, fresh)
        weights = [w / (1 + (2 * r / (OUTLIER * noise)) ** 2) for w, r in zip(fresh, off, strict=True)]
        center, scale = _mean(xs, weights), _mean(ys, weights)
        slope, slope_variance = _slope(xs, ys, weights, center, scale, noise)
    weight = sum(weights) / noise**2
    return Fit(
        scale=(weight * scale + mean / variance) / (weight + 1 / variance),
        slope=slope,
        center=center,
        scale_variance=1 / (weight + 1 / variance),
        slope_variance=slope_variance,
        noise=noise,
        runs=len(seen),
    )


def _mean(values: Sequence[float], weights: Sequence[float]) -> float:
    return sum(w * value for w, value in zip(weights, values, strict=True)) / sum(weights)


def _slope(
    xs: Sequence[float], ys: Sequence[float], weights: Sequence[float], center: float, scale: float, noise: float
) -> tuple[float, float]:
    """The slope around the middle of the observations, and its variance."""
    spread = sum(w * (x - center) ** 2 for w, x in zip(weights, xs, strict=True)) / noise**2
    along = sum(w * (x - center) * (y - scale) for w, x, y in zip(weights, xs, ys, strict=True)) / noise**2
    precision = spread + 1 / SLOPE_SPREAD**2
    return along / precision, 1 / precision


def _lower_median(values: Sequence[float], weights: Sequence[float]) -> float:
    """The value below which four of ten lie: of two the lower one, though it may be the older."""
    wanted, passed = 0.4 * sum(weights), 0.0
    for value, weight in sorted(zip(values, weights, strict=True)):
        passed += weight
        if passed >= wanted:
            return value
    return inf


def _noise(off: Sequence[float], weights: Sequence[float]) -> float:
    """Spread of the residuals by their median, drawn towards the usual one while they are few."""
    median = _lower_median([abs(r) for r in off], weights)
    count = max(0.0, sum(weights) - 1)
    squared = (USUAL_WEIGHT * USUAL_NOISE**2 + count * (1.4826 * median) ** 2) / (USUAL_WEIGHT + count)
    return max(0.02, sqrt(squared))
