// A screen that nobody tends: turns from face to face, shows a new issue when there is one or when it is withdrawn, says how old its data are when
// nothing comes any more, starts without a network, spares the panel. Opened from a file it only turns and watches the clock.
"use strict";

(() => {
  const HOUR = 3600e3;
  const ASK_EVERY = 3 * 60e3, SHIFT_EVERY = 90e3, NEUTRAL_AFTER = 12 * HOUR, RELOAD_AFTER = 24 * HOUR, LATE_AFTER = HOUR;
  const FACE_FOR = 20e3; // a face is shown so long
  const ORDER = ["tonight", "week", "night", "now", "others"];
  const PASSING = ["tonight", "now"]; // what is still worth showing of an expired issue
  const PATH = [[0, 0], [3, 1], [4, 4], [1, 4], [-3, 3], [-4, 0], [-3, -3], [1, -4], [4, -2]];
  const opened = Date.now();
  const served = location.protocol.startsWith("http") && !location.pathname.includes(`/archive/${document.body.dataset.issue}/`);
  const fits = new WeakMap(); // face -> how large its type can be
  let shown = 0, step = 0, heard = remembered() !== null, answered = remembered() ?? opened;

  const screen = () => document.querySelector(".screen");
  const expired = () => Date.now() - Date.parse(document.body.dataset.expires);

  function remembered() {
    try { return Number(localStorage.getItem("answered")) || null; } catch { return null; }
  }

  // Of tonight the first whose window is not over (the last one, said to be over, should all be); of the other faces all that are there.
  function faces() {
    const all = [...document.querySelectorAll("[data-face]")];
    const tonight = all.filter((face) => face.dataset.face === "tonight");
    const over = (face) => Date.parse(face.dataset.until) <= Date.now();
    const open = tonight.find((face) => !over(face)) ?? tonight.at(-1);
    for (const face of tonight) {
      face.classList.toggle("is-over", over(face));
      for (const part of face.querySelectorAll(".over")) part.hidden = !over(face);
    }
    const names = expired() > 0 ? PASSING : ORDER;
    return names.flatMap((name) => all.filter((face) => face.dataset.face === name && (name !== "tonight" || face === open)));
  }

  // Show one face.
  function show() {
    const seen = faces();
    const face = seen[shown % seen.length];
    for (const other of document.querySelectorAll("[data-face]")) other.hidden = other !== face;
    screen().dataset.now = face?.dataset.face ?? "";
    fit();
  }

  function turn() {
    shown = (shown + 1) % faces().length;
    watch();
  }

  // After expiry a banner; long after, a page without a forecast: an old forecast is never shown as a new one. How old the data are is said
  // then, and when the server has not answered for long.
  function watch() {
    const { issued } = document.body.dataset;
    const hours = Math.floor((Date.now() - Date.parse(issued)) / HOUR);
    for (const part of document.querySelectorAll("[data-age]")) {
      part.textContent = hours >= 1 ? part.dataset.age.replace("{}", hours) : "";
    }
    document.body.classList.toggle("is-late", served && hours >= 1 && Date.now() - answered > LATE_AFTER);
    document.body.classList.toggle("is-heard", served && heard); // a server that answers may be trusted to bring the next issue
    document.body.classList.toggle("is-expired", expired() > 0);
    document.body.classList.toggle("is-neutral", expired() > NEUTRAL_AFTER);
    show();
  }

  // Put another page in the place of this one, all in one step and with its pictures ready: nobody sees an empty screen.
  async function swap(text) {
    const page = new DOMParser().parseFromString(text, "text/html");
    const { issue, state } = page.body.dataset;
    if (!issue || (issue === document.body.dataset.issue && state === document.body.dataset.state)) return;
    if (scripts(page) !== scripts(document)) { location.reload(); return; }
    await Promise.allSettled([...page.images].map((image) => image.decode()));
    document.title = page.title;
    document.body.replaceWith(document.adoptNode(page.body));
    shown = 0;
    shift();
    watch();
  }

  function scripts(page) {
    return [...page.scripts].map((script) => script.getAttribute("src")).join(" ");
  }

  // Ask for the page itself only where there is another issue. A page that is there is proof that the server answers: then, once a day, all is
  // loaded anew.
  async function ask() {
    const { issue, state, status } = document.body.dataset;
    try {
      const answer = await fetch(status, { cache: "no-store" });
      if (!answer.ok) return;
      const now = await answer.json();
      [heard, answered] = [true, Date.now()];
      try { localStorage.setItem("answered", answered); } catch { /* not allowed: known until the next start */ }
      const other = now.issue && now.issue !== issue || (now.status === "withdrawn") !== (state === "withdrawn");
      if (!other && Date.now() - opened < RELOAD_AFTER) return;
      const page = await fetch(location.href, { cache: "reload" });
      if (!page.ok) return;
      if (other) await swap(await page.text());
      else location.reload();
    } catch {
      // No network: the page stays, and the clock says how old it is.
    } finally {
      watch();
    }
  }

  // A few pixels now and then, so that no edge burns into the panel.
  function shift() {
    const [x, y] = PATH[step++ % PATH.length];
    screen().style.translate = `${x}px ${y}px`;
  }

  // A long name or a second line of safety makes large type a little smaller; before it is much smaller the reason gives way. Nothing is ever cut
  // off or scrolled. What was found for a face holds until its text or the window changes.
  function fit() {
    const face = document.querySelector("[data-face]:not([hidden])");
    const of = `${innerWidth} ${innerHeight} ${document.body.className} ${screen().textContent}`;
    if (fits.get(face)?.of !== of) fits.set(face, { of, ...fitted() });
    dress(fits.get(face));
  }

  function dress({ part, tight }) {
    screen().classList.toggle("is-tight", tight);
    document.documentElement.style.setProperty("--u", `${part.toFixed(2)}vmin`);
  }

  function fitted() {
    const parts = [...screen().querySelectorAll(":scope > *, :scope > * :not(svg *, .scene, .spoken, .spoken *)")]
      .filter((part) => part.checkVisibility() && getComputedStyle(part).display !== "inline");
    const over = () => parts.some((part) => {
      const own = part.getBoundingClientRect(), around = part.parentElement.getBoundingClientRect();
      return own.height > 0 && (own.bottom > around.bottom + 1 || own.top < around.top - 1 || own.right > around.right + 1);
    });
    for (const tight of [false, true]) {
      for (let part = 1; part >= (tight ? 0.2 : 0.8); part -= 0.04) {
        dress({ part, tight });
        if (!over()) return { part, tight };
      }
    }
    return { part: 0.2, tight: true };
  }

  // Keep the page and its parts on this machine, for a start without a network.
  async function keep() {
    const worker = navigator.serviceWorker;
    if (!worker || !document.body.dataset.worker) return;
    try {
      navigator.storage?.persist?.();
      const { active } = await worker.register(document.body.dataset.worker).then(() => worker.ready);
      const parts = [...document.querySelectorAll("link[href], script[src], img[src]")].map((part) => part.href ?? part.src);
      const ground = /url\("([^"]+)"\)/.exec(getComputedStyle(document.body).backgroundImage);
      active.postMessage({ keep: [location.href, ...parts, ...(ground ? [ground[1]] : [])] });
    } catch {
      // Not allowed here: the screen needs its server at the next start.
    }
  }

  addEventListener("resize", fit);
  watch();
  setInterval(turn, FACE_FOR);
  setInterval(shift, SHIFT_EVERY);
  if (served) {
    setInterval(ask, ASK_EVERY);
    ask();
    keep();
  }
})();
