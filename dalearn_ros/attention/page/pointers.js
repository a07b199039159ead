// Mouse, pen and fingers on the stage: one paints, two fingers (or the right button, or the move
// tool) move and zoom. While a pen or mouse is down a hand beside it does nothing.

// actions: begin(x, y), draw(x, y), end(), cancel(), hover(x, y) or hover(null), move(dx, dy),
// zoom(factor, x, y), moves(): whether one finger moves; places in CSS pixels of the canvas.
export function listen(canvas, actions) {
  const down = new Map(); // pointer to its place, and whether it is a finger
  let doing = ""; // "paint", "move", "pinch" or nothing
  let spread = null;

  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    const touch = event.pointerType === "touch";
    return { x: event.clientX - box.left, y: event.clientY - box.top, touch };
  };

  const pinch = () => {
    const [one, other] = [...down.values()];
    return {
      x: (one.x + other.x) / 2,
      y: (one.y + other.y) / 2,
      size: Math.max(1, Math.hypot(one.x - other.x, one.y - other.y)),
    };
  };

  const finish = (keep) => {
    if (doing === "paint") actions[keep ? "end" : "cancel"]();
    doing = "";
  };

  canvas.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    canvas.focus({ preventScroll: true });
    const here = place(event);
    const fine = [...down.values()].some((one) => !one.touch); // a mouse or pen is down
    if (here.touch && fine) return; // a palm beside the pen
    if (!here.touch) {
      finish(fine); // a palm that was there first paints nothing
      down.clear(); // a mouse or pen has one place only
    }
    down.set(event.pointerId, here);
    try {
      canvas.setPointerCapture(event.pointerId);
    } catch {
      // it has gone already
    }
    if (down.size === 1) {
      const moves = event.button > 0 || actions.moves();
      doing = moves ? "move" : "paint";
      if (!moves) actions.begin(here.x, here.y);
    } else if (down.size === 2) {
      finish(false);
      actions.hover(null);
      doing = "pinch";
      spread = pinch();
    }
  });

  canvas.addEventListener("pointermove", (event) => {
    const now = place(event);
    if (event.pointerType !== "touch") actions.hover(now.x, now.y);
    const before = down.get(event.pointerId);
    if (!before) return;
    down.set(event.pointerId, now);
    if (doing === "paint") {
      const every = event.getCoalescedEvents?.() ?? [];
      for (const one of every.length ? every : [event]) actions.draw(place(one).x, place(one).y);
      actions.hover(now.x, now.y);
    } else if (doing === "move") {
      actions.move(now.x - before.x, now.y - before.y);
    } else if (doing === "pinch" && down.size >= 2) {
      const next = pinch();
      actions.move(next.x - spread.x, next.y - spread.y);
      actions.zoom(next.size / spread.size, next.x, next.y);
      spread = next;
    }
  });

  const up = (event) => {
    if (!down.delete(event.pointerId)) return;
    if (doing !== "pinch" || !down.size) finish(event.type !== "pointercancel");
    if (event.pointerType === "touch") actions.hover(null);
  };
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointercancel", up);
  canvas.addEventListener("lostpointercapture", up); // such as to a dialog
  canvas.addEventListener("pointerleave", () => down.size || actions.hover(null));
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const lines = event.deltaMode ? 30 : 1;
      const { x, y } = place(event);
      actions.zoom(Math.exp((-event.deltaY * lines) / 400), x, y);
    },
    { passive: false },
  );
}
