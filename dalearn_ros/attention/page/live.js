// Answers under the map while it is painted: one request at a time, always of the newest map.

import * as api from "./api.js";

export class Live {
  // onAnswer(image, reply, milliseconds); onProblem(image, error)
  constructor(onAnswer, onProblem) {
    Object.assign(this, { onAnswer, onProblem, wanted: null, busy: false });
  }

  // Ask for the answer of an image under a map; what was wanted before and not sent is dropped.
  ask(image, values) {
    this.wanted = { image, values: values.slice() };
    if (!this.busy) this.#send();
  }

  forget() {
    this.wanted = null;
  }

  async #send() {
    this.busy = true;
    while (this.wanted) {
      const { image, values } = this.wanted;
      this.wanted = null;
      const begun = performance.now();
      try {
        const reply = await api.answer(image.index, image.digest, values);
        if (reply) this.onAnswer(image, reply, performance.now() - begun);
      } catch (error) {
        this.onProblem(image, error);
      }
    }
    this.busy = false;
  }
}
