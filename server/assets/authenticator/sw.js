// Keeps the shell of the app, so that it opens without a network. Answers of servers never pass through here: they
// come from other origins or are no file of the shell.

const SHELL = 'shell-1';
const FILES = [
  '/', '/app.css', '/app.js', '/dom.js', '/pages.js', '/phone.js', '/store.js', '/watch.js', '/icon.svg',
  '/icon-192.png', '/manifest.webmanifest',
];

self.addEventListener('install', (event) => {
  const fresh = FILES.map((name) => new Request(name, { cache: 'reload' }));
  event.waitUntil(caches.open(SHELL).then((shell) => shell.addAll(fresh)).then(() => self.skipWaiting()));
});

self.addEventListener('activate', (event) => {
  const old = caches.keys().then((names) =>
    Promise.all(names.filter((name) => name !== SHELL).map((name) => caches.delete(name))));
  event.waitUntil(old.then(() => self.clients.claim()));
});

self.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url);
  const name = url.pathname === '/enrol' ? '/' : url.pathname;
  if (event.request.method !== 'GET' || url.origin !== self.location.origin || !FILES.includes(name)) {
    return;
  }
  event.respondWith(shell(event.request, name));
});

// The network first: an app that checks signatures must not stay old because a copy of it is at hand.
async function shell(request, name) {
  const kept = await caches.open(SHELL);
  try {
    const response = await fetch(request);
    if (response.ok) {
      await kept.put(name, response.clone());
    }
    return response;
  } catch (error) {
    const copy = await kept.match(name);
    if (copy) {
      return copy;
    }
    throw error;
  }
}
