"""The page of estimates: what was expected of finished runs against what they took, and what was learnt from them."""

from __future__ import annotations

import time
from typing import Any

import streamlit as st

from client.estimate.history import Run
from client.estimate.report import RECENT, Report
from client.jobs import manager
from pages.parts import markup, owner, words
from pages.parts.clock import zone
from pages.parts.frame import frame
from workflows import manifest

CHARTED = 100
LISTED = 20
SOFT, LINE = "#B4BBC4", "#262C35"


def estimates() -> None:
    """Draw the page."""
    frame("Estimates", "How long videos were expected to take, and how long they took.")
    st.query_params.from_dict(owner.link())
    found = {report.device: report for report in manager().estimates.reports()}
    if not found:
        st.html(markup.empty("timer", "Nothing learnt yet", "Each finished video teaches how fast this machine is."))
        return
    report = found[_device(found)]
    _summary(report)
    with st.container(key="section-learnt"):
        left, right = st.columns([7, 5], gap="medium")
    with left:
        st.html(markup.section("Expected against actual"))
        _chart(report)
    with right:
        _kinds(report)
    with st.container(key="section-runs"):
        _runs(report)


def _device(found: dict[str, Report]) -> str:
    """The device to look at: the engine's own at first."""
    devices = list(found)
    current = manager().estimates.device()
    first = current.key if current and current.key in found else devices[0]
    if len(devices) == 1:
        return first
    chosen = st.selectbox("Device", devices, devices.index(first), format_func=lambda key: found[key].name)
    return chosen or first


def _summary(report: Report) -> None:
    newest = min(RECENT, len(report.runs))
    st.html(
        markup.figures(
            [
                ("Device", report.name),
                ("Finished runs", str(len(report.runs))),
                (f"Median error, newest {newest}", "" if report.error is None else f"{report.error:.0%}"),
                (f"In range, newest {newest}", "" if report.inside is None else f"{report.inside:.0%}"),
            ]
        )
    )


def _chart(report: Report) -> None:
    """Each run as a point, its range as a line through it; on the diagonal the estimate was right."""
    runs = report.runs[:CHARTED]
    values = [
        {
            "expected": run.predicted,
            "took": run.seconds,
            "low": run.low,
            "high": run.high,
            "mode": _title(run.mode),
            "size": words.size(run.width, run.height),
            "models": "loaded first" if run.cold else "were loaded",
        }
        for run in runs
    ]
    least = 0.8 * min(min(run.predicted, run.seconds) for run in runs)
    most = 1.25 * max(max(run.predicted, run.seconds) for run in runs)
    st.vega_lite_chart(spec=_spec(values, least, most), width="stretch", theme="streamlit")


def _spec(values: list[dict[str, Any]], least: float, most: float) -> dict[str, Any]:
    scale = {"type": "log", "domain": [least, most], "nice": False}
    ticks = [step * 10**power for power in range(-2, 5) for step in (1, 2, 5) if least <= step * 10**power <= most]
    axis = {"values": ticks, "gridColor": LINE, "labelColor": SOFT, "titleColor": SOFT, "format": "~g"}
    legend = {"title": None, "orient": "top", "labelColor": SOFT, "columns": 2, "symbolOpacity": 1}
    color = {"field": "mode", "type": "nominal", "legend": legend}
    took = {"field": "took", "type": "quantitative", "title": "Took, seconds", "scale": scale, "axis": axis}
    expected = {"type": "quantitative", "title": "Expected, seconds", "scale": scale, "axis": axis}
    tips = [
        {"field": "mode", "title": "Mode"},
        {"field": "size", "title": "Size"},
        {"field": "expected", "title": "Expected, s", "format": ".1f"},
        {"field": "took", "title": "Took, s", "format": ".1f"},
        {"field": "models", "title": "Models"},
    ]
    diagonal = {
        "data": {"values": [{"at": least}, {"at": most}]},
        "mark": {"type": "line", "color": SOFT, "strokeDash": [4, 4], "strokeWidth": 1},
        "encoding": {"x": {"field": "at", **expected}, "y": {**took, "field": "at"}},
    }
    ranges = {
        "data": {"values": values},
        "mark": {"type": "rule", "opacity": 0.35, "strokeWidth": 2, "clip": True},
        "encoding": {"x": {"field": "low", **expected}, "x2": {"field": "high"}, "y": took, "color": color},
    }
    points = {
        "data": {"values": values},
        "mark": {"type": "point", "filled": True, "size": 70, "opacity": 0.95},
        "encoding": {"x": {"field": "expected", **expected}, "y": took, "color": color, "tooltip": tips},
    }
    about = "Seconds that runs took, by the seconds expected. The table of newest runs below says the same."
    return {"description": about, "height": 460, "layer": [diagonal, ranges, points]}


def _runs(report: Report) -> None:
    """The same as a table, for those who can't see the chart."""
    st.html(markup.section("Newest runs", min(LISTED, len(report.runs))))
    now = time.time()
    rows = [_row(run, now) for run in report.runs[:LISTED]]
    st.html(markup.table(("Run", "Expected", "Took", "Off by"), rows))


def _row(run: Run, now: float) -> tuple[str | tuple[str, str], ...]:
    made = f"{words.size(run.width, run.height)}, {run.frames} frames · {words.when(run.finished_at, now, zone())}"
    took = words.brief(run.seconds)
    return (
        (f"{_title(run.mode)}, {run.preset}", made),
        (words.brief(run.predicted), f"{words.brief(run.low)} to {words.brief(run.high)}"),
        (took, "models loaded first") if run.cold else took,
        f"{run.error:.0%}",
    )


def _title(mode: str) -> str:
    return manifest.mode(mode).title if mode in manifest.MODES else mode


def _kinds(report: Report) -> None:
    st.html(markup.section("Learnt by kind of work", len(report.kinds)))
    rows = [((kind.title, f"measured {_times(kind.measured)}"), f"{kind.factor:.2f} ×", f"± {kind.spread:.0%}")
            for kind in report.kinds]  # fmt: skip
    st.html(markup.table(("Work", "Against the first guess", "Spread"), rows))


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
