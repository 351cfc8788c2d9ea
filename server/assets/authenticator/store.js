// What the phone keeps: profiles with keys that cannot be exported, in IndexedDB.

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
export function save(profile, instead = []) {
  return run('readwrite', (store) => {
    instead.forEach((id) => store.delete(id));
    store.put(profile);
  });
}

/** Keeps how far a server's clock is from this phone's, unless the profile is gone by now. */
export function saveOffset(id, offset_s) {
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
export async function tryOut(key) {
  await run('readwrite', (store) => { store.put({ id: 'trial', key }); });
  await remove('trial');
}
