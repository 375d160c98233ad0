(() => {
  // The clock of a running job goes on between the studio's words about it.
  if (window.studioElapsed) return;
  window.studioElapsed = setInterval(() => {
    document.querySelectorAll(".s-times > span:first-child").forEach((span) => {
      const [, clock, rest] = span.textContent.match(/^([\d:]+)( elapsed)$/) ?? [];
      if (!clock) return;
      const parts = clock.split(":").map(Number);
      const seconds = parts.reduce((sum, part) => 60 * sum + part, 0) + 1;
      const two = (number) => String(number).padStart(2, "0");
      const minutes = Math.floor(seconds / 60);
      const head = parts.length > 2 || minutes > 59 ? `${Math.floor(minutes / 60)}:${two(minutes % 60)}` : `${minutes}`;
      span.textContent = `${head}:${two(seconds % 60)}${rest}`;
    });
  }, 1000);
})();
