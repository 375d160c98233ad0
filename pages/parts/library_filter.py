"""What of the library is shown: by words, mode, favourites and date, kept while other pages are visited."""

from __future__ import annotations

from datetime import date, datetime, timedelta, tzinfo

import streamlit as st

from client.shelf import Wanted
from pages.parts.clock import zone
from workflows import manifest

ALL = "all"
TEXT, MODE, FAVOURITES, PERIOD, DATES = (
    f"library.{name}" for name in ("text", "mode", "favourites", "period", "dates")
)
ANY_TIME, TODAY, WEEK, MONTH, CHOSEN = "any", "today", "week", "month", "chosen"
PERIODS = {
    ANY_TIME: "Any time",
    TODAY: "Today",
    WEEK: "Last 7 days",
    MONTH: "Last 30 days",
    CHOSEN: "From … to …",
}
DAYS = {TODAY: 1, WEEK: 7, MONTH: 30}
PERIOD_WIDTH, DATES_WIDTH = 150, 320


def library_filter() -> Wanted:
    """Draw the controls; what they say."""
    with st.container(key="filters", gap="small"):
        with st.container(horizontal=True, key="search", gap="small", vertical_alignment="center"):
            text = st.text_input(
                "Search",
                key=TEXT,
                placeholder="Search prompts, files, LoRAs, seeds",
                icon=":material/search:",
                label_visibility="collapsed",
                persist_state="session",
            )
            period = st.selectbox(
                "Made",
                list(PERIODS),
                format_func=PERIODS.__getitem__,
                key=PERIOD,
                label_visibility="collapsed",
                persist_state="session",
                width=PERIOD_WIDTH,
            )
            favourites = st.pills(
                "Favourites",
                [FAVOURITES],
                format_func=lambda _: ":material/star: Favourites",
                key=FAVOURITES,
                label_visibility="collapsed",
                persist_state="session",
                width="content",
            )
        since, until = _chosen_dates() if period == CHOSEN else _last_days(DAYS.get(period or ANY_TIME), zone())
        mode = _mode()
    return Wanted(mode, text or "", bool(favourites), since, until)


def _mode() -> str | None:
    titles = {ALL: "All"} | {mode.name: mode.title for mode in manifest.modes()}
    st.session_state.setdefault(MODE, ALL)
    with st.container(key="modes"):
        chosen = st.pills(
            "Mode",
            list(titles),
            format_func=titles.__getitem__,
            required=True,
            key=MODE,
            label_visibility="collapsed",
            persist_state="session",
        )
    return None if chosen in (None, ALL) else chosen


def _chosen_dates() -> tuple[float | None, float | None]:
    chosen = st.date_input(
        "From and to", (), key=DATES, persist_state="session", format="YYYY-MM-DD", width=DATES_WIDTH
    )
    days = [day for day in (chosen if isinstance(chosen, tuple) else (chosen,)) if isinstance(day, date)]
    return days_between(days[0], days[-1], zone()) if days else (None, None)


def days_between(first: date, last: date, here: tzinfo | None) -> tuple[float, float]:
    """The unix seconds at which the first day begins and the last one is over."""
    return _midnight(first, here), _midnight(last + timedelta(days=1), here)


def _last_days(days: int | None, here: tzinfo | None) -> tuple[float | None, float | None]:
    if days is None:
        return None, None
    return _midnight(datetime.now(here).date() - timedelta(days=days - 1), here), None


def _midnight(day: date, here: tzinfo | None) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=here).timestamp()


def clear() -> None:
    """Show everything; from a callback."""
    for key, value in ((TEXT, ""), (MODE, ALL), (FAVOURITES, None), (PERIOD, ANY_TIME), (DATES, ())):
        st.session_state[key] = value


def signature(wanted: Wanted) -> str:
    """A name for what is looked for, the mode in front."""
    parts = [wanted.mode or ALL, *(["favourites"] if wanted.favourites else []), *wanted.text.casefold().split()]
    return ".".join([*parts, *(f"{moment:.0f}" for moment in (wanted.since, wanted.until) if moment is not None)])
