// The desk made pleasant; every step works without it. Cells are walked with the arrow keys, digits
// change a chance, forms save themselves, sliders ask the model at once.

const root = document.documentElement;
root.classList.add("scripted");
const one = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const later = (wait, act) => {
  let timer;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...values), wait);
  };
};

// -- the hour

function countDown() {
  const pill = one("[data-hour]");
  if (!pill) return;
  const left = Math.floor((new Date(pill.dataset.hour) - Date.now()) / 60000);
  // a desk on a demonstration's clock keeps what the server said
  if (Math.abs(left) > 1440) return;
  pill.textContent = left > 0 ? pill.dataset.left.replace("#", left) : pill.dataset.over;
  pill.classList.toggle("late", left <= 10);
}
countDown();
setInterval(countDown, 15000);

// -- a page in place of another

async function fetched(address) {
  const answer = await fetch(address, { headers: { Accept: "text/html" }, cache: "no-store" });
  if (answer.redirected && answer.url.includes("/desk/login")) location.assign(answer.url);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

/** Keep the panel that is open when another event is chosen. */
function withPanel(address) {
  const wanted = new URL(address, location.href);
  const open = one(".panel")?.dataset.panel;
  if (open && !wanted.searchParams.has("show")) wanted.searchParams.set("show", open);
  return wanted.href;
}

let newest = 0;
async function show(link, focus = "cell") {
  const address = withPanel(link);
  const turn = (newest += 1);
  const page = await fetched(address);
  if (turn !== newest || !one("main.board", page)) return;
  one("main").replaceWith(document.adoptNode(one("main", page)));
  refreshed(page, ["status", "changes"]);
  follows(one("form.comment"), one("form.comment", page));
  history.replaceState(null, "", address);
  countDown();
  roving();
  if (focus === "cell") one(".k[aria-current]")?.focus();
}

/** Take the live parts of a page that was fetched anew; what a person types in stays. */
function refreshed(page, names) {
  for (const part of all("[data-live]")) {
    if (names && !names.includes(part.dataset.live)) continue;
    const other = one(`[data-live="${part.dataset.live}"]`, page);
    if (other) part.innerHTML = other.innerHTML;
  }
}

/** Show in a form what stands in the draft now; what a person is typing stays. */
function follows(form, fresh) {
  for (const field of form.elements) {
    if (!field.name || field.matches("button")) continue;
    const now = [...fresh.elements].find((each) => each.name === field.name && each.type === field.type);
    if (!now || (field.type !== "hidden" && plain(field))) continue;
    if (field.type === "checkbox") field.checked = field.defaultChecked = now.checked;
    else if (field.tagName === "SELECT") {
      for (const option of field.options) option.defaultSelected = option.value === now.value;
      field.value = now.value;
    } else {
      field.defaultValue = now.value;
      field.value = now.value;
    }
  }
}

/** Take what is new from a page; the cell that has the focus keeps it. */
function take(page) {
  const held = document.activeElement?.closest(".k")?.getAttribute("href");
  refreshed(page);
  for (const name of ["form.edit", "form.comment"]) {
    if (one(name) && one(name, page)) follows(one(name), one(name, page));
  }
  countDown();
  roving();
  if (held) one(`.k[href="${CSS.escape(held)}"]`)?.focus();
}

const renew = async () => take(await fetched(location.href));

/** Look whether somebody changed the draft, or new data made another one. */
async function watch() {
  const form = one("form.edit");
  if (document.hidden || !form) return;
  const page = await fetched(location.href);
  const draft = one("main [name=draft]", page)?.value;
  const mine = one("main [name=draft]").value;
  if (changed(form)) return; // a save tells
  if (!draft) return void location.reload();
  if (draft !== mine) {
    await show(location.href, "");
    return void problem(one("[data-said]").dataset.new);
  }
  take(page);
}
setInterval(watch, 60000);

// -- forms that save themselves

const say = (text) => one("[data-said]") && (one("[data-said]").textContent = text);
const plain = (field) =>
  field.type === "checkbox" ? field.checked !== field.defaultChecked
  : field.tagName === "SELECT" ? !field.selectedOptions[0]?.defaultSelected &&
      !(field.selectedIndex === 0 && !all("[selected]", field).length)
  : field.value !== field.defaultValue;
const fields = (form) =>
  [...form.elements].filter((field) => field.name && field.type !== "hidden" && !field.matches("button"));
const changed = (form) =>
  fields(form).some((field) => !["reason", "note"].includes(field.name) && plain(field));
/** What a person typed, as one text. */
const typed = (form) =>
  fields(form).map((field) => (field.type === "checkbox" ? field.checked : field.value)).join("|");

function settled(form) {
  for (const field of fields(form)) {
    if (field.type === "checkbox") field.defaultChecked = field.checked;
    else if (field.tagName === "SELECT") {
      for (const option of field.options) option.defaultSelected = option.selected;
    } else field.defaultValue = field.value;
  }
}

function problem(text, changes = []) {
  one("main .problem")?.remove();
  if (!text) return;
  const box = document.createElement("div");
  box.className = "problem";
  box.setAttribute("role", "alert");
  for (const line of [text, ...changes]) {
    const row = document.createElement("p");
    row.textContent = line;
    box.append(row);
  }
  (one(".event .heading") ?? one("main")).append(box);
}

let saving = Promise.resolve();
const save = (form, asked = false) => (saving = saving.then(() => saveNow(form, asked)));

/** Save what was changed. What was refused is sent again only if that is asked for. */
async function saveNow(form, asked) {
  if (!changed(form) || (!asked && form.dataset.refused === typed(form))) return;
  const reason = form.elements.reason;
  if (form.dataset.needReason && !reason.value) {
    reason.classList.add("wanted");
    one("[data-autosave]", form).textContent = form.dataset.needReason;
    return;
  }
  reason?.classList.remove("wanted");
  const hint = one("[data-autosave]", form);
  if (hint) hint.textContent = hint.dataset.autosave;
  const answer = await fetch(form.action, {
    method: "POST",
    headers: { Accept: "application/json" },
    body: new URLSearchParams(new FormData(form)),
  });
  const told = await answer.json().catch(() => ({ error: answer.statusText }));
  if (!answer.ok) {
    form.dataset.refused = typed(form);
    problem(told.error, told.changed);
    await renew();
    return;
  }
  delete form.dataset.refused;
  problem("");
  settled(form);
  await renew();
  say(one("[data-saved]").dataset.saved.replace("#", told.saved));
}

document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-save]");
  if (form) save(form);
});

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const button = event.submitter;
  if (button?.dataset.once) {
    button.textContent = button.dataset.once;
    setTimeout(() => (button.disabled = true));
    return;
  }
  if (!form.matches("form[data-save]")) return;
  event.preventDefault();
  if (!button?.hasAttribute("formaction")) return void save(form, true);
  const body = new URLSearchParams(new FormData(form));
  body.set(button.name, button.value);
  const answer = await fetch(button.formAction, {
    method: "POST", headers: { Accept: "application/json" }, body,
  });
  const told = await answer.json().catch(() => ({ error: answer.statusText }));
  if (answer.ok) await show(location.href, "");
  else {
    problem(told.error, told.changed);
    await renew();
  }
});

