// One image after the other: its map, the answer under it, saving it, and what must not be lost.

import * as api from "./api.js";
import { Cells } from "./cells.js";
import * as drafts from "./drafts.js";
import { Live } from "./live.js";
import { clearNotices, day, notice, say } from "./notices.js";
import { Results } from "./results.js";
import { originOf, Saving } from "./saving.js";
import { Stage } from "./stage.js";
import { Unsaved } from "./unsaved.js";

const byId = (id) => document.getElementById(id);

export class Editor {
  constructor(queue) {
    this.queue = queue;
    this.stage = new Stage(byId("stage"));
    this.results = new Results();
    this.live = new Live((image, reply, took) => this.#answered(image, reply, took), (image, error) => this.#unanswered(image, error));
    this.image = null;
    this.stale = false; // the image's file has changed
    this.unsaved = new Unsaved((image) => image === this.image, (draft) => this.#replace(draft.values, draft.origin));
    this.saving = new Saving(this);
    this.stage.onview = () => {
      if (!this.image) return;
      this.results.part = this.stage.visible();
      this.results.draw();
    };
  }

  begin(about) {
    this.about = about;
    this.results.names = about.names;
    this.results.tolerance = about.value_tolerance;
    byId("warning").hidden = about.can_suppress;
    byId("warning").textContent =
      `This model's map is added to the features (${about.synthesis}): erasing takes nothing away, ` +
      "so it cannot suppress what the model sees. Adding attention still has an effect.";
    this.unsaved.begin(about.weights);
  }

  // Say what failed; an image whose file has changed is opened anew by the next choice.
  problem(error) {
    if (error.status === 412) this.stale = true;
    say(error.message, true);
  }

  async open(index) {
    this.opening?.abort();
    byId("work").removeAttribute("aria-busy");
    if (index === this.image?.index && !this.stale) return this.queue.mark(index);
    this.opening = new AbortController();
    const { signal } = this.opening;
    this.cancelStroke();
    byId("stage-text").textContent = this.image ? "" : "The model looks at the image.";
    byId("work").setAttribute("aria-busy", "true");
    try {
      const about = await api.look(index, signal);
      const parts = [api.picture(index, signal), api.map(index, "branch", { signal })];
      const fits = about.edit?.fits;
      if (fits) parts.push(api.map(index, "edit", { signal }));
      const [bitmap, branch, edit] = await Promise.all(parts);
      if (!signal.aborted) this.#show(about, bitmap, branch, edit ?? null);
    } catch (error) {
      if (error.name === "AbortError") return;
      this.problem(error);
      this.queue.refresh();
    } finally {
      if (!signal.aborted) byId("work").removeAttribute("aria-busy");
    }
  }

  #show(about, bitmap, branch, edit) {
    this.endStroke(); // one that was begun while the image was on its way
    this.image?.bitmap.close();
    this.stale = false;
    this.saving.leave();
    const [width, height] = about.size;
    const cells = new Cells(...about.cells, ...about.covered, branch);
    if (edit) cells.open(edit, originOf(about.edit));
    this.image = { ...about, bitmap, width, height, cells, revision: about.edit?.revision ?? 0 };
    this.image.opening = drafts.freshName();
    byId("image-name").textContent = `${about.name}, ${width} x ${height}`;
    byId("note").value = about.edit?.note ?? "";
    byId("propose").disabled = !about.proposes;
    byId("stage-text").textContent = "";
    drafts.remember(`last ${this.about.data}`, about.index);
    this.live.forget();
    this.stage.show(this.image, cells, about.truth?.landmarks);
    this.results.open(about, this.image);
    this.queue.mark(about.index);
    this.tell(about);
    this.unsaved.offer(this.image);
    this.changed(false);
  }

  // Notices about the image and its corrected map.
  tell({ edit, edit_problem: damage, size, network }) {
    clearNotices();
    if (damage) notice(`The corrected map there cannot be read: ${damage}`, [], "error");
    if (network[0] !== size[0]) {
      notice(`The model sees this image reduced to ${network[0]} x ${network[1]} pixels.`);
    }
    if (!edit) return;
    const model = edit.same_model ? "" : `, with another model (${edit.other_model || "unknown"})`;
    const from = `Corrected by ${edit.who}, ${day(edit.when)}, revision ${edit.revision}${model}.`;
    if (edit.fits) return notice(from);
    const sentence = `${from} It has ${edit.cells.join(" x ")} cells and does not fit this model.`;
    notice(sentence, [["Resample it", () => this.#load("edit", { resample: true }, originOf(edit))]]);
  }

  // One that is open ends: a key may paint while the mouse does.
  beginStroke(target, size, softness) {
    this.endStroke();
    this.image?.cells.begin(target, size, softness);
  }

  drawTo(x, y) {
    const cells = this.image?.cells;
    if (!cells?.stroke) return;
    cells.drawTo(x, y);
    this.stage.draw();
    this.#answer();
  }

  endStroke() {
    if (this.image?.cells.end()) this.changed();
  }

  cancelStroke() {
    if (!this.image?.cells.stroke) return;
    this.image.cells.cancel();
    this.changed();
  }

  undo() {
    if (this.image?.cells.undo()) this.changed();
  }

  redo() {
    if (this.image?.cells.redo()) this.changed();
  }

  reset() {
    if (this.image) this.#replace(this.image.cells.branch);
  }

  empty() {
    if (this.image) this.#replace(new Float32Array(this.image.cells.values.length));
  }

  // A map drawn elsewhere: a grey picture of the whole image, white is attention.
  async load(file) {
    const { image } = this;
    if (!image || !file) return;
    try {
      const values = await api.drawn(image.index, file);
      if (image !== this.image || !this.#replace(values, file.name)) return;
      byId("note").value ||= `from ${file.name}`;
    } catch (error) {
      this.problem(error);
    }
  }

  async propose() {
    if (!this.image?.proposes) return say("The image has no labels; there is nothing to propose.");
    await this.#load("proposal");
  }

  // Put a map of the server's in place of the present one, as a step that can be undone.
  async #load(name, options = {}, origin = "") {
    const values = await this.serverMap(name, options);
    if (values) this.#replace(values, origin);
  }

  // A map of the server's; null if there is none, or another image is shown by now.
  async serverMap(name, options) {
    const { image } = this;
    try {
      const values = await api.map(image.index, name, options);
      return image === this.image ? values : null;
    } catch (error) {
      this.problem(error);
      return null;
    }
  }

  #replace(values, origin = "") {
    const done = this.image.cells.replace(values, origin);
    if (done) this.changed();
    return done;
  }

  // After every change: draw, ask for the answer, keep what is not saved.
  changed(keep = true) {
    this.stage.draw();
    this.#answer();
    this.state();
    if (keep) this.unsaved.keep(this.image);
  }

  #answer() {
    const { image } = this;
    if (image.cells.differs) return this.live.ask(image, image.cells.values);
    this.live.forget();
    this.results.show(null);
  }

  #answered(image, reply, took) {
    if (image === this.image && image.cells.differs) this.results.show(reply, took);
  }

  // What is shown may be another map's answer.
  #unanswered(image, error) {
    this.problem(error);
    if (image === this.image && image.cells.differs) this.results.none();
  }

  // Buttons, and the word beside them, as the image is now.
  state() {
    const { cells, saving } = this.image;
    byId("undo").disabled = !cells.past.length;
    byId("redo").disabled = !cells.future.length;
    byId("save").disabled = byId("save-next").disabled = Boolean(saving);
    byId("state").textContent = saving ? "Saving" : cells.changed ? "Not saved" : this.image.revision ? "Saved" : "";
  }
}
