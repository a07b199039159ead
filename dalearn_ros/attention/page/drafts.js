// Strokes that are not saved yet, kept in this browser (IndexedDB): they survive a reload, a
// restart of the server, and the end of the browser. One for each revision and opening of an image, so
// that no stroke overwrites what is offered from before, nor what another tab keeps.

const NAME = "dalearn-attention";
const KEEP_DAYS = 60;
const KEEP_EACH = 8; // of an image

let database = null;

function open() {
  database ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore("drafts", { keyPath: "key" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return database;
}

async function run(mode, work) {
  const store = (await open()).transaction("drafts", mode).objectStore("drafts");
  return new Promise((resolve, reject) => {
    const request = work(store);
    store.transaction.oncomplete = () => resolve(request.result);
    store.transaction.onerror = () => reject(store.transaction.error);
    store.transaction.onabort = () => reject(store.transaction.error);
  });
}

// Of one opening of an image.
export const freshName = () => String(Math.random()).slice(2);

// image: { digest, revision, opening }, here and below
const key = (image) => `${image.digest}:${image.revision}:${image.opening}`;

// Keep a map: { weights, rows, columns, origin, values }; false if this browser keeps nothing.
export async function keep(image, map) {
  const { digest, revision } = image;
  const draft = { key: key(image), digest, revision, when: Date.now(), ...map };
  try {
    await run("readwrite", (store) => store.put(draft));
    return true;
  } catch {
    return false;
  }
}

// Those of an image, the newest first; of too many the oldest go.
export async function find(digest) {
  try {
    const found = await run("readonly", (store) => store.getAll(IDBKeyRange.bound(`${digest}:`, `${digest};`)));
    found.sort((one, other) => other.when - one.when);
    for (const draft of found.slice(KEEP_EACH)) await drop(draft);
    return found.slice(0, KEEP_EACH);
  } catch {
    return [];
  }
}

export async function drop(draft) {
  try {
    await run("readwrite", (store) => store.delete(draft.key));
  } catch {
    // it is offered once more
  }
}

export const dropOwn = (image) => drop({ key: key(image) });

export const isOwn = (draft, image) => draft.key === key(image);

// Old ones go, so that they do not fill the disk.
export async function tidy() {
  try {
    const every = await run("readonly", (store) => store.getAll());
    const oldest = Date.now() - KEEP_DAYS * 86400e3;
    for (const draft of every) if (draft.when < oldest) await drop(draft);
  } catch {
    // nothing is kept then
  }
}

// Small things such as one's name; a browser that keeps nothing forgets them.
export function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // asked again next time
  }
}

export function recall(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}