let warned = false;
/** Say once that something is not saved yet for want of a reason; the second try leaves it. */
function mayLeave() {
  const form = one("form.edit");
  if (!form || warned || !changed(form)) {
    warned = false;
    return true;
  }
  warned = true;
  problem(form.dataset.needReason);
  form.elements.reason.classList.add("wanted");
  form.elements.reason.focus();
  return false;
}

// -- the grid

function roving() {
  const cells = all(".grid .k");
  const held = document.activeElement?.closest(".k") ?? one(".k[aria-current]") ?? cells[0];
  for (const cell of cells) cell.tabIndex = cell === held ? 0 : -1;
}
roving();

const follow = later(220, (cell) => {
  if (document.activeElement === cell && !cell.hasAttribute("aria-current") && mayLeave()) show(cell.href);
});

function neighbour(cell, down, right) {
  const row = cell.closest("tr");
  const rows = all(".grid tbody tr");
  const column = all("td", row).indexOf(cell.closest("td"));
  let at = rows.indexOf(row);
  let place = column;
  for (;;) {
    at += down;
    place += right;
    const cells = rows[at] && all("td", rows[at]);
    if (!cells || place < 0 || place >= cells.length) return null;
    const found = one(".k", cells[place]);
    if (found) return found;
  }
}

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

