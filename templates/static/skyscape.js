// Says that a page is past its time, or from the archive. Everything else on it stands without a script.
(() => {
  "use strict";
  const page = document.documentElement;
  const { issue, expires, root } = page.dataset;
  const show = (name, on) => document.querySelectorAll(`[data-show="${name}"]`).forEach((part) => { part.hidden = !on; });

  // An archived copy lives in …/archive/<issue>/: its tag appears, and its links to other issues start one folder lower.
  const archived = location.pathname.includes(`/archive/${issue}/`);
  if (archived) {
    show("archived", true);
    document.querySelectorAll("a[data-issue]").forEach((a) => { a.setAttribute("href", `${root}/../${a.dataset.issue}/${a.dataset.page}`); });
    document.querySelectorAll("a[data-latest]").forEach((a) => { a.setAttribute("href", `${root}/../../current/${a.dataset.latest}`); });
  }
  const check = () => show("stale", !archived && Date.now() > Date.parse(expires));
  check();
  setInterval(check, 60_000);
})();
