// Keeps the pages of /report/ on the phone, so that they open without a network. VERSION is put before
// this script by the server. Reports themselves wait in IndexedDB (report.js).
const CACHE = `report-${VERSION}`;
const PATIENCE = 5000; // [ms] for a page before the kept one is shown
const HERE = new URL("./", self.location).pathname;

self.addEventListener("install", () => self.skipWaiting());

self.addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) {
    if (name.startsWith("report-") && name !== CACHE) {
      const old = await caches.open(name);
      const fresh = await caches.open(CACHE);
      for (const request of await old.keys()) {
        if (!(await fresh.match(request))) await fresh.put(request, await old.match(request));
      }
      await caches.delete(name);
    }
  }
  await self.clients.claim();
})()));

// The page asks for its own address, its style and its script to be kept.
self.addEventListener("message", (event) => event.waitUntil((async () => {
  const cache = await caches.open(CACHE);
  for (const address of event.data.keep || []) {
    try {
      const answer = await fetch(address, { cache: "reload", credentials: "same-origin" });
      if (answer.ok && !answer.redirected) await cache.put(address, answer);
    } catch { /* no network: what is kept stays */ }
  }
  if (event.ports[0]) event.ports[0].postMessage("kept");
})()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const address = new URL(request.url);
  if (request.method !== "GET" || address.origin !== self.location.origin) return;
  if (request.mode === "navigate" && address.pathname.startsWith(HERE)) event.respondWith(page(request));
  else if (address.pathname.includes("/static/")) event.respondWith(part(request));
});

async function page(request) {
  const cache = await caches.open(CACHE);
  const kept = (await cache.match(request)) || (await cache.match(request, { ignoreSearch: true }));
  const limit = new AbortController();
  const timer = kept && setTimeout(() => limit.abort(), PATIENCE);
  try {
    const answer = await fetch(request, { signal: limit.signal });
    if (answer.status === 404 || answer.status === 410) await cache.delete(request, { ignoreSearch: true });
    else if (answer.ok && !answer.redirected && kept && (await cache.match(request))) await cache.put(request, answer.clone());
    return answer;
  } catch (error) {
    if (kept) return kept;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function part(request) {
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await caches.match(request, { ignoreSearch: true });
    if (kept) return kept;
    throw error;
  }
}
