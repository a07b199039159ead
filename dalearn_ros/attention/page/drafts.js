// Strokes that are not saved yet, kept in this browser (IndexedDB): they survive a reload, a
// restart of the server, and the end of the browser. One for each image, revision and tab.

const NAME = "dalearn-attention";
const KEEP_DAYS = 60;

// The tab's own name survives its reload, so that its draft is found again and replaced.
function tabName() {
  try {
    const known = sessionStorage.getItem("tab");
    if (known) return known;
    const made = String(Math.random()).slice(2);
    sessionStorage.setItem("tab", made);
    return made;
  } catch {
    return "tab";
  }
}

const TAB = tabName();
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

const key = (digest, revision) => `${digest}:${revision}:${TAB}`;

// Keep a map; false if this browser keeps nothing.
export async function keep(digest, revision, weights, cells, values) {
  const { rows, columns, origin } = cells;
  const about = { digest, revision, weights, rows, columns, origin, when: Date.now() };
  const draft = { key: key(digest, revision), ...about, values };
  try {
    await run("readwrite", (store) => store.put(draft));
    return true;
  } catch {
    return false;
  }
}

// Those of an image, the newest first.
export async function find(digest) {
  try {
    const found = await run("readonly", (store) => store.getAll(IDBKeyRange.bound(`${digest}:`, `${digest};`)));
    return found.sort((one, other) => other.when - one.when);
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

export const dropOwn = (digest, revision) => drop({ key: key(digest, revision) });

export const isOwn = (draft, digest, revision) => draft.key === key(digest, revision);

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
