// Keeps the shell of the app, so that it opens without a network. Answers of servers never pass through here: they
// come from other origins or are no file of the shell.

const SHELL = 'shell';
const FILES = [
  '/', '/app.css', '/app.js', '/pages.js', '/phone.js', '/watch.js', '/icon.svg', '/icon-192.png',
  '/manifest.webmanifest',
];

self.addEventListener('install', (event) => {
  const fresh = FILES.map((name) => new Request(name, { cache: 'reload' }));
  event.waitUntil(caches.open(SHELL).then((shell) => shell.addAll(fresh)));
});

self.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url);
  const name = url.pathname === '/enrol' ? '/' : url.pathname;
  if (event.request.method === 'GET' && url.origin === self.location.origin && FILES.includes(name)) {
    event.respondWith(fromNetwork(event, name).catch(() => caches.match(name)));
  }
});

// The network first: an app that signs must not stay old because a copy of it is at hand.
async function fromNetwork(event, name) {
  const response = await fetch(event.request);
  if (response.ok) {
    const copy = response.clone();
    event.waitUntil(caches.open(SHELL).then((shell) => shell.put(name, copy)));
  }
  return response;
}
