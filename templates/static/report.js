// Makes the page for reports pleasant and lets it work without a network. The form works without this script.
const queue = document.getElementById("queue");
const form = document.getElementById("report");
const say = queue.querySelector("p");
const retry = queue.querySelector("button");
const EDGE = 1600; // [pixel] a photo is made so small before it waits or is sent
const EVERY = 30000; // [ms]
const SLOW = 20000; // [ms]
const FINAL = [400, 403, 404, 405, 409, 410, 413, 415, 422]; // statuses that a retry does not change
const filled = (name, text) => queue.dataset[name].replace("#", text);

// -- reports that wait

function database() {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("skyscape-reports", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("reports", { keyPath: "id" });
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
}

async function store(mode, act) {
  const opened = await database();
  try {
    return await new Promise((resolve, reject) => {
      const work = opened.transaction("reports", mode, { durability: "strict" });
      const asked = act(work.objectStore("reports"));
      work.oncomplete = () => resolve(asked.result);
      work.onerror = work.onabort = () => reject(work.error);
    });
  } finally {
    opened.close();
  }
}
const waiting = () => store("readonly", (reports) => reports.getAll());
const keep = (report) => store("readwrite", (reports) => reports.put(report));
const forget = (id) => store("readwrite", (reports) => reports.delete(id));

async function send(report) {
  const body = new FormData();
  for (const [name, value] of report.fields) body.append(name, value);
  if (report.photo) body.append("photo", new Blob([report.photo], { type: report.type }), "photo.jpg");
  body.set("sent", new Date().toISOString());
  const answer = await fetch(report.address, { method: "POST", body, headers: { Accept: "application/json" }, credentials: "same-origin" });
  const content = await answer.json().catch(() => ({}));
  return { status: answer.status, ...content };
}

let last = Promise.resolve();
// Sends what waits, one after another; returns the address of the thanks for `wanted`, where that was sent.
function flush(wanted) {
  last = last.then(() => sendAll(wanted), () => sendAll(wanted));
  return last;
}

async function sendAll(wanted) {
  let thanks = "";
  try {
    for (const report of await waiting()) {
      if (report.refused) continue;
      let answer;
      try {
        answer = await send(report);
      } catch {
        break; // no network: all wait
      }
      if (answer.status === 201) {
        await forget(report.id);
        if (report.id === wanted) thanks = answer.url;
      } else if (FINAL.includes(answer.status)) {
        await keep({ ...report, refused: answer.error || String(answer.status) });
      } else {
        break; // the server is busy: later
      }
    }
  } finally {
    await show();
  }
  return thanks;
}

async function show() {
  const all = await waiting();
  const refused = all.find((report) => report.refused);
  const open = all.filter((report) => !report.refused).length;
  queue.hidden = all.length === 0;
  if (refused) {
    say.textContent = filled("turnedDown", refused.refused);
    retry.textContent = queue.dataset.discard;
    retry.onclick = async () => { await forget(refused.id); await show(); };
  } else if (open) {
    say.textContent = filled("waiting", open);
    retry.textContent = queue.dataset.retry;
    retry.onclick = () => flush("");
  }
}

// -- the form

function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = [...bytes].map((each) => each.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

// A photo is drawn again on the phone: smaller, and where it was taken stays there.
async function smaller(file) {
  try {
    const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, EDGE / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(picture.width * scale));
    canvas.height = Math.max(1, Math.round(picture.height * scale));
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    const drawn = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.85));
    return drawn || file;
  } catch {
    return file;
  }
}

const sends = form && form.querySelector("button.send");
// Each filled form has one id: that of a page kept on the phone would stand for all that it sends.
function fresh() {
  form.elements.id.value = uuid();
}

async function submitted(event) {
  event.preventDefault();
  if (sends.disabled) return; // the second tap, or Enter after it
  sends.disabled = true;
  const content = new FormData(form);
  const file = content.get("photo");
  content.delete("photo");
  const id = content.get("id");
  if (!content.get("at")) content.set("seen", new Date().toISOString());
  const chosen = file && file.size ? await smaller(file) : null;
  const report = {
    id,
    address: form.action,
    fields: [...content.entries()],
    photo: chosen ? await chosen.arrayBuffer() : null, // bytes: not every phone keeps files
    type: chosen ? chosen.type : "",
  };
  try {
    await keep(report);
  } catch { // private browsing or no room: as without script
    form.removeEventListener("submit", submitted);
    setTimeout(() => (sends.disabled = false), SLOW); // where nothing came of it
    form.submit();
    return;
  }
  queue.hidden = false;
  say.textContent = queue.dataset.sending;
  form.reset();
  fresh();
  chosenPhoto();
  scrollTo({ top: 0 });
  form.addEventListener("input", free, { once: true }); // the next report
  const thanks = await flush(id).catch(() => "");
  if (thanks) {
    location.assign(thanks);
    return;
  }
  free();
  const left = (await waiting()).filter((each) => !each.refused).length;
  if (left) say.textContent = filled("saved", left);
}

