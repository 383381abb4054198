// Finds a site by its name or place among all of them. Without a script the list has every site as a link.
(() => {
  "use strict";
  const form = document.getElementById("find");
  if (!form) return;
  const input = form.querySelector("input"), found = form.querySelector("ul"), count = form.querySelector("[role=status]");
  const MOST = 20;
  let sites = null;

  async function names() {
    const answer = await fetch(form.dataset.names);
    if (!answer.ok) throw new Error(String(answer.status));
    return (await answer.json()).sites.map(([id, name, place]) => ({ id, name, place, key: `${name} ${place}`.toLowerCase() }));
  }

  async function show() {
    const wanted = input.value.trim().toLowerCase();
    try {
      sites ??= await names();
    } catch {
      return;  // no network: the list is there
    }
    const fit = wanted ? sites.filter((site) => site.key.includes(wanted)) : [];
    found.replaceChildren(...fit.slice(0, MOST).map((site) => {
      const item = document.createElement("li"), link = document.createElement("a");
      link.href = `${form.dataset.folder}/${encodeURIComponent(site.id)}/index.html`;
      link.textContent = `${site.name} ${site.place}`;
      item.append(link);
      return item;
    }));
    count.textContent = wanted ? form.dataset.count.replace("#", fit.length) : "";
  }

  input.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
})();
