// Says that a page is past its time, withdrawn since it was opened, kept from before the network was lost, or from the archive. Everything else on it
// stands without a script.
(() => {
  "use strict";
  const page = document.documentElement;
  const { issue, expires, root, home, status } = page.dataset;
  const show = (name, on) => document.querySelectorAll(`[data-show="${name}"]`).forEach((part) => { part.hidden = !on; });

  // An archived copy lives in …/archive/<issue>/: its tag appears, and its links to other issues start one folder lower.
  const archived = location.pathname.includes(`/archive/${issue}/`);
  const output = archived ? `${root}/../..` : `${root}/..`;
  const latest = document.querySelectorAll("a[data-latest]"), issues = document.querySelectorAll("a[data-issue]");
  if (archived) {
    show("archived", true);
    issues.forEach((a) => { a.setAttribute("href", `${output}/archive/${a.dataset.issue}/${a.dataset.page}`); });
    latest.forEach((a) => { a.setAttribute("href", `${output}/current/${home}`); });
  }

  // This page may be older than the list of what is there. Issues that are no longer kept lose their link; the link to the
  // latest issue leads to the same page there, or to its first page where its site is no longer forecast.
  async function mend() {
    try {
      const answer = await fetch(`${output}/releases.json`, { cache: "no-store" });
      if (!answer.ok) return;
      const there = await answer.json();
      issues.forEach((a) => { if (!there.issues.includes(a.dataset.issue)) a.replaceWith(...a.childNodes); });
      if (archived) latest.forEach((a) => { if (there.pages.includes(a.dataset.latest)) a.setAttribute("href", `${output}/current/${a.dataset.latest}`); });
    } catch {
      // No network: the links stay as they are.
    }
  }
  if (location.protocol.startsWith("http") && (archived || issues.length)) mend();

  // A page that stays open asks now and then, and whenever it is looked at again, whether its issue is withdrawn.
  async function ask() {
    try {
      const answer = await fetch(status, { cache: "no-store" });
      if (!answer.ok) return;
      const now = await answer.json();
      show("withdrawn", now.status === "withdrawn" && now.issue === issue);
    } catch {
      // No network: nothing is known of it.
    }
  }
  if (status && !archived && location.protocol.startsWith("http")) {
    setInterval(ask, 180_000);
    document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
  }

  // Red light stays for the visit: kept for this tab, and in the address of every page that is opened from here, so that a
  // page is red before its script runs. Where nothing may be kept, the address alone does it.
  const kept = (value) => { try { if (value !== undefined) sessionStorage.setItem("red", value); return sessionStorage.getItem("red"); } catch { return null; } };
  function turn(on) {
    page.classList.toggle("red", on);
    document.querySelectorAll('a[href]:not([href^="#"])').forEach((a) => {
      if (a.origin !== location.origin || (a.hash && a.hash !== "#red")) return;
      a.hash = on ? "red" : "";
      if (!on) a.setAttribute("href", a.getAttribute("href").replace(/#$/, ""));
    });
  }
  document.querySelectorAll(".red-light a").forEach((a) => a.addEventListener("click", () => {
    const on = a.hash === "#red";
    kept(on ? "1" : "");
    turn(on);
  }));
  if (location.hash === "#red") kept("1");
  if (kept() || location.hash === "#red") turn(true);

  // Kept for when there is no network (service-worker.js); a page that was kept is marked as such by the worker.
  show("offline", "kept" in page.dataset);
  if (!archived && location.protocol.startsWith("http")) {
    navigator.serviceWorker?.register(`${root}/service-worker.js`).catch(() => {});
    // The page can be installed. From a folder a browser would refuse the manifest, and say so.
    document.head.append(Object.assign(document.createElement("link"), { rel: "manifest", href: `${root}/static/site.webmanifest` }));
  }

  const check = () => show("stale", !archived && Date.now() > Date.parse(expires));
  check();
  setInterval(check, 60_000);
})();