function free() {
  sends.disabled = false;
}

const photo = form && document.getElementById("photo");
const ask = photo && photo.textContent;
function chosenPhoto() {
  const file = form.elements.photo.files[0];
  photo.textContent = file ? filled("photo", file.name) : ask;
}

// -- the hour: what it makes sensible comes first, by the phone's clock

const DAY = 1440;
const FAR = 240;
const modulo = (value) => ((value % DAY) + DAY) % DAY;
function distance(question, minute) {
  const { group, since, until } = question.dataset;
  if (group === "ground") return FAR;
  if (modulo(minute - since) <= modulo(until - since)) return 0;
  return Math.min(modulo(since - minute), modulo(minute - until));
}

function order() {
  const now = new Date();
  const minute = now.getHours() * 60 + now.getMinutes();
  const clock = document.getElementById("clock");
  const shown = new Intl.DateTimeFormat(document.documentElement.lang, { month: "long", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  clock.textContent = clock.dataset.filled.replace("#", shown.format(now));
  const all = [...form.querySelectorAll("fieldset.ask")];
  const open = all.filter((each) => modulo(minute - each.dataset.begins) < Number(each.dataset.lasts));
  const groups = [...new Set(open.map((each) => each.dataset.group))];
  const nearest = (group) => Math.min(...open.filter((each) => each.dataset.group === group).map((each) => distance(each, minute)));
  const first = groups.sort((one, other) => nearest(one) - nearest(other))[0];
  const [top, more] = ["first", "more"].map((id) => document.getElementById(id));
  for (const each of all) {
    const asked = open.includes(each);
    each.hidden = !asked;
    each.disabled = !asked;
    const place = asked && each.dataset.group === first ? top : more;
    if (each.parentElement !== place) place.append(each);
    const since = each.dataset.begins;
    const early = modulo(minute - since) < modulo(each.dataset.decides - since);
    for (const nothing of each.querySelectorAll(".nothing")) {
      nothing.hidden = early;
      nothing.querySelector("input").disabled = early;
    }
    const wait = each.querySelector(".early");
    if (wait) wait.hidden = !early;
    const when = each.querySelector(".when");
    when.textContent = when.dataset[minute < Number(each.dataset.begins) ? "before" : "now"];
  }
  const title = document.getElementById("title");
  const when = top.querySelector(".when");
  if (when) title.textContent = title.dataset.title.replace("#", when.textContent);
}

// A second tap takes an answer back.
function release(event) {
  const input = event.target;
  if (input.type !== "radio") return;
  if (input.dataset.chosen) {
    input.checked = false;
    delete input.dataset.chosen;
    return;
  }
  for (const other of form.elements[input.name]) delete other.dataset.chosen;
  input.dataset.chosen = "yes";
}

async function keepPages() {
  const here = location.pathname + location.search;
  const links = [...document.querySelectorAll(".sites a, #sites")].map((link) => link.getAttribute("href"));
  const parts = queue.dataset.cached.trim().split(" ");
  const registered = await navigator.serviceWorker.register(queue.dataset.worker, { scope: queue.dataset.scope });
  await navigator.serviceWorker.ready;
  const channel = new MessageChannel();
  const kept = new Promise((resolve) => { channel.port1.onmessage = resolve; });
  registered.active.postMessage({ keep: [here, ...links, ...parts] }, [channel.port2]);
  await kept;
  document.documentElement.dataset.kept = "yes";
  const offline = document.getElementById("offline");
  if (offline) offline.hidden = false;
  if (navigator.storage && navigator.storage.persist) navigator.storage.persist();
}

if (form) {
  fresh();
  addEventListener("pageshow", free); // a page that is shown again
  form.addEventListener("submit", submitted);
  form.addEventListener("click", release);
  form.addEventListener("reset", () => setTimeout(() => {
    for (const input of form.querySelectorAll("[data-chosen]")) delete input.dataset.chosen;
    chosenPhoto();
  }));
  form.elements.photo.addEventListener("change", chosenPhoto);
  order();
  setInterval(order, 60000);
}
queue.dataset.retry = retry.textContent;
addEventListener("online", () => flush(""));
document.addEventListener("visibilitychange", () => { if (!document.hidden) flush(""); });
setInterval(async () => { if ((await waiting()).some((each) => !each.refused)) flush(""); }, EVERY);
show().then(() => flush(""), () => {});
if ("serviceWorker" in navigator && isSecureContext) keepPages().catch(() => {});
