// The phone's side of the authenticator protocol, version 1 (docs/authenticator-protocol.md), and what it keeps:
// profiles with keys that cannot be exported, in IndexedDB.

const P256 = { name: 'ECDSA', namedCurve: 'P-256' };
const ANSWER_MS = 10_000;
/** A difference of clocks below this is not worth keeping. */
const OFFSET_MIN_S = 2;
const utf8 = new TextEncoder();

const NAME = 'profiles';
let opening;

function database() {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open('authenticator', 1);
    request.onupgradeneeded = () => request.result.createObjectStore(NAME, { keyPath: 'id' });
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const opened = request.result;
      opened.onversionchange = () => opened.close();
      opened.onclose = () => { opening = undefined; };
      resolve(opened);
    };
  });
  opening.catch(() => { opening = undefined; });
  return opening;
}

/** One transaction. It is done when it is complete, not when its requests are. */
async function run(mode, act) {
  const transaction = (await database()).transaction(NAME, mode);
  const request = act(transaction.objectStore(NAME));
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(request?.result);
    transaction.onabort = () => reject(transaction.error);
  });
}

/** All profiles, oldest first. */
export async function profiles() {
  const all = await run('readonly', (store) => store.getAll());
  return all.filter((one) => one.issuer).sort((a, b) => a.added_at - b.added_at);
}

/** Keeps a profile; `instead` are the ids of profiles that it replaces. */
function save(profile, instead = []) {
  return run('readwrite', (store) => {
    instead.forEach((id) => store.delete(id));
    store.put(profile);
  });
}

/** Keeps how far a server's clock is from this phone's, unless the profile is gone by now. */
function saveOffset(id, offset_s) {
  return run('readwrite', (store) => {
    const found = store.get(id);
    found.onsuccess = () => found.result && store.put({ ...found.result, offset_s });
  });
}

/** Forgets a profile and its keys. */
export function remove(id) {
  return run('readwrite', (store) => { store.delete(id); });
}

/** Fails where this browser cannot keep such a key, before an enrolment link is used up for nothing. */
async function tryOut(key) {
  await run('readwrite', (store) => { store.put({ id: 'trial', key }); });
  await remove('trial');
}

/** A server said no, in the words of the protocol. */
export class Refusal extends Error {
  constructor(status, body, retryAfter) {
    super(typeof body?.message === 'string' ? body.message : `The server refused with status ${status}.`);
    this.code = String(body?.error ?? '');
    /** Asking again would not help. */
    this.final = status < 500 && status !== 429;
    this.now = body?.now;
    this.retry_s = Number(retryAfter) || 0;
  }
}

function base64url(bytes) {
  const text = btoa(String.fromCharCode(...new Uint8Array(bytes)));
  return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

const jti = () => base64url(crypto.getRandomValues(new Uint8Array(16)));

async function sign(key, typ, payload) {
  const part = (value) => base64url(utf8.encode(JSON.stringify(value)));
  const message = `${part({ alg: 'ES256', typ })}.${part(payload)}`;
  const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key, utf8.encode(message));
  return `${message}.${base64url(signature)}`;
}

/** The server's time in seconds, as far as it is known. */
export const now = (profile) => Date.now() / 1000 + profile.offset_s;

function learn(profile, server) {
  const offset_s = Math.round(server - Date.now() / 1000);
  // Never true of what is not a number.
  if (Math.abs(offset_s - profile.offset_s) >= OFFSET_MIN_S) {
    profile.offset_s = offset_s;
    if (profile.id) {
      saveOffset(profile.id, offset_s).catch(() => {});
    }
  }
}

async function call(url, options, signal) {
  const late = AbortSignal.timeout(ANSWER_MS);
  const response = await fetch(url, {
    cache: 'no-store', credentials: 'omit', redirect: 'error', ...options,
    signal: signal ? AbortSignal.any([signal, late]) : late,
  });
  const body = await response.json().catch(() => null);
  if (!response.ok) {
    throw new Refusal(response.status, body, response.headers.get('Retry-After'));
  }
  return body;
}

const send = (url, body) =>
  call(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });

/** Does something signed; when the phone's clock is off, corrects it and does it once more. */
async function timed(profile, act) {
  try {
    return await act();
  } catch (error) {
    if (error.code !== 'clock_skew') {
      throw error;
    }
    learn(profile, error.now);
    return act();
  }
}

/** The value of an `Authorization` header for a read. */
async function proof(profile, url) {
  const payload = {
    aud: profile.issuer, sub: profile.authenticator_id, iat: Math.floor(now(profile)), jti: jti(), htm: 'GET', htu: url,
  };
  return `Phone ${await sign(profile.key, 'techpass-phone+jwt', payload)}`;
}

/** The host of a server, for people. */
export const host = (issuer) => new URL(issuer).host;

/** Reads an enrolment link, or the fragment of one. Nothing when it is none. */
export function readLink(text) {
  const values = new URLSearchParams(text.slice(text.indexOf('#') + 1).trim());
  const issuer = values.get('issuer') ?? '';
  const token = values.get('token');
  const url = URL.canParse(issuer) ? new URL(issuer) : null;
  const local = /^(localhost|.+\.localhost|127\..+|\[::1\])$/.test(url?.hostname ?? '');
  const safe = url?.protocol === 'https:' || (url?.protocol === 'http:' && local);
  if (!token || !safe || url.username || url.password || url.search || url.hash || issuer.endsWith('/')) {
    return null;
  }
  return { issuer, token };
}

