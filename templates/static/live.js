// What is measured now: asks for it between two issues, and says since when there is nothing, by the reader's own clock.
// An archived copy stays as it was issued; opened from a file only the clock is watched.
(() => {
  "use strict";
  const ASK_EVERY = 2 * 60e3, WATCH_EVERY = 20e3;
  const from = document.querySelector("[data-live]");
  const issue = document.documentElement.dataset.issue ?? document.body.dataset.issue;
  if (!from || location.pathname.includes(`/archive/${issue}/`)) return;
  const language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
  let limit = from.dataset.oldMinutes * 60e3;

  const old = (at) => !at || Date.now() - Date.parse(at) > limit;
  const parts = (tile, name) => tile.querySelectorAll(`[data-reading="${name}"]`);

  // Say what is so at this moment; text only, never markup.
  function watch() {
    let changed = false;
    for (const part of document.querySelectorAll("[data-reading]")) {
      const { at, text, old: gone } = part.dataset;
      const said = old(at) ? gone : text;
      changed ||= part.textContent !== said;
      part.textContent = said;
      part.classList.toggle("is-old", old(at));
    }
    for (const tile of document.querySelectorAll("[data-tile]")) {
      const seen = parts(tile, "observed")[0];
      tile.classList.toggle("is-old", old(seen?.dataset.at));
    }
    if (changed) dispatchEvent(new Event("resize")); // a screen fits its type anew
  }

  function put(part, at, text, gone) {
    part.dataset.at = at ?? "";
    part.dataset.text = text;
    part.dataset.old = gone;
  }

  function take(told) {
    limit = told.old_minutes * 60e3;
    const fresh = new Map(told.tiles.map((each) => [each.tile, each]));
    for (const tile of document.querySelectorAll("[data-tile]")) {
      const now = fresh.get(tile.dataset.tile);
      if (!now) continue;
      const readings = new Map(now.readings.map((each) => [each.id, each]));
      for (const part of tile.querySelectorAll("[data-reading]")) {
        const name = part.dataset.reading;
        if (name === "observed") { put(part, now.observed_at, now.text[language], now.old[language]); continue; }
        const reading = readings.get(name);
        part.closest(`.${name}`)?.toggleAttribute("hidden", !reading);
        if (reading) put(part, reading.observed_at, reading.text[language], reading.old[language]);
        else put(part, "", "", "");
      }
      const figure = tile.querySelector("[data-trend]");
      if (!figure) continue;
      figure.hidden = !now.trend;
      figure.querySelector(".trend-line").setAttribute("d", now.trend?.path ?? "");
      const caption = figure.querySelector("[data-caption]"); // a screen has none: it is read at ten metres
      if (caption) caption.textContent = now.trend?.text[language] ?? "";
    }
  }

  async function ask() {
    try {
      const answer = await fetch(from.dataset.live, { cache: "no-store" });
      if (answer.ok) take(await answer.json());
    } catch {
      // No network: the values stay until the clock calls them old.
    }
    watch();
  }

  watch();
  setInterval(watch, WATCH_EVERY);
  if (location.protocol.startsWith("http")) {
    ask();
    setInterval(ask, ASK_EVERY);
  }
})();
