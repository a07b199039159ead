// The question when somebody else has saved first. It is about one image.

import { day, say } from "./notices.js";

const byId = (id) => document.getElementById(id);

export class Conflict {
  // look(image, theirs): show the map that is there; mine(image, theirs): save over it
  constructor(look, mine) {
    this.about = null; // { image, theirs } while it is asked
    byId("look-theirs").addEventListener("click", () => this.#choose(look));
    byId("mine-on-top").addEventListener("click", () => this.#choose(mine));
    byId("conflict-later").addEventListener("click", () => byId("conflict").close());
    byId("conflict").addEventListener("close", () => (this.about = null));
  }

  ask(image, theirs) {
    this.about = { image, theirs };
    byId("conflict-text").textContent =
      `${theirs.who} saved revision ${theirs.revision} of the map of ${image.name} at ${day(theirs.when)}. ` +
      "Your strokes are kept. You may look at that map first; Undo then brings yours back.";
    byId("conflict").showModal();
  }

  // Another image is shown now.
  leave() {
    if (!this.about) return;
    const { image, theirs } = this.about;
    byId("conflict").close();
    say(`${image.name} was not saved: ${theirs.who} saved first. Your strokes are offered when it is opened again.`, true);
  }

  #choose(work) {
    const { image, theirs } = this.about;
    byId("conflict").close();
    work(image, theirs);
  }
}
