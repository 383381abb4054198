// A screen that nobody tends: shows a new issue when there is one or when it is withdrawn, says so when the old one has expired, spares the panel.
// Opened from a file it only watches the clock.
"use strict";

(() => {
  const ASK_EVERY = 3 * 60e3, WATCH_EVERY = 20e3, SHIFT_EVERY = 90e3, NEUTRAL_AFTER = 12 * 3600e3, RELOAD_AFTER = 24 * 3600e3;
  const PATH = [[0, 0], [3, 1], [4, 4], [1, 4], [-3, 3], [-4, 0], [-3, -3], [1, -4], [4, -2]];
  const { issue, expires, state, status } = document.body.dataset;
  const served = location.protocol.startsWith("http");
  const opened = Date.now();
  let step = 0;

  // Show the first face whose window is not over (the last one, should all be); say whether that is another than before.
  function turn() {
    const faces = [...document.querySelectorAll("[data-until]")];
    const open = faces.filter((face) => Date.parse(face.dataset.until) > Date.now());
    const first = (open[0] ?? faces.at(-1))?.dataset.face;
    let turned = false;
    for (const face of faces) {
      const hide = face.dataset.face !== first;
      turned ||= face.hidden !== hide;
      face.hidden = hide;
    }
    return turned;
  }

  // After expiry a banner; long after, a neutral page: an old forecast is never shown as a new one.
  function watch() {
    const late = Date.now() - Date.parse(expires);
    const before = document.body.className;
    document.body.classList.toggle("is-expired", late > 0);
    document.body.classList.toggle("is-neutral", late > NEUTRAL_AFTER);
    if (turn() || document.body.className !== before) fit();
  }

  // Reload only once the page is known to be there: a screen must not trade a forecast for an error.
  async function renew() {
    const page = await fetch(location.href, { cache: "reload" });
    if (page.ok) location.reload();
  }

  async function ask() {
    try {
      const answer = await fetch(status, { cache: "no-store" });
      if (!answer.ok) return;
      const told = await answer.json();
      const withdrawn = (told.status === "withdrawn") !== (state === "withdrawn");
      if ((told.issue && told.issue !== issue) || withdrawn || Date.now() - opened > RELOAD_AFTER) await renew();
    } catch {
      // No network: the page stays, and the clock above says how old it is.
    }
  }

  // A few pixels now and then, so that no edge burns into the panel.
  function shift() {
    const [x, y] = PATH[step++ % PATH.length];
    document.querySelector(".screen").style.translate = `${x}px ${y}px`;
  }

  // A long name or a second line of safety makes all type a little smaller: nothing is ever cut off or scrolled.
  function fit() {
    const screen = document.querySelector(".screen");
    const over = () => {
      const margin = parseFloat(getComputedStyle(screen).paddingBottom);
      const bottom = screen.lastElementChild.getBoundingClientRect().bottom - screen.getBoundingClientRect().top;
      return bottom > screen.clientHeight - margin + 1 || screen.scrollWidth > screen.clientWidth;
    };
    for (let part = 1; part > 0.5; part -= 0.02) {
      document.documentElement.style.setProperty("--u", `${part.toFixed(2)}vmin`);
      if (!over()) return;
    }
  }

  fit();
  addEventListener("resize", fit);
  document.fonts.ready.then(fit);
  watch();
  setInterval(watch, WATCH_EVERY);
  setInterval(shift, SHIFT_EVERY);
  if (served) setInterval(ask, ASK_EVERY);
})();
