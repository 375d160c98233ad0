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
