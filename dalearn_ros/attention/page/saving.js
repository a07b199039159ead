// Saving the map of the image at hand, and what is done if somebody else has saved first.

import * as api from "./api.js";
import { Conflict } from "./conflict.js";
import * as drafts from "./drafts.js";
import { notice, say } from "./notices.js";

const byId = (id) => document.getElementById(id);

// Where the cells of a saved map are from: a map drawn elsewhere stays one.
export const originOf = (edit) => (edit.made === "imported" ? "a file" : "");

export class Saving {
  // editor: it has the image and its map
  constructor(editor) {
    this.editor = editor;
    this.conflict = new Conflict((image, theirs) => this.#lookAtTheirs(image, theirs), (image, theirs) => this.#mineOnTop(image, theirs));
  }

  // Another image is shown now.
  leave() {
    this.conflict.leave();
  }

  // True if it was saved.
  async save() {
    const { editor } = this;
    const { image, unsaved } = editor;
    if (!image || image.saving) return false;
    const who = byId("who").value.trim();
    if (!who) {
      byId("who").focus();
      say("Write your name first: each corrected map says who made it.", true);
      return false;
    }
    image.saving = true;
    editor.state();
    const { cells, digest, revision, opening } = image;
    const values = cells.values.slice();
    const imported = Boolean(cells.origin);
    try {
      const { edit } = await api.save(image.index, { digest, revision, who, note: byId("note").value, imported }, values);
      await unsaved.kept;
      image.revision = edit.revision;
      image.edit = edit;
      image.edit_problem = ""; // of a damaged one that was there
      cells.saved = values;
      const isShown = image === editor.image;
      if (isShown || !cells.changed) drafts.dropOwn({ digest, revision, opening });
      if (isShown && cells.changed) editor.changed(); // painted meanwhile: kept under the new revision
      say(`Saved: revision ${edit.revision} of ${image.name}.`);
      if (isShown) editor.tell(image);
      editor.queue.refresh();
      return true;
    } catch (error) {
      await this.#refused(image, error);
      return false;
    } finally {
      image.saving = false;
      editor.state();
    }
  }

  async #refused(image, error) {
    const { editor } = this;
    const isShown = image === editor.image;
    const theirs = error.content?.edit;
    if (isShown && theirs) return this.conflict.ask(image, theirs);
    if (isShown && error.status === 409) return this.#deleted(image);
    editor.problem(new Error(`${error.message} Nothing is lost: your strokes are still here.`));
    if (isShown && error.status === 412) editor.stale = true;
  }

  // The map that was seen is there no more: the next save makes the first of the image.
  async #deleted(image) {
    const { editor } = this;
    const { cells, digest, revision, opening } = image;
    Object.assign(image, { revision: 0, edit: null });
    cells.saved = cells.branch.slice();
    editor.changed(); // kept under the new revision
    editor.tell(image);
    say(`Not saved: the map of ${image.name} was deleted meanwhile. Your strokes are still here; Save makes a new map of them.`, true);
    if (await editor.unsaved.kept) drafts.dropOwn({ digest, revision, opening });
  }

  async #lookAtTheirs(image, theirs) {
    const { editor } = this;
    if (image !== editor.image) return;
    const values = await editor.serverMap("edit", { resample: !theirs.fits });
    if (!values) return;
    image.revision = theirs.revision; // one's own strokes stay kept under the one before
    image.edit = theirs;
    image.edit_problem = "";
    image.cells.replace(values, originOf(theirs));
    image.cells.saved = values;
    byId("note").value ||= theirs.note;
    editor.changed();
    editor.tell(image);
    notice("This is their map. Undo brings yours back; Save then puts it on top.");
  }

  async #mineOnTop(image, theirs) {
    if (image !== this.editor.image) return;
    const { digest, revision, opening } = image;
    image.revision = theirs.revision;
    if (await this.save()) drafts.dropOwn({ digest, revision, opening });
  }
}