document.addEventListener("keydown", async (event) => {
  const cell = event.target.closest?.(".k");
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (cell && STEPS[event.key]) {
    event.preventDefault();
    const next = neighbour(cell, ...STEPS[event.key]);
    if (!next) return;
    cell.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
    follow(next);
  } else if (cell && /^[0-9]$/.test(event.key)) {
    event.preventDefault();
    if (!cell.hasAttribute("aria-current")) {
      if (!mayLeave()) return;
      await show(cell.href);
    }
    const field = one("#probability");
    if (!field || field.disabled) return;
    field.focus();
    field.value = event.key;
  } else if (event.target.id === "probability" && event.key === "Enter") {
    event.preventDefault();
    const form = event.target.form;
    await save(form, true);
    if (form.elements.reason.classList.contains("wanted")) form.elements.reason.focus();
    else if (!form.dataset.refused) one(".k[aria-current]")?.focus();
  } else if (event.target.id === "probability" && event.key === "Escape") {
    event.target.value = event.target.defaultValue;
    one(".k[aria-current]")?.focus();
  }
});

document.addEventListener("click", (event) => {
  const link = event.target.closest?.(".k, a[data-show]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (link.matches(".k") && !mayLeave()) return;
  show(link.href, link.matches(".k") ? "cell" : "").then(() => {
    if (!link.matches(".k")) one(".tabs [aria-current]")?.focus();
    else if (matchMedia("(max-width: 59.99rem)").matches) one(".event")?.scrollIntoView();
  });
});

// -- what if

const ask = later(110, async (form) => {
  const values = new URLSearchParams(new FormData(form));
  const answer = await fetch(`${form.dataset.ask}&${values}`, { headers: { Accept: "application/json" } });
  if (!answer.ok || !form.isConnected) return;
  const told = await answer.json();
  const shown = one("[data-answer]", form);
  shown.textContent = `${told.before} → ${told.after}`;
  for (const [name, text] of Object.entries(told.texts)) {
    const label = document.getElementById(`t-${name}`);
    if (label) label.textContent = text;
  }
  for (const field of all("input[type=range]", form)) {
    const moved = field.name.slice(2) in told.texts;
    field.classList.toggle("moved", moved);
    field.closest(".knob").classList.toggle("moved", moved);
    if (!moved) one("span", field.closest(".knob")).textContent = one("span", field.closest(".knob")).dataset.own;
  }
  one("[data-reasons]")?.replaceChildren(...told.reasons.map(reasonRow));
  if (told.chart && one("[data-chart]")) one("[data-chart]").innerHTML = told.chart;
});

function reasonRow({ text, effect, width }) {
  const row = document.createElement("li");
  const name = "http://www.w3.org/2000/svg";
  const bar = document.createElementNS(name, "svg");
  bar.setAttribute("class", "effect");
  bar.setAttribute("viewBox", "0 0 100 10");
  bar.setAttribute("preserveAspectRatio", "none");
  bar.setAttribute("aria-hidden", "true");
  const part = (kind, x, wide, y, tall) => {
    const box = document.createElementNS(name, "rect");
    for (const [key, value] of Object.entries({ class: kind, x, y, width: wide, height: tall })) box.setAttribute(key, value);
    bar.append(box);
  };
  part(effect > 0 ? "up" : "down", effect > 0 ? 50 : 50 - width, width, 1, 8);
  part("mid", 49.6, 0.8, 0, 10);
  const said = document.createElement("span");
  said.textContent = text;
  const number = document.createElement("b");
  number.textContent = `${effect > 0 ? "+" : ""}${effect.toFixed(1)}`;
  row.append(bar, said, number);
  return row;
}

document.addEventListener("input", (event) => {
  const form = event.target.closest?.("form.ask");
  if (form) ask(form);
});
document.addEventListener("reset", (event) => {
  const form = event.target.closest("form.ask");
  if (!form) return;
  event.preventDefault();
  for (const field of all("input[type=range]", form)) field.value = field.dataset.own;
  ask(form);
});
document.addEventListener("keydown", (event) => {
  // a slider without steps moves by its own step
  const field = event.target;
  if (field.type !== "range" || !["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].includes(event.key)) return;
  event.preventDefault();
  const up = ["ArrowRight", "ArrowUp"].includes(event.key) ? 1 : -1;
  field.value = Number(field.value) + up * Number(field.dataset.step);
  ask(field.form);
});
