// The big canvas: the image under its map, side by side with it, or the map alone; zoom and move.

import { colours, outline } from "./drawing.js";

const LARGEST_ZOOM = 40; // screen pixels an image pixel
const EDGE = 20; // CSS pixels from it that are still well seen

export class Stage {
  constructor(canvas) {
    Object.assign(this, { canvas, image: null, cells: null, truth: null, showTruth: true });
    Object.assign(this, { mode: "over", opacity: 0.5, brush: null, scale: 1, left: 0, top: 0 });
    this.fitted = true;
    this.held = null;
    this.mapCanvas = document.createElement("canvas");
    this.onview = () => {};
    new ResizeObserver(() => this.#resize()).observe(canvas);
  }

  // image: {bitmap, width, height}; bitmap may be smaller than the width and height it stands for.
  show(image, cells, truth) {
    Object.assign(this, { image, cells, truth });
    this.mapCanvas.width = cells.columns;
    this.mapCanvas.height = cells.rows;
    this.fit();
  }

  // Where images are drawn: one place, or two side by side (one above the other if upright).
  panes() {
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    if (this.mode !== "beside") {
      return [{ x: 0, y: 0, width, height, image: this.mode !== "map", map: true }];
    }
    const wide = width > 1.2 * height;
    const size = wide ? { width: width / 2 - 2, height } : { width, height: height / 2 - 2 };
    const second = wide ? { x: width / 2 + 2, y: 0 } : { x: 0, y: height / 2 + 2 };
    return [{ x: 0, y: 0, ...size, image: true, map: false }, { ...second, ...size, image: false, map: true }];
  }

  fit() {
    if (!this.image) return;
    const [pane] = this.panes();
    this.scale = Math.min(pane.width / this.image.width, pane.height / this.image.height) || 1;
    this.smallest = this.scale;
    this.left = (pane.width - this.scale * this.image.width) / 2;
    this.top = (pane.height - this.scale * this.image.height) / 2;
    this.fitted = true;
    this.draw();
  }

  // Zoom about a place on the canvas, CSS pixels.
  zoom(factor, x, y) {
    if (!this.image) return;
    const pane = this.#paneAt(x, y);
    const scale = Math.min(LARGEST_ZOOM, Math.max(this.smallest, this.scale * factor));
    if (scale <= this.smallest) return this.fit();
    const [inX, inY] = [x - pane.x, y - pane.y];
    this.left = inX - ((inX - this.left) * scale) / this.scale;
    this.top = inY - ((inY - this.top) * scale) / this.scale;
    this.scale = scale;
    this.fitted = false;
    this.move(0, 0);
  }

  // Move the picture, CSS pixels; it cannot be lost beyond the canvas.
  move(dx, dy) {
    if (!this.image) return;
    const [pane] = this.panes();
    const along = (start, size, room) => {
      if (size <= room) return (room - size) / 2;
      return Math.min(0.5 * room, Math.max(0.5 * room - size, start));
    };
    this.left = along(this.left + dx, this.scale * this.image.width, pane.width);
    this.top = along(this.top + dy, this.scale * this.image.height, pane.height);
    this.draw();
  }

  // Move the picture as little as shows a place in it, pixels of the image.
  reveal(x, y) {
    if (this.fitted) return this.draw();
    const [pane] = this.panes();
    const beyond = (at, room) => Math.max(0, EDGE - at) + Math.min(0, room - EDGE - at);
    this.move(beyond(this.left + x * this.scale, pane.width), beyond(this.top + y * this.scale, pane.height));
  }

  // Pixels of the image, its corner at (0, 0), of a place on the canvas.
  toImage(x, y) {
    const pane = this.#paneAt(x, y);
    return { x: (x - pane.x - this.left) / this.scale, y: (y - pane.y - this.top) / this.scale };
  }

  // The part of the image that is seen, pixels of the image.
  visible() {
    const [pane] = this.panes();
    const x = Math.max(0, -this.left / this.scale);
    const y = Math.max(0, -this.top / this.scale);
    const right = Math.min(this.image.width, (pane.width - this.left) / this.scale);
    const bottom = Math.min(this.image.height, (pane.height - this.top) / this.scale);
    return { x, y, width: Math.max(1, right - x), height: Math.max(1, bottom - y) };
  }

  draw() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.#draw();
    });
  }

  #draw() {
    const context = this.canvas.getContext("2d");
    const ratio = this.canvas.width / Math.max(1, this.canvas.clientWidth);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (!this.image) return;
    this.#paintMap();
    for (const pane of this.panes()) {
      context.save();
      context.setTransform(ratio, 0, 0, ratio, ratio * pane.x, ratio * pane.y);
      context.beginPath();
      context.rect(0, 0, pane.width, pane.height);
      context.clip();
      context.translate(this.left, this.top);
      context.scale(this.scale, this.scale);
      this.#drawPane(context, pane);
      context.restore();
    }
    this.onview();
  }

  #drawPane(context, pane) {
    const { image, cells } = this;
    context.save();
    context.beginPath();
    context.rect(0, 0, image.width, image.height);
    context.clip();
    context.imageSmoothingEnabled = this.scale < 4;
    if (pane.image) context.drawImage(image.bitmap, 0, 0, image.width, image.height);
    if (pane.map) {
      context.globalAlpha = this.mode === "over" ? this.opacity : 1;
      context.imageSmoothingEnabled = false;
      const [width, height] = [cells.columns * cells.cellWidth, cells.rows * cells.cellHeight];
      context.drawImage(this.mapCanvas, 0, 0, width, height);
      context.globalAlpha = 1;
    }
    context.restore();
    if (this.showTruth && this.truth) {
      for (const one of this.truth) outline(context, one, this.scale);
    }
    if (this.brush) this.#drawBrush(context);
  }

  #drawBrush(context) {
    const { x, y, size, softness } = this.brush;
    const radius = (size / 2) * Math.sqrt(this.cells.cellWidth * this.cells.cellHeight);
    for (const [width, colour] of [[3, "#000a"], [1.5, "#fff"]]) {
      context.lineWidth = width / this.scale;
      context.strokeStyle = colour;
      for (const share of softness > 0 ? [1, 1 - softness] : [1]) {
        context.beginPath();
        context.arc(x, y, Math.max(radius * share, 1 / this.scale), 0, 2 * Math.PI);
        context.stroke();
      }
    }
  }

  #paintMap() {
    const context = this.mapCanvas.getContext("2d");
    const pixels = context.createImageData(this.cells.columns, this.cells.rows);
    const words = new Uint32Array(pixels.data.buffer);
    const { values } = this.cells;
    for (let at = 0; at < words.length; at += 1) words[at] = colours[Math.round(255 * values[at])];
    context.putImageData(pixels, 0, 0);
  }

  // Places on the canvas are taken as those of the pane at one of them until this is let go.
  hold(x, y) {
    this.held = null;
    this.held = this.#paneAt(x, y);
  }

  letGo() {
    this.held = null;
  }

  #paneAt(x, y) {
    if (this.held) return this.held;
    const panes = this.panes();
    const inside = (pane) => x >= pane.x && x < pane.x + pane.width && y >= pane.y && y < pane.y + pane.height;
    return panes.find(inside) ?? panes[0];
  }

  #resize() {
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    this.canvas.width = Math.max(1, Math.round(this.canvas.clientWidth * ratio));
    this.canvas.height = Math.max(1, Math.round(this.canvas.clientHeight * ratio));
    if (this.fitted) this.fit();
    else this.move(0, 0);
  }
}
