// What is painted and not saved: kept after every change, and offered when the image is opened again.

import { equal } from "./cells.js";
import * as drafts from "./drafts.js";
import { day, notice, say } from "./notices.js";

export class Unsaved {
  // isShown(image): whether it is the one at hand; restore(draft): put it in place of the present map
  constructor(isShown, restore) {
    Object.assign(this, { isShown, restore, weights: "", told: false });
    this.kept = Promise.resolve(true); // whether the newest strokes are kept, or saved
  }

  // weights: of the model that maps are seen with
  begin(weights) {
    this.weights = weights;
    drafts.tidy();
  }

  // Keep an image's strokes; those of this opening go if it has none that are not saved.
  keep({ digest, revision, opening, cells }) {
    const { rows, columns, origin, changed } = cells;
    const draft = { weights: this.weights, rows, columns, origin, values: cells.values.slice() };
    this.kept = this.kept.then(async () => {
      if (!changed) await drafts.dropOwn({ digest, revision, opening });
      const done = !changed || (await drafts.keep({ digest, revision, opening }, draft));
      if (!done && !this.told) {
        this.told = true;
        say("This browser keeps nothing: strokes that are not saved are lost on a reload.", true);
      }
      return done;
    });
  }

  async offer(image) {
    await this.kept;
    const found = await drafts.find(image.digest);
    if (!this.isShown(image)) return;
    for (const draft of found) {
      if (drafts.isOwn(draft, image)) continue; // painted meanwhile
      if (equal(draft.values, image.cells.saved)) {
        drafts.drop(draft);
        continue;
      }
      const { rows, columns } = image.cells;
      const fits = draft.rows === rows && draft.columns === columns;
      const since = draft.revision === image.revision ? "" : " The saved map has changed since.";
      const model = draft.weights === this.weights ? "" : " They were made with another model.";
      const sentence = `Unsaved strokes of ${day(draft.when)} are kept here.${since}${model}`;
      const restore = ["Restore them", () => this.#restored(draft)];
      const discard = ["Discard them", () => drafts.drop(draft)];
      if (fits) notice(sentence, [restore, discard], "draft");
      else notice(`${sentence} They are on a map of other cells.`, [discard], "draft");
    }
  }

  // It is kept anew under the present revision; the old one goes only if that was done.
  #restored(draft) {
    this.restore(draft);
    this.kept = this.kept.then(async (done) => {
      if (done) await drafts.drop(draft);
      return done;
    });
  }
}
