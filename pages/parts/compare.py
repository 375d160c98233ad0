"""Two videos side by side, played together, with what differs between them."""

from __future__ import annotations

import streamlit as st

from client.jobs import Job, manager
from client.states import Succeeded
from pages.parts import files, markup, owner, words
from pages.parts.facts import mode_of, settings

LETTERS = ("A", "B")
IN_SYNC = """<script>
(() => {
  const root = document.querySelector(".st-key-compare");
  if (!root || root.dataset.inSync) return;
  root.dataset.inSync = "yes";
  const videos = () => [...root.querySelectorAll("video")];
  const bar = () => root.querySelector(".s-sync");
  const longest = () => Math.max(0, ...videos().map((video) => video.duration || 0));
  const leader = () => videos().reduce((a, b) => ((b.duration || 0) > (a.duration || 0) ? b : a));
  const place = (video, seconds) => Math.min(seconds, Math.max(0, (video.duration || 0) - 0.001));
  const clock = (seconds) => seconds.toFixed(2);
  let held = false;

  const seek = (seconds, except) => {
    for (const video of videos()) {
      const target = place(video, seconds);
      if (video !== except && Math.abs(video.currentTime - target) > 0.001) video.currentTime = target;
    }
  };
  const play = (on, except) => {
    for (const video of videos()) {
      if (video === except || video.paused !== on) continue;
      if (!on) video.pause();
      else if (!video.ended) video.play().catch(() => {});
    }
  };
  const show = () => {
    if (!bar() || !videos().length) return;
    const first = leader();
    const slider = bar().querySelector("input");
    if (!held) slider.value = longest() ? (1000 * first.currentTime) / longest() : 0;
    slider.setAttribute("aria-valuetext", `${clock(first.currentTime)} seconds`);
    bar().querySelector("output").textContent = `${clock(first.currentTime)} / ${clock(longest())} s`;
    const running = videos().some((video) => !video.paused && !video.ended);
    const button = bar().querySelector("button[name=play]");
    button.querySelector(".s-icon").textContent = running ? "pause" : "play_arrow";
    button.setAttribute("aria-label", running ? "Pause both" : "Play both");
  };
  const watch = () => {
    const first = videos().length && leader();
    if (first && !first.paused) {
      for (const video of videos())
        if (!video.seeking && !video.ended && Math.abs(video.currentTime - place(video, first.currentTime)) > 0.12)
          video.currentTime = place(video, first.currentTime);
      show();
      requestAnimationFrame(watch);
    }
  };

  root.addEventListener("play", (event) => {
    const video = event.target;
    if (video.paused) return;
    if (videos().every((other) => other.paused || other === video || other.ended)) seek(video.currentTime, video);
    play(true, video);
    requestAnimationFrame(watch);
    show();
  }, true);
  root.addEventListener("pause", (event) => {
    const video = event.target;
    if (video.paused && !video.ended && !video.seeking) {
      play(false, video);
      seek(video.currentTime, video);
    }
    show();
  }, true);
  root.addEventListener("seeking", (event) => {
    const video = event.target;
    const apart = videos().some((other) => Math.abs(other.currentTime - place(other, video.currentTime)) > 0.12);
    // A shorter video that stands at its end does not call the longer one back.
    if (apart && video.currentTime < place(video, video.duration)) seek(video.currentTime, video);
    show();
  }, true);
  root.addEventListener("ratechange", (event) => {
    for (const video of videos())
      if (video.playbackRate !== event.target.playbackRate) video.playbackRate = event.target.playbackRate;
  }, true);
  for (const name of ["loadedmetadata", "ended", "seeked"]) root.addEventListener(name, show, true);
  root.addEventListener("click", (event) => {
    const button = event.target.closest(".s-sync button");
    if (!button) return;
    const first = leader();
    if (button.name === "play") {
      if (first.paused) {
        if (first.ended) seek(0);
        for (const video of videos()) video.play().catch(() => {});
      } else play(false);
      return;
    }
    play(false);
    seek(Math.max(0, first.currentTime + Number(button.value)));
  });
  root.addEventListener("input", (event) => {
    if (!event.target.closest(".s-sync")) return;
    held = true;
    seek((longest() * event.target.value) / 1000);
    held = false;
    show();
  });
  show();
})();
</script>"""
"""Listens on the place of both videos, so that it goes on when Streamlit draws them anew."""


def compare(text: str, visitor: str) -> None:
    """Draw two videos, named by their ids with a comma between them, if they are this visitor's."""
    with st.container(key="back"):
        st.page_link("pages/Library.py", label="All videos", icon=":material/arrow_back:", query_params=owner.link())
    jobs = [job for job in map(manager().get, dict.fromkeys(text.split(","))) if job is not None]
    shown = [
        job for job in jobs if job.owner == visitor and job.deleted_at is None and isinstance(job.state, Succeeded)
    ]
    if len(shown) != len(LETTERS):
        st.html(markup.empty("compare", "Two videos are needed", "Select two in the Library, then press Compare."))
        return
    with st.container(key="compare", gap="small"):
        for letter, column, job in zip(LETTERS, st.columns(len(LETTERS), gap="small"), shown, strict=True):
            with column:
                _side(letter, job)
        st.html(markup.sync(1 / min(job.shape.fps for job in shown)))
    st.html(IN_SYNC, unsafe_allow_javascript=True)
    _differences(shown)


def _side(letter: str, job: Job) -> None:
    name = files.video(job)
    with st.container(key=f"side-{letter.lower()}", gap="xsmall"):
        if name is None:
            st.html(
                markup.screen(job.shape.width, job.shape.height, None, "The file is no longer in the library.", False)
            )
        else:
            # Two sounds at once help nobody.
            with st.container(key=f"video-{job.id}"):
                st.video(
                    files.source(name), muted=letter != LETTERS[0], alt=f"{letter}: {job.values.get('prompt', '')}"
                )
        st.page_link(
            "pages/Library.py",
            label=words.literal(f"{letter}: {words.clip(str(job.values.get('prompt', '')), 90)}"),
            query_params=owner.link(job=job.id),
        )


def _differences(jobs: list[Job]) -> None:
    tables = [dict([("Mode", mode_of(job).title), *settings(job, mode_of(job))]) for job in jobs]
    prompts = [str(job.values.get("prompt", "")) for job in jobs]
    names = list(dict.fromkeys(name for table in tables for name in table))
    rows = [("Prompt", prompts), *((name, [table.get(name, "-") for table in tables]) for name in names)]
    apart = [row for row in rows if len(set(row[1])) > 1]
    alike = [(name, said[0]) for name, said in rows if len(set(said)) == 1]
    with st.container(key="section-apart"):
        st.html(markup.section("What differs"))
    if apart:
        st.html(markup.versus(LETTERS, apart))
    else:
        st.html(markup.line(["Nothing: the settings are the same."]))
    with st.expander("The same in both", key="alike"):
        st.html(markup.facts(alike))
