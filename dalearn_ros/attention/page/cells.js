// The map's cells, the brush on them, and undo. Cells are float32, row by row; what no stroke
// touches keeps its value bit by bit.

const HISTORY_BYTES = 64e6;

export class Cells {
  // rows, columns: of the map; width, height: pixels of the image that it covers;
  // branch: the map that the branch made, to which reset goes back.
  constructor(rows, columns, width, height, branch) {
    Object.assign(this, { rows, columns, branch });
    this.cellWidth = width / columns;
    this.cellHeight = height / rows;
    this.values = branch.slice();
    this.saved = branch.slice();
    this.origin = ""; // the file that the map was loaded from, or none
    this.past = [];
    this.future = [];
    this.stroke = null;
  }

  get changed() {
    return !equal(this.values, this.saved);
  }

  get differs() {
    return !equal(this.values, this.branch);
  }

  // Another map as a whole, such as an empty one: a step that can be undone.
  replace(values, origin = "") {
    this.end();
    if (equal(values, this.values)) return false;
    this.#step(this.values);
    this.values = values.slice();
    this.origin = origin;
    return true;
  }

  // The map as it was opened, or as it is on the server now.
  open(values, origin = "") {
    this.values = values.slice();
    this.origin = origin;
    this.saved = values.slice();
    this.past = [];
    this.future = [];
  }

  undo() {
    return this.#move(this.past, this.future);
  }

  redo() {
    return this.#move(this.future, this.past);
  }

  // A stroke: target: the value that it sets; size in cells; softness 0 to 1: the share of the brush's
  // radius over which it fades.
  begin(target, size, softness) {
    this.stroke = { target, softness, before: this.values.slice(), last: null };
    this.stroke.radius = (size / 2) * Math.sqrt(this.cellWidth * this.cellHeight);
    this.stroke.cover = new Float32Array(this.values.length);
  }

  // Draw it on to (x, y), pixels of the image, its corner at (0, 0).
  drawTo(x, y) {
    const from = this.stroke.last ?? { x, y };
    const step = Math.max(0.5 * Math.min(this.cellWidth, this.cellHeight), 0.25 * this.stroke.radius);
    const count = Math.max(1, Math.ceil(Math.hypot(x - from.x, y - from.y) / step));
    for (let at = 1; at <= count; at += 1) {
      this.#stamp(from.x + ((x - from.x) * at) / count, from.y + ((y - from.y) * at) / count);
    }
    this.stroke.last = { x, y };
  }

  end() {
    const before = this.stroke?.before;
    this.stroke = null;
    if (!before || equal(before, this.values)) return false;
    this.#step(before);
    return true;
  }

  // As if it had never begun.
  cancel() {
    if (this.stroke) this.values = this.stroke.before;
    this.stroke = null;
  }

  #stamp(x, y) {
    const { radius, softness, cover, before, target } = this.stroke;
    const [column, row] = [Math.floor(x / this.cellWidth), Math.floor(y / this.cellHeight)];
    const [right, down] = [Math.ceil(radius / this.cellWidth), Math.ceil(radius / this.cellHeight)];
    for (let r = Math.max(0, row - down); r <= Math.min(this.rows - 1, row + down); r += 1) {
      for (let c = Math.max(0, column - right); c <= Math.min(this.columns - 1, column + right); c += 1) {
        const dx = (c + 0.5) * this.cellWidth - x;
        const dy = (r + 0.5) * this.cellHeight - y;
        const here = r === row && c === column;
        const share = here ? 1 : coverage(Math.hypot(dx, dy) / radius, softness);
        const at = r * this.columns + c;
        if (share <= cover[at]) continue;
        cover[at] = share;
        this.values[at] = share >= 1 ? target : before[at] + (target - before[at]) * share;
      }
    }
  }

  #step(before) {
    this.past.push({ values: before, origin: this.origin });
    this.future = [];
    while (this.past.length > 1 && this.past.length * this.values.byteLength > HISTORY_BYTES) {
      this.past.shift();
    }
  }

  #move(from, to) {
    if (!from.length || this.stroke) return false;
    to.push({ values: this.values, origin: this.origin });
    Object.assign(this, from.pop());
    return true;
  }
}

// How much of a cell a brush takes whose centre lies `distance` radii away: 1 inside, then a
// smooth fall over the soft rim.
function coverage(distance, softness) {
  if (distance >= 1) return 0;
  const hard = 1 - softness;
  if (distance <= hard) return 1;
  const fall = (distance - hard) / softness;
  return 1 - fall * fall * (3 - 2 * fall);
}

export function equal(one, other) {
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at += 1) if (one[at] !== other[at]) return false;
  return true;
}
