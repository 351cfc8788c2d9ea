// The Authenticator: which page is shown, what waits, and what happens when something arrives.
// Pages are in the fragment: none (home), #add, #request=ID, #decline=ID, #remove=ID, #result, and an enrolment link's.

import * as pages from './pages.js';
import * as phone from './phone.js';
import { Watch } from './watch.js';

/** What the pages may know and do. */
const app = {
  profiles: [],
  watches: new Map(),
  /** Requests that were answered here; a list read a moment before may still hold them. */
  answered: new Set(),
  result: null,
  waiting, go, replace, finish, reload, forget, enrolled,
};
/** Requests that the person has seen: they do not open by themselves again. */
const opened = new Set();
const news = 'BroadcastChannel' in window ? new BroadcastChannel('profiles') : null;
let page = { name: '' };
/** What to say on the next page. */
let saying = '';

/** Every request that waits, newest first, with its profile. */
function waiting() {
  const all = [...app.watches.values()].flatMap(({ profile, requests }) =>
    requests.map((request) => ({ profile, request })));
  return all
    .filter(({ profile, request }) => !app.answered.has(request.id) && phone.now(profile) < request.expires_at)
    .sort((a, b) => b.request.created_at - a.request.created_at);
}

function go(fragment) {
  if (location.hash.slice(1) === fragment) {
    route();
  } else {
    location.hash = fragment;
  }
}

/** Goes to a page that "back" is not to leave again. */
function replace(fragment, sentence = '') {
  saying = sentence;
  history.replaceState(null, '', fragment ? `/#${fragment}` : '/');
  route();
}

/** A request has ended; says how. */
function finish(request, end) {
  app.answered.add(request.id);
  app.result = end;
  replace('result');
}

/** Reads the profiles again, here and in the app's other windows. */
async function reload(tell = true) {
  const issuers = new Set();
  const watches = new Map((await phone.profiles()).map((profile) => {
    const watch = app.watches.get(profile.id) ?? new Watch(profile, changed);
    // Browsers keep few connections to one server: one stream each, the other profiles are polled.
    watch.streaming = !issuers.has(profile.issuer);
    issuers.add(profile.issuer);
    return [profile.id, watch];
  }));
  app.watches.forEach((watch, id) => watches.has(id) || watch.stop());
  app.watches = watches;
  app.profiles = [...watches.values()].map(({ profile }) => profile);
  if (tell) {
    news?.postMessage('changed');
  }
  visible();
}

async function forget(profile) {
  await phone.remove(profile.id);
  await reload();
  replace('', `${profile.label}, ${profile.account} was removed from this phone.`);
}

async function enrolled(profile) {
  await reload();
  replace('', `${profile.label}, ${profile.account} was added. Open this app when you sign in.`);
}

function visible() {
  for (const watch of app.watches.values()) {
    if (document.visibilityState === 'visible') {
      watch.start();
    } else {
      watch.stop();
    }
  }
}

/** Finds the page of the address. */
function route() {
  const fragment = location.hash.slice(1);
  const [[name, value] = []] = new URLSearchParams(fragment);
  const found = waiting().find(({ request }) => request.id === value);
  const profile = app.profiles.find(({ id }) => id === value);
  const link = phone.readLink(fragment);
  if (link) {
    enrolment(link);
  } else if (name === 'add') {
    show('add', pages.add(app));
  } else if ((name === 'request' || name === 'decline') && found) {
    opened.add(value);
    show(name, name === 'request' ? pages.request(app, found) : pages.decline(app, found), found);
  } else if (name === 'remove' && profile) {
    show('remove', pages.remove(app, profile));
  } else if (name === 'result' && app.result) {
    show('result', pages.result(app, app.result));
  } else {
    home(fragment);
  }
}

function home(fragment) {
  if (fragment || location.pathname !== '/') {
    if (location.pathname === '/enrol') {
      saying ||= 'This is not a whole enrolment link. Open it again, or paste it under "Add account".';
    }
    history.replaceState(null, '', '/');
  }
  show('home', pages.home(app));
  changed();
}

async function enrolment(link) {
  const before = await phone.madeBy(link, app.profiles);
  if (before) {
    replace('', `This link was used on this phone before: ${before.label}, ${before.account}.`);
  } else {
    show('enrol', pages.enrol(app, link));
  }
}

/** Puts a page in place; its heading gets the focus, so that it is read first. */
function show(name, made, found) {
  const first = page.name === '';
  page = { name, found, ...made };
  document.getElementById('main').replaceChildren(made.root);
  document.getElementById('back').hidden = name === 'home' || name === 'broken';
  pages.say(saying);
  saying = '';
  const heading = made.root.querySelector('h1');
  document.title = name === 'home' ? 'Authenticator' : `${heading.textContent} – Authenticator`;
  heading.tabIndex = -1;
  if (!first || name !== 'home') {
    heading.focus();
  }
  scrollTo(0, 0);
}

/** Something may have arrived, or ended. */
function changed() {
  const all = waiting();
  const [only] = all;
  const unseen = all.some(({ request }) => !opened.has(request.id));
  if (unseen && (page.name === 'home' || page.name === 'result')) {
    if (all.length === 1) {
      go(`request=${encodeURIComponent(only.request.id)}`);
    } else {
      // Several are compared in the list, and stay there.
      all.forEach(({ request }) => opened.add(request.id));
      go('');
    }
  } else if (page.found && !page.busy?.()) {
    ended(all);
  } else if (all.length && ['add', 'enrol', 'remove'].includes(page.name)) {
    pages.say('A sign-in request is waiting.');
  }
  page.changed?.(all);
}

/** The request on the page may have ended without us, or a new number may have taken its place. */
function ended(all) {
  const { profile, request } = page.found;
  if (all.some((one) => one.request.id === request.id)) {
    return;
  }
  if (phone.now(profile) >= request.expires_at) {
    finish(request, pages.ENDS.expired);
  } else if (all.length === 1 && all[0].profile.id === profile.id) {
    replace(`request=${encodeURIComponent(all[0].request.id)}`, 'The browser shows a new number. Enter that one.');
  } else {
    finish(request, pages.ENDS.gone);
  }
}

function broken(title, text) {
  show('broken', { root: pages.h('div', {}, pages.h('h1', {}, title), pages.h('p', {}, text)) });
}

async function begin() {
  if (!window.isSecureContext || !crypto.subtle) {
    broken('This address is not safe enough', 'The Authenticator makes keys, and browsers allow that over HTTPS only.');
    return;
  }
  addEventListener('hashchange', route);
  document.addEventListener('visibilitychange', visible);
  news?.addEventListener('message', async () => {
    await reload(false);
    if (page.name === 'home') {
      route();
    }
  });
  try {
    await reload(false);
  } catch {
    broken('No place for keys', pages.STORAGE);
    return;
  }
  route();
  setInterval(() => {
    if (document.visibilityState === 'visible') {
      page.tick?.();
      changed();
    }
  }, 1000);
  navigator.serviceWorker?.register('/sw.js').catch(() => {});
}

begin();