async function tokenHash(token) {
  return base64url(await crypto.subtle.digest('SHA-256', utf8.encode(token)));
}

/** The profile that this link made on this phone before, if it did. */
export async function madeBy(link, profiles) {
  const hash = await tokenHash(link.token);
  return profiles.find((one) => one.issuer === link.issuer && one.token_hash === hash);
}

async function newKey() {
  try {
    const pair = await crypto.subtle.generateKey(P256, false, ['sign']);
    await tryOut(pair.privateKey);
    return pair;
  } catch {
    throw new Refusal(0, { error: 'no_storage' });
  }
}

/** Enrols this phone. `profiles` are those it has; one of the same account at the same server is replaced. */
export async function enrol(link, name, profiles) {
  const pair = await newKey();
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  const token_hash = await tokenHash(link.token);
  const draft = { issuer: link.issuer, key: pair.privateKey, token_hash, offset_s: 0 };
  const answer = await timed(draft, async () => {
    const payload = { aud: link.issuer, iat: Math.floor(now(draft)), jti: jti(), token_hash };
    const body = {
      token: link.token, name, key: { kty, crv, x, y },
      proof: await sign(pair.privateKey, 'techpass-enrol+jwt', payload),
    };
    return send(`${link.issuer}/authenticator/v1/enrolments`, body);
  });
  const code = answer?.code;
  if (answer?.issuer !== link.issuer || code?.period !== 30 || code?.digits !== 6 || code?.algorithm !== 'SHA1') {
    throw new Refusal(0, { message: 'The server gave an answer that this app does not understand.' });
  }
  const { authenticator_id, account, label, organisation } = answer;
  learn(draft, answer.now);
  const profile = {
    ...draft, id: `${link.issuer} ${authenticator_id}`, authenticator_id, account, label, organisation,
    seed: await hmac(code.secret), added_at: Date.now(),
  };
  const older = profiles.filter((one) => one.issuer === link.issuer && one.account === account);
  await save(profile, older.map((one) => one.id));
  navigator.storage?.persist?.().catch(() => {});
  return profile;
}

/** A seed in base32 (RFC 4648) as a key that can make codes and can never be read again. */
function hmac(base32) {
  const bytes = [];
  let [value, bits] = [0, 0];
  for (const letter of base32.toUpperCase().replaceAll('=', '')) {
    value = (value << 5) | 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter);
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((value >> bits) & 255);
      value &= (1 << bits) - 1;
    }
  }
  return crypto.subtle.importKey('raw', new Uint8Array(bytes), { name: 'HMAC', hash: 'SHA-1' }, false, ['sign']);
}

/** The verification code of now (RFC 6238), and for how many seconds it stays. */
export async function code(profile) {
  const time = now(profile);
  const counter = new DataView(new ArrayBuffer(8));
  counter.setBigUint64(0, BigInt(Math.floor(time / 30)));
  const hash = new DataView(await crypto.subtle.sign('HMAC', profile.seed, counter));
  const number = hash.getUint32(hash.getUint8(19) & 15) & 0x7fffffff;
  return { digits: String(number % 1_000_000).padStart(6, '0'), left_s: 30 - (Math.floor(time) % 30) };
}

/** The requests that wait for a profile. Learns the server's time. */
export async function list(profile, signal) {
  const url = `${profile.issuer}/authenticator/v1/requests`;
  const body = await timed(profile, async () =>
    call(url, { headers: { Authorization: await proof(profile, url) } }, signal));
  learn(profile, body?.now);
  const requests = Array.isArray(body?.requests) ? body.requests : [];
  return requests.filter((one) => one.issuer === profile.issuer);
}

/** Calls `heard` for everything a profile's event stream brings, `true` when the list is to be read again. */
export async function listen(profile, heard, signal) {
  const url = `${profile.issuer}/authenticator/v1/events`;
  const response = await fetch(url, {
    cache: 'no-store', credentials: 'omit', redirect: 'error', signal,
    headers: { Authorization: await proof(profile, url), Accept: 'text/event-stream' },
  });
  if (!response.ok) {
    throw new Refusal(response.status);
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return;
    }
    const lines = (rest + value).split(/\r\n|\n|\r/);
    rest = lines.pop().slice(-200);
    heard(lines.some((line) => /^event: ?requests$/.test(line)));
  }
}

/**
 * A function that sends one answer. Called again after a failure on the way it sends the same bytes, so that an answer
 * that had arrived gets its first result again.
 */
export function answer(profile, request, decision, number) {
  let jws;
  return () => timed(profile, async () => {
    const iat = Math.floor(now(profile));
    // A correction of the clock needs new bytes; the old ones were refused.
    if (!jws || Math.abs(jws.iat - iat) > 300) {
      const { nonce, account, app, location, device, created_at, expires_at } = request;
      const payload = {
        v: 1, aud: profile.issuer, sub: profile.authenticator_id, request: request.id, nonce, account, app, location,
        device, created_at, expires_at, decision, number, iat,
      };
      jws = { iat, text: await sign(profile.key, 'techpass-answer+jwt', payload) };
    }
    const url = `${profile.issuer}/authenticator/v1/requests/${encodeURIComponent(request.id)}/answer`;
    return send(url, { answer: jws.text });
  });
}
