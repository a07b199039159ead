// Keys and what they do; the help shows the same list.

// actions: name to function. Nothing is taken from someone who types into a field.
export function listen(actions, stage) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey || document.querySelector("dialog[open]")) return;
    const field = event.target.closest?.("input:not([type=range]), select, textarea");
    if (field) return;
    // A button that holds the focus would be pressed over and over by Enter.
    if (event.repeat && event.key === "Enter" && event.target.closest?.("button")) return event.preventDefault();
    const name = nameOf(event, event.target === stage);
    if (!name) return;
    event.preventDefault();
    if (event.repeat && !REPEATED.has(name)) return;
    actions[name](event.shiftKey ? 5 : 1);
  });
}

// What a key that is held down does again and again; all else it does once.
const REPEATED = new Set(["left", "right", "up", "down", "smaller", "larger", "harder", "softer", "closer", "farther"]);
const ARROWS = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down" };
const PLAIN = {
  e: "erase", a: "add", m: "hand", "[": "smaller", "]": "larger", "{": "harder", "}": "softer",
  ",": "smaller", ".": "larger", ";": "harder", ":": "softer",
  u: "undo", y: "redo", r: "reset", x: "empty", p: "propose", l: "load", s: "save", d: "saveNext",
  n: "next", b: "previous", v: "view", t: "truth", o: "opacity", 0: "fit", "+": "closer",
  "=": "closer", "-": "farther", "?": "help",
};

function nameOf(event, onStage) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (event.ctrlKey || event.metaKey) {
    if (key === "z") return event.shiftKey ? "redo" : "undo";
    return { y: "redo", s: "save" }[key];
  }
  if (onStage && ARROWS[event.key]) return ARROWS[event.key];
  if (onStage && (key === " " || key === "Enter")) return "stamp";
  return PLAIN[key];
}

const HELP = [
  ["E, A, M", "erase, add, move"],
  ["[ ] or , .", "smaller, larger brush"],
  ["{ } or ; :", "harder, softer brush"],
  ["Ctrl+Z or U", "undo"],
  ["Ctrl+Y or Y", "redo"],
  ["R", "reset to the branch's map"],
  ["X", "empty map"],
  ["P", "propose the map that the labels ask for"],
  ["L", "load a map drawn elsewhere"],
  ["S, D", "save; save and go on"],
  ["N, B", "next, previous image"],
  ["V, T, O", "view, outlines of the labels, opacity"],
  ["+, -, 0", "closer, farther, all of it (or the wheel)"],
  ["Arrows, Space", "on the picture: move the brush by a cell (Shift: five), paint; with Move: move the picture"],
  ["?", "this help"],
];

export function fillHelp(table) {
  for (const [keys, words] of HELP) {
    const line = table.insertRow();
    const head = document.createElement("th");
    head.textContent = keys;
    line.append(head);
    line.insertCell().textContent = words;
  }
}
