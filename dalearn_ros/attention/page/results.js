// What the model answers before and after: drawn, and as a list of what changed.

import { label, mark } from "./drawing.js";
import { counted } from "./notices.js";

const RINGS = { gone: "#ff4d4d", new: "#3ddc6f", moved: "#ffb02e", class: "#ffb02e" };
const byId = (id) => document.getElementById(id);
const ROWS = 10; // classes or values in the list
const percent = (value) => value.toFixed(2);
const number = (value) => String(Number(value.toPrecision(4)));

export class Results {
  constructor() {
    Object.assign(this, { names: [], tolerance: 0, image: null, before: null, after: null, reply: null });
    this.canvases = { before: byId("before"), after: byId("after") };
    const observer = new ResizeObserver(() => this.draw());
    Object.values(this.canvases).forEach((canvas) => observer.observe(canvas));
    this.part = null;
  }

  // about: what the server says of an image; image: {bitmap, width, height}.
  open(about, image) {
    this.image = image;
    this.about = about;
    this.part = null;
    this.show(null);
  }

  // An answer under another map; null: the branch's own map is used.
  show(reply, milliseconds) {
    const { about } = this;
    this.reply = reply ?? { answer: about.answer, verdict: about.verdict, changes: [] };
    byId("took").textContent = reply && milliseconds ? `${Math.round(milliseconds)} ms` : "";
    byId("before-text").textContent = this.#summary(about.answer, about.verdict);
    byId("after-text").textContent = this.#summary(this.reply.answer, this.reply.verdict);
    this.#list(reply === null);
    this.draw();
  }

  // No answer came under the present map.
  none() {
    this.reply = { answer: {}, verdict: null, changes: [] };
    byId("took").textContent = "";
    byId("after-text").textContent = "no answer";
    byId("changes").replaceChildren();
    row(byId("changes"), "", "The model's answer under this map did not come.");
    this.draw();
  }

  #summary(answer, verdict) {
    let what = answer.landmarks ? `${answer.landmarks.length} landmarks` : "";
    if (answer.probabilities) what = this.#named(answer.probabilities);
    if (!verdict) return what;
    const errors = counted(verdict.errors);
    return [what, errors.length ? errors.join(", ") : "no error"].filter(Boolean).join(": ");
  }

  // The class that is named, and the true one if that is another.
  #named(probabilities) {
    const best = probabilities.indexOf(Math.max(...probabilities));
    const truth = this.about.truth?.class ?? best;
    const other = truth === best ? "" : `, not ${this.names[truth]}`;
    return `${this.names[best]} ${percent(probabilities[best])}${other}`;
  }

  #list(isOwn) {
    const list = byId("changes");
    list.replaceChildren();
    const { answer } = this.reply;
    if (answer.landmarks) this.#landmarkRows(list, isOwn);
    else this.#numberRows(list, answer);
  }

  #landmarkRows(list, isOwn) {
    const before = this.about.answer.landmarks;
    const after = this.reply.answer.landmarks;
    const text = (one) => `${this.names[one.class]} ${percent(one.score)}`;
    for (const change of this.reply.changes) {
      const [old, now] = [before[change.before], after[change.after]];
      let words = text(old ?? now);
      if (change.kind === "moved") words = `${text(now)}, by ${change.distance_px.toFixed(1)} px`;
      if (change.kind === "class") words = `${text(old)} is now ${text(now)}`;
      if (change.kind === "score") words = `${text(old)} is now ${percent(now.score)}`;
      row(list, change.kind, words);
    }
    if (!list.children.length) row(list, "", isOwn ? "The map is the branch's own." : "Nothing changed.");
  }

  #numberRows(list, answer) {
    const key = answer.probabilities ? "probabilities" : "values";
    const [before, after] = [this.about.answer[key], answer[key]];
    const [told, least] = key === "values" ? [number, this.tolerance / 10] : [percent, 0.005];
    const order = after.map((value, at) => at);
    if (key === "probabilities") order.sort((one, other) => after[other] - after[one]);
    const shown = order.slice(0, ROWS);
    const named = this.about.truth?.class ?? shown[0];
    if (!shown.includes(named)) shown.push(named); // the true class, however unlikely it is held to be
    for (const at of shown) {
      const kind = Math.abs(after[at] - before[at]) < least ? "" : after[at] > before[at] ? "more" : "less";
      const value = this.about.truth?.values?.[at];
      const truth = this.about.truth?.class === at ? " (true)" : value === undefined ? "" : ` (true ${told(value)})`;
      row(list, kind, `${this.names[at]}${truth}: ${told(before[at])} → ${told(after[at])}`);
    }
  }

  draw() {
    if (!this.image || !this.reply) return;
    const rings = { before: new Map(), after: new Map() };
    for (const change of this.reply.changes ?? []) {
      const ring = RINGS[change.kind];
      if (ring && change.before >= 0) rings.before.set(change.before, ring);
      if (ring && change.after >= 0) rings.after.set(change.after, ring);
    }
    this.#picture(this.canvases.before, this.about.answer.landmarks ?? [], rings.before);
    this.#picture(this.canvases.after, this.reply.answer.landmarks ?? [], rings.after);
  }

  #picture(canvas, landmarks, rings) {
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    if (!width || !height) return;
    const { image } = this;
    const part = this.part ?? { x: 0, y: 0, width: image.width, height: image.height };
    const scale = Math.min(width / part.width, height / part.height);
    const left = (width - scale * part.width) / 2;
    const top = (height - scale * part.height) / 2;
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.save();
    context.beginPath();
    context.rect(left, top, scale * part.width, scale * part.height);
    context.clip();
    context.imageSmoothingEnabled = scale < 4;
    context.drawImage(
      image.bitmap, left - scale * part.x, top - scale * part.y, scale * image.width, scale * image.height,
    );
    const places = landmarks.map(({ point: [u, v] }) => [left + scale * (u + 0.5 - part.x), top + scale * (v + 0.5 - part.y)]);
    landmarks.forEach((one, at) => mark(context, ...places[at], one, rings.get(at)));
    const order = landmarks.map((one, at) => at).sort((one, other) => rings.has(other) - rings.has(one));
    const taken = []; // what changed has its text first
    for (const at of order) {
      const text = `${this.names[landmarks[at].class]} ${percent(landmarks[at].score)}`;
      label(context, ...places[at], landmarks[at], text, taken);
    }
    context.restore();
  }
}

function row(list, kind, words) {
  const item = document.createElement("li");
  if (kind) {
    const badge = document.createElement("b");
    badge.className = `kind ${kind}`;
    badge.textContent = kind;
    item.append(badge, " ");
  }
  item.append(words);
  list.append(item);
}
