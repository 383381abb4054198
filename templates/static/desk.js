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

/** The session has ended, or another person's has begun in this browser. */
class Ended extends Error {}

async function fetched(address) {
  const answer = await fetch(address, { headers: { Accept: "text/html" }, cache: "no-store" });
  if (answer.redirected && answer.url.includes("/desk/login")) throw new Ended();
  if (!answer.ok) throw new Error(answer.statusText);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

/** Send a form; a token of an older session of the same person is renewed once.
 * Throws where there is no network, the server is busy or the session has ended. */
async function posted(form, address, more = {}) {
  for (let turn = 0; ; turn += 1) {
    const body = new URLSearchParams(new FormData(form));
    for (const [name, value] of Object.entries(more)) body.set(name, value);
    const answer = await fetch(address, { method: "POST", headers: { Accept: "application/json" }, body });
    if (answer.status === 401) throw new Ended();
    if (answer.status === 429 || answer.status >= 500) throw new Error(answer.statusText);
    if (answer.status === 400 && turn === 0 && (await freshToken())) continue;
    const told = await answer.json().catch(() => ({ error: answer.statusText }));
    return { ok: answer.ok, told };
  }
}

/** Take the token of a session that began meanwhile; return whether there is another one. */
async function freshToken() {
  const page = await fetched(location.href);
  if (page.body.dataset.account !== document.body.dataset.account) throw new Ended();
  const token = one("[name=csrf]", page)?.value;
  if (!token || token === one("[name=csrf]").value) return false;
  for (const field of all("[name=csrf]")) field.value = token;
  return true;
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
  let page;
  try {
    page = await fetched(address);
  } catch (error) {
    if (error instanceof Ended && !unsaved().length) return void location.assign(address);
    return void failed(error);
  }
  if (turn !== newest) return;
  if (!one("main.board", page)) return void leave(() => over());
  const news = newsOf(page);
  tell("");
  one("main").replaceWith(document.adoptNode(one("main", page)));
  refreshed(page, ["status", "changes"]);
  follows(one("form.comment"), one("form.comment", page));
  history.replaceState(null, "", address);
  countDown();
  roving();
  if (news) problem(news);
  if (focus === "cell") one(".k[aria-current]")?.focus();
}

/** Say what a fetched page knows of the issue in force and this one does not; "" without news. */
function newsOf(page) {
  const [mine, fresh] = [one("main").dataset, one("main", page).dataset];
  return fresh.issue && fresh.issue !== mine.issue ? fresh.news : "";
}

/** Leave for the page that says that the draft in hand is over. */
const over = () => location.assign(`${one(".brand").href}?said=over`);

/** Take the live parts of a page that was fetched anew; what a person types in stays. */
function refreshed(page, names) {
  for (const part of all("[data-live]")) {
    if (names && !names.includes(part.dataset.live)) continue;
    if (part.matches("[data-chart]") && one(".knob.moved")) continue; // it shows an answer
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
  const page = await fetched(location.href).catch(() => null); // a save tells
  if (!page) return;
  const draft = one("main [name=draft]", page)?.value;
  const mine = one("main").dataset;
  const fresh = one("main", page).dataset;
  const news = [newsOf(page)].filter(Boolean);
  const gone = mine.hourOf !== fresh.hourOf;
  const kept = draft === one("main [name=draft]").value;
  if (!kept) news.unshift(gone ? mine.gone : mine.new);
  if (unsaved().length) return void (news.length && problem(news[0], news.slice(1)));
  if (!draft) return void over();
  if (kept) take(page);
  else await show(location.href, "");
  mine.issue = fresh.issue;
  if (news.length) problem(news[0], news.slice(1));
}
setInterval(watch, 60000);
document.addEventListener("visibilitychange", watch);

// -- forms that save themselves

const WHY = ["reason", "note"]; // of one change
const say = (text) => one("[data-said]") && (one("[data-said]").textContent = text);
const plain = (field) =>
  field.type === "checkbox" ? field.checked !== field.defaultChecked
  : field.tagName === "SELECT" ? !field.selectedOptions[0]?.defaultSelected &&
      !(field.selectedIndex === 0 && !all("[selected]", field).length)
  : field.value !== field.defaultValue;
const fields = (form) =>
  [...form.elements].filter((field) => field.name && field.type !== "hidden" && !field.matches("button"));
const changed = (form) =>
  fields(form).some((field) => !WHY.includes(field.name) && plain(field));
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

/** The forms of the page in which something is not saved yet. */
const unsaved = () => all("form[data-save]").filter(changed);

/** Say what is not saved and why: `offline`, `ended`, `failed`; "" where all is well. */
function tell(why) {
  const place = one("[data-unsaved]");
  if (!place || place.dataset.why === why) return;
  place.dataset.why = why;
  place.textContent = why ? place.dataset[why] : "";
  if (why !== "ended") return;
  const link = document.createElement("a");
  link.href = place.dataset.login;
  link.target = "_blank";
  link.textContent = place.dataset.enter;
  place.append(" ", link);
}

const SOON = 4000; // [ms]
const LATEST = 60000;
let wait = SOON;
let again;
const retry = () => unsaved().forEach((form) => save(form));

/** Something could not be sent: say so, keep it, and try again by and by. */
function failed(error) {
  const open = unsaved().length > 0;
  tell(error instanceof Ended ? "ended" : open ? "offline" : "failed");
  if (!open) return;
  clearTimeout(again);
  again = setTimeout(retry, wait);
  wait = Math.min(2 * wait, LATEST);
}
addEventListener("online", () => {
  wait = SOON;
  retry();
});

let saving = Promise.resolve();
/** Save a form after those before it; a failure never holds up what comes later. */
const save = (form, asked = false) =>
  (saving = saving.then(() => saveNow(form, asked)).then(() => unsaved().length || tell(""), failed));

/** Save what was changed. What was refused is sent again only if that is asked for. */
async function saveNow(form, asked) {
  if (!form.isConnected || !changed(form)) return;
  if (!asked && form.dataset.refused === typed(form)) return;
  const reason = form.elements.reason;
  if (form.dataset.needReason && !reason.value) {
    reason.classList.add("wanted");
    one("[data-autosave]", form).textContent = form.dataset.needReason;
    return;
  }
  reason?.classList.remove("wanted");
  const hint = one("[data-autosave]", form);
  if (hint) hint.textContent = hint.dataset.autosave;
  const sent = typed(form);
  const why = WHY.map((name) => form.elements[name]?.value);
  const { ok, told } = await posted(form, form.action);
  wait = SOON;
  if (!ok) {
    form.dataset.refused = sent;
    tell("");
    problem(told.error, told.changed);
    await renew();
    return;
  }
  delete form.dataset.refused;
  problem("");
  const whole = sent === typed(form); // what was typed meanwhile is saved next
  WHY.forEach((name, place) => { // each change has a reason of its own
    const field = form.elements[name];
    if (field && field.value === why[place]) field.value = "";
  });
  if (whole) settled(form);
  remember(form);
  for (const name of ["version", "seen"]) {
    for (const field of all(`form[data-save] [name=${name}]`)) field.value = told[name];
  }
  await renew().catch(() => {}); // it is saved all the same
  say(one("[data-saved]").dataset.saved.replace("#", told.saved));
}

document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-save]");
  if (!form) return;
  remember(form);
  save(form);
});

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const button = event.submitter;
  if (!form.matches("form[data-save]")) {
    if (!leaving && unsaved().length) {
      event.preventDefault();
      if (await mayLeave()) leave(() => form.requestSubmit(button));
    } else if (button?.dataset.once) {
      button.textContent = button.dataset.once;
      setTimeout(() => (button.disabled = true));
    }
    return;
  }
  event.preventDefault();
  if (!button?.hasAttribute("formaction")) return void save(form, true);
  try {
    const { ok, told } = await posted(form, button.formAction, { [button.name]: button.value });
    if (ok) undone(form, button.value);
    remember(form);
    problem(ok ? "" : told.error, told.changed);
    await renew();
  } catch (error) {
    failed(error);
  }
});

