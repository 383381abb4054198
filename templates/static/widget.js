// The embedded card: takes the theme that the embedding page asks for (?theme=light or dark), shows no number once it has expired or its window is over, and is loaded anew
// when there is another issue or this one is withdrawn.
"use strict";

(() => {
  const ASK_EVERY = 15 * 60e3, WATCH_EVERY = 60e3;
  const page = document.documentElement;
  const theme = new URLSearchParams(location.search).get("theme");
  if (theme === "light" || theme === "dark") page.dataset.theme = theme;

  function watch() {
    const late = Date.now() > Date.parse(page.dataset.expires);
    page.classList.toggle("is-expired", late);
    for (const part of document.querySelectorAll(".expired")) part.hidden = !late;
    const card = document.querySelector(".card");
    const over = Date.now() >= Date.parse(card?.dataset.until);
    card?.classList.toggle("is-over", over);
    for (const part of document.querySelectorAll(".over")) part.hidden = !over;
  }

  async function ask() {
    try {
      const answer = await fetch(page.dataset.status, { cache: "no-store" });
      if (!answer.ok) return;
      const { issue, status } = await answer.json();
      if (issue !== page.dataset.issue || (status === "withdrawn") !== (page.dataset.state === "withdrawn")) location.reload();
    } catch {
      // No network: the clock says when the card has expired.
    }
  }

  watch();
  setInterval(watch, WATCH_EVERY);
  if (location.protocol.startsWith("http") && !location.pathname.includes(`/archive/${page.dataset.issue}/`)) setInterval(ask, ASK_EVERY);
})();
