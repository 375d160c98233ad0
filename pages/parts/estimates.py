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
INK, SOFT, LINE, AMBER = "#E6E8EB", "#B4BBC4", "#343C47", "#E0A458"


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
    with st.container(key="section-chart"):
        st.html(markup.section("Expected against actual"))
        _chart(report)
    left, right = st.columns([7, 5], gap="medium")
    with left:
        _runs(report)
    with right:
        _kinds(report)


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
    error = "" if report.error is None else f"{report.error:.0%}"
    inside = "" if report.inside is None else f"{report.inside:.0%}"
    st.html(
        markup.facts(
            [
                ("Device", report.name),
                ("Finished runs", str(len(report.runs))),
                (f"Median error, last {min(RECENT, len(report.runs))}", error),
                ("Within the range shown", inside),
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
    least = 0.8 * min(min(run.low, run.seconds) for run in runs)
    most = 1.25 * max(max(run.high, run.seconds) for run in runs)
    st.vega_lite_chart(spec=_spec(values, least, most), width="stretch", theme="streamlit")


def _spec(values: list[dict[str, Any]], least: float, most: float) -> dict[str, Any]:
    scale = {"type": "log", "domain": [least, most], "nice": False}
    axis = {"gridColor": LINE, "tickCount": 6, "labelColor": SOFT, "titleColor": SOFT, "format": "~g"}
    tips = [
        {"field": "mode", "title": "Mode"},
        {"field": "size", "title": "Size"},
        {"field": "expected", "title": "Expected, s", "format": ".1f"},
        {"field": "took", "title": "Took, s", "format": ".1f"},
        {"field": "models", "title": "Models"},
    ]
    took = {"field": "took", "type": "quantitative", "title": "Took, seconds", "scale": scale, "axis": axis}
    return {
        "height": 360,
        "layer": [
            {
                "data": {"values": [{"at": least}, {"at": most}]},
                "mark": {"type": "line", "color": SOFT, "strokeDash": [4, 4], "strokeWidth": 1},
                "encoding": {
                    "x": {"field": "at", "type": "quantitative", "scale": scale},
                    "y": {"field": "at", "type": "quantitative", "scale": scale},
                },
            },
            {
                "data": {"values": values},
                "mark": {"type": "rule", "opacity": 0.35, "strokeWidth": 2},
                "encoding": {
                    "x": {"field": "low", "type": "quantitative", "scale": scale},
                    "x2": {"field": "high"},
                    "y": took,
                    "color": {"field": "mode", "type": "nominal", "legend": None},
                },
            },
            {
                "data": {"values": values},
                "mark": {"type": "point", "filled": True, "size": 70, "opacity": 0.95},
                "encoding": {
                    "x": {
                        "field": "expected",
                        "type": "quantitative",
                        "title": "Expected, seconds, with the range that was shown",
                        "scale": scale,
                        "axis": axis,
                    },
                    "y": took,
                    "color": {
                        "field": "mode",
                        "type": "nominal",
                        "legend": {"title": None, "orient": "top", "labelColor": SOFT, "columns": 3},
                    },
                    "tooltip": tips,
                },
            },
        ],
    }


def _runs(report: Report) -> None:
    """The same as a table, for those who can't see the chart."""
    st.html(markup.section("Newest runs", min(LISTED, len(report.runs))))
    now = time.time()
    rows = [_row(run, now) for run in report.runs[:LISTED]]
    st.html(markup.table(("Mode", "Size", "Expected", "Took", "Error", "When"), rows))


def _row(run: Run, now: float) -> tuple[str, ...]:
    expected = f"{words.brief(run.predicted)} ({words.brief(run.low)}–{words.brief(run.high)})"
    return (
        f"{_title(run.mode)}, {run.preset}",
        f"{words.size(run.width, run.height)}, {run.frames} frames",
        expected,
        words.brief(run.seconds) + (", models loaded" if run.cold else ""),
        f"{run.error:.0%}",
        words.when(run.finished_at, now, zone()),
    )


def _title(mode: str) -> str:
    return manifest.mode(mode).title if mode in manifest.MODES else mode


def _kinds(report: Report) -> None:
    st.html(markup.section("Learnt by kind of work", len(report.kinds)))
    rows = [(kind.title, f"{kind.factor:.2f} ×", f"± {kind.spread:.0%}", str(kind.measured)) for kind in report.kinds]
    st.html(markup.table(("Work", "Of what was assumed", "Spread", "Measured"), rows))
