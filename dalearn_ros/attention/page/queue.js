// The list of images: filters, progress, choosing one, next and previous.

import * as api from "./api.js";
import { counted } from "./notices.js";

const POLL_MS = 1500;
const byId = (id) => document.getElementById(id);

export class Queue {
  // choose(index): an image was chosen; problem(error)
  constructor(choose, problem) {
    Object.assign(this, { choose, problem, rows: [], current: null, place: 0, names: [] });
    Object.assign(this, { asked: 0, wanted: 1, matching: 0, reading: null });
    byId("filters").addEventListener("input", () => this.#want(1));
    byId("filters").addEventListener("submit", (event) => event.preventDefault());
    byId("more").addEventListener("click", () => this.#want(this.rows.length + 1));
  }

  begin(about) {
    this.names = about.names;
    const form = byId("filters").elements;
    about.names.forEach((name, at) => form.class.add(new Option(name, at)));
    if (!about.labelled) {
      form.branch.value = "all";
      for (const name of ["branch", "error", "class"]) form[name].parentElement.hidden = true;
    }
    return this.refresh();
  }

  // How many rows are to be shown at least, in the server's portions.
  #want(count) {
    this.wanted = count;
    return this.refresh();
  }

  // Read the list anew, as much of it as is shown; true if that was done.
  refresh(quiet = false) {
    this.reading = this.#read(quiet);
    return this.reading;
  }

  // If the list is asked for again meanwhile, that reading counts.
  async #read(quiet) {
    byId("below-shown").value = Number(byId("filters").elements.below.value).toFixed(2);
    const asked = (this.asked += 1);
    clearTimeout(this.timer);
    const filter = Object.fromEntries(new FormData(byId("filters")));
    const rows = new Map(); // by index: the list may move on between two portions
    let found;
    try {
      let from = 0;
      do {
        found = await api.queue({ ...filter, from });
        if (asked !== this.asked) return this.reading;
        for (const row of found.rows) rows.set(row.index, row);
        from += found.rows.length;
      } while (found.rows.length && from < Math.min(this.wanted, found.matching));
    } catch (error) {
      if (asked !== this.asked) return this.reading;
      if (!quiet) this.problem(error);
      this.timer = setTimeout(() => this.refresh(true), 3 * POLL_MS);
      return false;
    }
    this.rows = [...rows.values()];
    this.matching = found.matching;
    this.#draw(found);
    const { images, judged } = found.counts;
    if (judged < images) this.timer = setTimeout(() => this.refresh(true), POLL_MS);
    return true;
  }

  // An image was opened.
  mark(index) {
    this.current = index;
    this.#point();
    byId("rows").querySelector("[aria-current=true]")?.scrollIntoView({ block: "nearest" });
  }

  #point() {
    const place = this.rows.findIndex((row) => row.index === this.current);
    if (place >= 0) this.place = place;
    for (const button of byId("rows").querySelectorAll("button")) {
      button.setAttribute("aria-current", String(Number(button.dataset.index) === this.current));
    }
  }

  // The image some steps on in the list, of which more is read if need be; null: there is none;
  // undefined: the list could not be read.
  async neighbour(step) {
    const isMore = this.#at(step) >= this.rows.length && this.rows.length < this.matching;
    if (isMore && !(await this.#want(this.rows.length + 1))) return undefined;
    return this.rows[this.#at(step)]?.index ?? null;
  }

  // The place some steps on.
  #at(step) {
    const place = this.rows.findIndex((row) => row.index === this.current);
    const gone = place < 0; // it has left the list, such as after it was corrected
    return gone ? this.place + Math.min(step, 0) + (step > 0 ? step - 1 : 0) : place + step;
  }

  #draw(found) {
    const list = byId("rows");
    const focused = document.activeElement?.dataset?.index;
    list.replaceChildren(...(this.rows.length ? this.rows.map((row) => this.#row(row)) : [this.#none(found)]));
    if (focused !== undefined) list.querySelector(`[data-index="${focused}"]`)?.focus({ preventScroll: true });
    byId("more").hidden = this.rows.length >= found.matching;
    const { images, judged, misrecognised, edited, edited_right: right } = found.counts;
    const progress = judged < images ? `${judged} of ${images} judged` : `${images} images`;
    const corrected = edited ? `, ${edited} corrected${right ? ` (${right} of them were recognised)` : ""}` : "";
    byId("counts").textContent = `${found.matching} listed; ${progress}, ${misrecognised} misrecognised${corrected}.`;
    Object.assign(byId("judged"), { max: images, value: judged, hidden: judged >= images });
    this.#problems(found);
    if (this.current !== null) this.#point();
  }

  #row(entry) {
    const button = document.createElement("button");
    button.dataset.index = entry.index;
    const name = document.createElement("span");
    name.className = "name";
    name.textContent = entry.name.replace(/^images\//, "");
    button.append(name);
    const about = document.createElement("span");
    about.className = "about";
    const errors = counted(entry.verdict?.errors ?? {});
    if (entry.verdict?.branches.includes("attention")) errors.push("attention branch wrong");
    if (entry.score !== null) errors.push(`score ${entry.score.toFixed(2)}`);
    about.textContent = errors.join(", ");
    if (entry.edited) {
      const done = document.createElement("span");
      done.className = "done";
      done.textContent = "corrected";
      about.prepend(done, " ");
    }
    button.append(about);
    button.addEventListener("click", () => this.choose(entry.index));
    const item = document.createElement("li");
    item.append(button);
    return item;
  }

  #none(found) {
    const item = document.createElement("li");
    const more = found.counts.judged < found.counts.images;
    item.textContent = more ? "None found yet." : "No image is like that; choose other filters.";
    item.className = "none";
    return item;
  }

  #problems(found) {
    const box = byId("problems");
    box.hidden = !found.problem_count;
    box.querySelector("summary").textContent = `${found.problem_count} cannot be used`;
    box.querySelector("ul").replaceChildren(
      ...found.problems.map((entry) => {
        const item = document.createElement("li");
        item.textContent = entry.problem;
        return item;
      }),
    );
  }
}
