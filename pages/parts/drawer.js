(() => {
  const bar = document.querySelector('[data-testid="stSidebar"]');
  if (!bar || bar.dataset.drawer) return;
  bar.dataset.drawer = "yes";
  const narrow = window.matchMedia("(max-width: 1023px)");
  const isOpen = () => bar.dataset.collapsed === "false";
  const press = (selector) => document.querySelector(selector)?.click();
  const shut = () => { if (isOpen()) press('[data-testid="stSidebarCollapseButton"] button'); };
  const show = () => { if (!isOpen()) press('[data-testid="stExpandSidebarButton"]'); };
  if (narrow.matches) shut();
  narrow.addEventListener("change", () => narrow.matches ? shut() : show());
  bar.addEventListener("click", (event) => {
    if (narrow.matches && event.target.closest("a")) setTimeout(shut);
  });
  document.addEventListener("click", (event) => {
    if (!narrow.matches || !isOpen() || !event.isTrusted || bar.contains(event.target)) return;
    event.preventDefault();
    event.stopPropagation();
    shut();
  }, true);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && narrow.matches) shut(); });
})();
