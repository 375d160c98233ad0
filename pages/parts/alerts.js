((said) => {
  const kept = "ltx-studio.notify";
  const able = "Notification" in window && window.isSecureContext;
  const wanted = () => able && localStorage.getItem(kept) === "yes" && Notification.permission === "granted";
  const restore = () => {
    if (document.visibilityState !== "visible") return;
    if (document.title === window.ltxStudioSaid) document.title = window.ltxStudioPage;
    window.ltxStudioSaid = undefined;
  };

  if (said.bell) {
    const bell = document.querySelector(".s-bell");
    if (!bell || !able) return;
    const button = bell.querySelector("button");
    const show = () => {
      bell.hidden = false;
      button.setAttribute("aria-checked", String(wanted()));
      bell.querySelector("p").hidden = Notification.permission !== "denied";
    };
    show();
    if (button.dataset.bound) return;
    button.dataset.bound = "yes";
    button.addEventListener("click", async () => {
      if (wanted()) localStorage.removeItem(kept);
      else if ((await Notification.requestPermission()) === "granted") localStorage.setItem(kept, "yes");
      show();
    });
    return;
  }

  const isIdle = said.title === said.page;
  window.ltxStudioPage = said.page;
  window.ltxStudioTold ??= new Set();
  const news = said.ended.filter((job) => !window.ltxStudioTold.has(job.id));
  news.forEach((job) => window.ltxStudioTold.add(job.id));
  if (isIdle && news.length) {
    window.ltxStudioSaid = news.at(-1).title;
    if (document.hasFocus()) setTimeout(restore, 6000);
    else window.addEventListener("focus", () => setTimeout(restore, 2000), { once: true });
  }
  document.title = isIdle ? window.ltxStudioSaid ?? said.page : said.title;
  if (wanted() && !document.hasFocus()) {
    news.forEach((job) => {
      const note = new Notification(job.title, { body: job.body, tag: job.id });
      note.addEventListener("click", () => { window.focus(); note.close(); });
    });
  }
})
