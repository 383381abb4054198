// Keeps the pages that were looked at, so that screens and pages open without a network. The network comes first; what is kept is shown only when
// it does not answer, and then says so (`data-kept` of the page). Archived copies, data and what the web application serves are left alone.
"use strict";

const SCOPE = new URL(registration.scope).pathname;
const CACHE = `skyscape ${SCOPE}`;
const MOST = 80; // pages and their parts that are kept, the newest
const PATIENCE = 6000; // [ms] for the network, where there is something kept
const LOST_FOR = 30000; // [ms] in which parts of a kept page are not asked of a network that just failed
const PARTS = ["style", "script", "image", "font"];
const ISSUE = /<(?:html|body)[^>]* data-issue="([^"]+)"/;
let lost = 0;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

// The first page is loaded before this script is there: it names itself and its parts.
self.addEventListener("message", (event) => event.waitUntil(Promise.all((event.data.keep ?? []).map(async (address) => {
  const path = pathOf(address);
  if (path === null || path.endsWith(".json")) return;
  try {
    await keep(address, await fetch(address));
  } catch {
    // No network: what is kept stays.
  }
}))));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || pathOf(request.url) === null) return;
  if (request.mode === "navigate" || PARTS.includes(request.destination)) event.respondWith(answer(event));
  else if (pathOf(request.url).endsWith(".html")) event.respondWith(renewed(event));
});

// The path below the scope; null for what is not kept: other servers, and copies of past issues.
function pathOf(url) {
  const { origin, pathname } = new URL(url);
  if (origin !== self.location.origin || !pathname.startsWith(SCOPE)) return null;
  const path = pathname.slice(SCOPE.length);
  return /^archive\/(?!index\.html$)./.test(path) ? null : path;
}

async function answer(event) {
  const { request } = event;
  const kept = await find(request);
  if (kept && request.mode !== "navigate" && Date.now() - lost < LOST_FOR) return kept;
  const limit = new AbortController();
  const timer = kept && setTimeout(() => limit.abort(), PATIENCE);
  try {
    const found = await fetch(request, { signal: limit.signal });
    if (kept && found.status >= 500) return shown(kept, request);
    event.waitUntil(keep(request.url, found.clone()));
    return found;
  } catch (error) {
    lost = Date.now();
    if (kept) return shown(kept, request);
    const home = request.mode === "navigate" && await homeOf(request);
    if (home) return Response.redirect(home);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

// The first page of a language, where it is kept: better than the browser's own page without a network.
async function homeOf(request) {
  const home = new URL(`${pathOf(request.url)?.startsWith("en/") ? "en/" : ""}index.html`, registration.scope);
  return home.href !== request.url && await find(new Request(home)) ? home : null;
}

// A page that a script asks for is never a kept one: it wants to know what the server has.
async function renewed(event) {
  const found = await fetch(event.request);
  event.waitUntil(keep(event.request.url, found.clone()));
  return found;
}

async function find(request) {
  const cache = await caches.open(CACHE);
  const address = request.url.endsWith("/") ? `${request.url}index.html` : request.url;
  return await cache.match(request) ?? await cache.match(address, { ignoreSearch: true });
}

async function shown(kept, request) {
  if (request.mode !== "navigate") return kept;
  const text = (await kept.text()).replace("<html ", '<html data-kept="" ');
  return new Response(text, { headers: { "Content-Type": "text/html; charset=utf-8" } });
}

async function keep(address, found) {
  if (found.status === 404 || found.status === 410) await (await caches.open(CACHE)).delete(address);
  if (!found.ok || found.redirected || (found.headers.get("Cache-Control") ?? "").includes("no-store")) return;
  const cache = await caches.open(CACHE);
  if (found.headers.get("Content-Type")?.startsWith("text/html")) {
    const text = await found.text();
    const issue = ISSUE.exec(text)?.[1];
    if (!issue) return;
    const headers = { "Content-Type": "text/html; charset=utf-8", "X-Issue": issue };
    await cache.put(address, new Response(text, { headers }));
    await drop(cache, issue);
  } else {
    await cache.put(address, found);
  }
  const all = await cache.keys();
  await Promise.all(all.slice(0, Math.max(all.length - MOST, 0)).map((old) => cache.delete(old)));
}

// Pages of another issue than the one just seen are of the past.
async function drop(cache, issue) {
  for (const request of await cache.keys()) {
    const other = (await cache.match(request))?.headers.get("X-Issue");
    if (other && other !== issue) await cache.delete(request);
  }
}