const OF_FIELD = { window: ["window_start", "window_end"], sentence: ["sentence_zh", "sentence_en"] };

/** Show the machine's value again: what was typed of a field that was undone ("": of all) goes. */
function undone(form, field) {
  const gone = OF_FIELD[field] ?? (field ? [field] : fields(form).map((each) => each.name));
  for (const each of fields(form).filter((one) => gone.includes(one.name))) {
    if (each.type === "checkbox") each.checked = each.defaultChecked;
    else if (each.tagName !== "SELECT") each.value = each.defaultValue;
    else for (const option of each.options) option.selected = option.defaultSelected;
  }
  form.elements[gone[0]]?.focus(); // the button goes
}

let leaving = false;
function leave(act) {
  leaving = true;
  act();
  setTimeout(() => (leaving = false), 1000); // a page that stays is guarded again
}

let warned = false;
/** Save what is not saved yet. Where that cannot be, say once why; the second try leaves it. */
async function mayLeave() {
  if (warned || !unsaved().length) {
    if (warned) unsaved().forEach((form) => keepUnsent(nameOf(form), null));
    warned = false;
    return true;
  }
  for (const each of unsaved()) await save(each);
  const [form] = unsaved();
  if (!form) return true;
  warned = true;
  const place = one("[data-unsaved]").dataset;
  const reason = form.elements.reason;
  const wanted = form.dataset.needReason && !reason.value;
  problem(wanted ? form.dataset.needReason : place.kept, [place.again]);
  if (wanted) reason.focus();
  return false;
}
document.addEventListener("input", (event) => {
  const form = event.target.closest?.("form[data-save]");
  if (!form) return;
  warned = false;
  remember(form);
});
addEventListener("beforeunload", (event) => {
  if (!leaving && unsaved().length) event.preventDefault();
});

