(() => {
  // A field sends what was typed into it a moment after it is left. Behind the click on a link, that would call the
  // visitor back to the page that is being left; before the studio has taken it in, the link would have it forgotten.
  if (window.studioLinks) return;
  window.studioLinks = true;
  const moment = 300;
  let left = -moment;
  document.addEventListener("focusout", (event) => {
    if (event.target.matches("input, textarea")) left = performance.now();
  }, true);
  document.addEventListener("click", (event) => {
    const link = event.target.closest('[data-testid="stPageLink-NavLink"]');
    const rest = left + moment - performance.now();
    if (!link || rest <= 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation();
    left = -moment;
    const last = performance.now() + 10 * moment;
    const follow = () => {
      const isBusy = document.querySelector('[data-test-script-state="running"]');
      if (isBusy && performance.now() < last) setTimeout(follow, 50);
      else link.click();
    };
    setTimeout(follow, rest);
  }, true);
})();
