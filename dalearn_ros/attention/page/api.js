// Requests to the server. What is refused becomes an ApiError with the server's sentence.

import { token } from "./token.js";

export const TAB = crypto.randomUUID ? crypto.randomUUID() : String(Math.random()).slice(2);

export class ApiError extends Error {
  constructor(status, sentence, content) {
    super(sentence);
    this.status = status; // 0: the server cannot be reached
    this.content = content;
  }
}

async function ask(path, options = {}) {
  const headers = { ...options.headers, Authorization: `Bearer ${token}` };
  let response;
  try {
    response = await fetch(path, { credentials: "omit", cache: "no-store", ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "The editor cannot be reached. Is 'dalearn edit-attention' still running? Your strokes are kept in this browser.");
  }
  if (response.ok) return response;
  const content = await response.json().catch(() => ({}));
  let sentence = content.error || `The editor answered ${response.status}.`;
  if (response.status === 403 && token) {
    sentence = "The editor was started anew. Open the address that it printed; your strokes are kept in this browser and will be offered again.";
  }
  throw new ApiError(response.status, sentence, content);
}

const json = async (path, options) => (await ask(path, options)).json();
const image = (index) => `/api/images/${index}`;

export const start = () => json("/api/start");
export const queue = (filter) => json(`/api/queue?${new URLSearchParams(filter)}`);
export const look = (index, signal) => json(image(index), { signal });

export async function picture(index, signal) {
  const response = await ask(`${image(index)}/picture`, { signal });
  return createImageBitmap(await response.blob());
}

export async function map(index, name, options = {}) {
  const query = options.resample ? "?resample=1" : "";
  const response = await ask(`${image(index)}/maps/${name}${query}`, { signal: options.signal });
  return fromBytes(await response.arrayBuffer());
}

// The cells of a map drawn elsewhere, a picture.
export async function drawn(index, file) {
  const response = await ask(`${image(index)}/drawn?${new URLSearchParams({ name: file.name })}`, { method: "POST", body: file });
  return fromBytes(await response.arrayBuffer());
}

// The answer under a map; null if a newer request has taken this one's place.
export async function answer(index, digest, cells) {
  const query = new URLSearchParams({ tab: TAB, digest });
  const response = await ask(`${image(index)}/answer?${query}`, { method: "POST", body: toBytes(cells) });
  return response.status === 204 ? null : response.json();
}

export function save(index, edit, cells) {
  const body = JSON.stringify({ ...edit, map: base64(new Uint8Array(toBytes(cells))) });
  const headers = { "Content-Type": "application/json" };
  return json(`${image(index)}/edit`, { method: "POST", body, headers });
}

// Maps travel as little-endian float32, whatever this machine's order is.
const LITTLE = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

export function toBytes(cells) {
  if (LITTLE) return cells.slice().buffer;
  const view = new DataView(new ArrayBuffer(4 * cells.length));
  cells.forEach((value, at) => view.setFloat32(4 * at, value, true));
  return view.buffer;
}

export function fromBytes(buffer) {
  if (LITTLE) return new Float32Array(buffer);
  const view = new DataView(buffer);
  return Float32Array.from({ length: buffer.byteLength / 4 }, (_, at) => view.getFloat32(4 * at, true));
}

function base64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return btoa(text);
}
