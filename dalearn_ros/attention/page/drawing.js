// Colours and marks that several canvases share.

// Viridis, whose brightness rises evenly, for grey-blind eyes too.
const STOPS = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];

// 256 pixels as ImageData has them, from attention 0 to 1.
export const colours = (() => {
  const found = new Uint8ClampedArray(256 * 4);
  for (let at = 0; at < 256; at += 1) {
    const place = (at / 255) * (STOPS.length - 1);
    const low = Math.min(STOPS.length - 2, Math.floor(place));
    const share = place - low;
    for (let c = 0; c < 3; c += 1) {
      found[4 * at + c] = STOPS[low][c] + (STOPS[low + 1][c] - STOPS[low][c]) * share;
    }
    found[4 * at + 3] = 255;
  }
  return new Uint32Array(found.buffer);
})();

export const classColour = (number) => `hsl(${(number * 137.5 + 20) % 360} 95% 62%)`;

// A label's outline, in pixels of the image whose corner is (0, 0).
export function outline(context, landmark, scale) {
  const corners = landmark.outline.length > 2 ? landmark.outline : [];
  const [u, v] = landmark.point;
  context.beginPath();
  corners.forEach(([x, y], at) => context[at ? "lineTo" : "moveTo"](x + 0.5, y + 0.5));
  if (corners.length) context.closePath();
  else context.arc(u + 0.5, v + 0.5, 5 / scale, 0, 2 * Math.PI);
  for (const [width, colour] of [[3, "#000b"], [1.5, landmark.ignore ? "#bbb" : "#fff"]]) {
    context.lineWidth = width / scale;
    context.strokeStyle = colour;
    context.setLineDash(landmark.ignore ? [3 / scale, 3 / scale] : []);
    context.stroke();
  }
  context.setLineDash([]);
}

// A recognised landmark: a cross at (x, y) of the canvas; ring: a colour round it.
export function mark(context, x, y, landmark, ring) {
  for (const [width, stroke] of [[4, "#000c"], [2, classColour(landmark.class)]]) {
    context.lineWidth = width;
    context.strokeStyle = stroke;
    context.beginPath();
    context.moveTo(x - 6, y);
    context.lineTo(x + 6, y);
    context.moveTo(x, y - 6);
    context.lineTo(x, y + 6);
    context.stroke();
  }
  if (!ring) return;
  context.lineWidth = 2.5;
  context.strokeStyle = ring;
  context.beginPath();
  context.arc(x, y, 10, 0, 2 * Math.PI);
  context.stroke();
}

// Its text beside it, at the first of four places that no other text has; none if all have one.
export function label(context, x, y, landmark, text, taken) {
  context.font = "600 11px system-ui, sans-serif";
  const width = context.measureText(text).width + 4;
  const room = context.canvas.clientWidth;
  for (const [left, top] of [[x + 9, y - 15], [x + 9, y + 2], [x - 9 - width, y - 15], [x - 9 - width, y + 2]]) {
    const hits = (one) => left < one.right && left + width > one.left && top < one.top + 14 && top + 14 > one.top;
    if (left < 0 || left + width > room || taken.some(hits)) continue;
    taken.push({ left, right: left + width, top });
    context.fillStyle = "#000b";
    context.fillRect(left, top, width, 14);
    context.fillStyle = classColour(landmark.class);
    context.fillText(text, left + 2, top + 11);
    return;
  }
}