// -- what was typed and not saved, kept by this browser for its person until it is

const UNSENT = `unsent ${document.body.dataset.account}`;
const HOURS = 12; // as long as a session
const nameOf = (form) => (form.matches(".edit") ? one("main").dataset.event : "comment");

function unsent() {
  try {
    const kept = JSON.parse(localStorage.getItem(UNSENT)) ?? {};
    const fresh = Object.entries(kept).filter(([, each]) => Date.now() - each.at < HOURS * 3600000);
    return Object.fromEntries(fresh);
  } catch {
    return {};
  }
}

function keepUnsent(name, values) {
  const kept = unsent();
  if (values) kept[name] = { at: Date.now(), address: location.pathname, values };
  else delete kept[name];
  try {
    if (Object.keys(kept).length) localStorage.setItem(UNSENT, JSON.stringify(kept));
    else localStorage.removeItem(UNSENT);
  } catch { /* private browsing: nothing is kept */ }
}

/** Keep what is typed in a form; forget it once it is saved. */
function remember(form) {
  const values = fields(form).filter(plain)
    .map((field) => [field.name, field.type === "checkbox" ? field.checked : field.value]);
  keepUnsent(nameOf(form), changed(form) ? values : null);
}

/** Offer what an earlier page of this person left unsaved. */
function offer() {
  const place = one("[data-unsent]");
  const [name, kept] = Object.entries(unsent())[0] ?? [];
  if (!place || !kept) return;
  const form = all("form[data-save]").find((each) => nameOf(each) === name);
  const button = (text, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "quiet";
    made.textContent = text;
    made.addEventListener("click", () => {
      place.textContent = "";
      act();
    });
    return made;
  };
  const take = () => {
    if (!form) return void location.assign(kept.address);
    for (const [field, value] of kept.values) {
      const found = fields(form).find((each) => each.name === field);
      if (!found) continue;
      if (typeof value === "boolean") found.checked = value;
      else found.value = value;
    }
    save(form);
  };
  place.textContent = place.dataset.unsent;
  place.append(
    " ", button(place.dataset.take, take),
    " ", button(place.dataset.drop, () => keepUnsent(name, null)),
  );
}
if (document.body.dataset.account) offer();

// -- the grid

function roving() {
  const cells = all(".grid .k");
  const held = document.activeElement?.closest(".k") ?? one(".k[aria-current]") ?? cells[0];
  for (const cell of cells) cell.tabIndex = cell === held ? 0 : -1;
}
roving();

const follow = later(220, async (cell) => {
  if (document.activeElement !== cell || cell.hasAttribute("aria-current")) return;
  if (await mayLeave()) show(cell.href);
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
      if (!(await mayLeave())) return;
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

document.addEventListener("click", async (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (link.target === "_blank" || link.getAttribute("href").startsWith("#")) return;
  const inside = link.matches(".k, a[data-show]");
  if (!inside && !unsaved().length) return;
  event.preventDefault();
  if (!(await mayLeave())) return;
  if (!inside) return void leave(() => location.assign(link.href));
  show(link.href, link.matches(".k") ? "cell" : "").then(() => {
    if (!link.matches(".k")) one(".tabs [aria-current]")?.focus();
    else if (matchMedia("(max-width: 59.99rem)").matches) one(".event")?.scrollIntoView();
  });
});

// -- what if

const ask = later(110, async (form) => {
  const values = new URLSearchParams(new FormData(form));
  const answer = await fetch(`${form.dataset.ask}&${values}`, { headers: { Accept: "application/json" } })
    .catch(failed);
  if (!answer?.ok || !form.isConnected) return;
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
