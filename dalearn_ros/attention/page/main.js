// The page: what the buttons, the brush and the keys do to the image at hand.

import * as api from "./api.js";
import { recall, remember } from "./drafts.js";
import { Editor } from "./editor.js";
import * as keys from "./keys.js";
import { say } from "./notices.js";
import * as pointers from "./pointers.js";
import { Queue } from "./queue.js";

const byId = (id) => document.getElementById(id);
const problem = (error) => say(error.message, true);
const queue = new Queue((index) => open(index), problem);
const editor = new Editor(queue);
const { stage } = editor;
const tool = { name: "erase" };
let sized = false;
let about = null; // what the server says at the start

async function open(index) {
  if (index === null) return say("There is no further image in the list.");
  byId("queue").classList.remove("open");
  byId("open-queue").setAttribute("aria-expanded", "false");
  await editor.open(index);
  if (sized || !stage.cells) return;
  sized = true; // a brush that suits the map, until a person chooses another
  byId("size").value = Math.round(Math.min(stage.cells.rows, stage.cells.columns) / 10);
  showSliders();
}

// The next image of the list, or the one before.
async function go(by) {
  const index = await queue.neighbour(by);
  if (index !== undefined) await open(index);
}

function choose(name) {
  tool.name = name;
  if (name === "hand") stage.brush = null;
  stage.draw();
  for (const one of ["erase", "add", "hand"]) byId(one).setAttribute("aria-checked", String(one === name));
  stage.canvas.classList.toggle("moves", name === "hand");
}

const slider = (id) => Number(byId(id).value);
const brush = () => ({ size: slider("size"), softness: slider("soft") / 100 });

function slide(id, by) {
  byId(id).value = slider(id) + by;
  showSliders();
}

function showSliders() {
  byId("size-shown").value = slider("size");
  byId("soft-shown").value = `${slider("soft")} %`;
  byId("opacity-shown").value = `${slider("opacity")} %`;
  stage.opacity = slider("opacity") / 100;
  if (stage.brush) Object.assign(stage.brush, brush());
  stage.draw();
}

function setView(mode) {
  byId("view").value = mode;
  stage.mode = mode;
  stage.fit();
}

function nextView() {
  const modes = [...byId("view").options].map((option) => option.value);
  setView(modes[(modes.indexOf(stage.mode) + 1) % modes.length]);
}

function toggleTruth() {
  stage.showTruth = !stage.showTruth;
  byId("truth").setAttribute("aria-pressed", String(stage.showTruth));
  stage.draw();
}

function hover(x, y) {
  if (!stage.image) return;
  const shown = x !== null && tool.name !== "hand";
  stage.brush = shown ? { ...stage.toImage(x, y), ...brush() } : null;
  stage.draw();
}

// The keyboard's brush: it begins in the middle of what is seen, and stays seen. With Move, the picture.
function step(columns, rows) {
  if (!stage.image) return;
  if (tool.name === "hand") return stage.move(ARROW_PX * columns, ARROW_PX * rows);
  const { x, y, width, height } = stage.visible();
  const at = stage.brush ?? { x: x + width / 2, y: y + height / 2 };
  const { cellWidth, cellHeight } = stage.cells;
  const within = (value, limit) => Math.min(limit - 0.5, Math.max(0.5, value));
  const here = { x: within(at.x + columns * cellWidth, stage.image.width), y: within(at.y + rows * cellHeight, stage.image.height) };
  stage.brush = { ...here, ...brush() };
  stage.reveal(here.x, here.y);
}

function stamp() {
  if (!stage.image || tool.name === "hand") return;
  step(0, 0);
  paintFrom(stage.brush.x, stage.brush.y);
  editor.endStroke();
}

function paintFrom(x, y) {
  const { size, softness } = brush();
  editor.beginStroke(tool.name === "add" ? about.add_value : about.erase_value, size, softness);
  editor.drawTo(x, y);
}

const middle = () => [stage.canvas.clientWidth / 2, stage.canvas.clientHeight / 2];
const OPACITIES = [0, 25, 50, 75, 100];
const ARROW_PX = 40; // that an arrow moves the picture, CSS pixels
const actions = {
  erase: () => choose("erase"),
  add: () => choose("add"),
  hand: () => choose("hand"),
  smaller: () => slide("size", slider("size") > 12 ? -4 : -1),
  larger: () => slide("size", slider("size") >= 12 ? 4 : 1),
  harder: () => slide("soft", -10),
  softer: () => slide("soft", 10),
  undo: () => editor.undo(),
  redo: () => editor.redo(),
  reset: () => editor.reset(),
  empty: () => editor.empty(),
  propose: () => editor.propose(),
  load: () => byId("file").click(),
  save: () => editor.saving.save(),
  saveNext: async () => (await editor.saving.save()) && go(1),
  next: () => go(1),
  previous: () => go(-1),
  view: nextView,
  truth: toggleTruth,
  opacity: () => {
    byId("opacity").value = OPACITIES[(OPACITIES.findIndex((one) => one >= slider("opacity")) + 1) % OPACITIES.length];
    showSliders();
  },
  fit: () => stage.fit(),
  closer: () => stage.zoom(1.4, ...middle()),
  farther: () => stage.zoom(1 / 1.4, ...middle()),
  help: () => byId("help").showModal(),
  left: (by) => step(-by, 0),
  right: (by) => step(by, 0),
  up: (by) => step(0, -by),
  down: (by) => step(0, by),
  stamp,
};

function wire() {
  const buttons = { "save-next": "saveNext", "open-help": "help" };
  for (const id of ["erase", "add", "hand", "undo", "redo", "reset", "empty", "propose", "load", "save", "next",
    "previous", "truth", "fit", "save-next", "open-help"]) {
    byId(id).addEventListener("click", () => actions[buttons[id] ?? id]());
  }
  for (const id of ["size", "soft", "opacity"]) byId(id).addEventListener("input", showSliders);
  byId("file").addEventListener("change", async () => {
    await editor.load(byId("file").files[0]);
    byId("file").value = "";
  });
  byId("view").addEventListener("change", () => setView(byId("view").value));
  byId("who").addEventListener("change", () => remember("who", byId("who").value));
  byId("open-queue").addEventListener("click", () => {
    const shown = byId("queue").classList.toggle("open");
    byId("open-queue").setAttribute("aria-expanded", String(shown));
  });
  pointers.listen(stage.canvas, {
    moves: () => tool.name === "hand" || !stage.image,
    begin: (x, y) => {
      stage.hold(x, y);
      const at = stage.toImage(x, y);
      paintFrom(at.x, at.y);
    },
    draw: (x, y) => {
      const at = stage.toImage(x, y);
      editor.drawTo(at.x, at.y);
    },
    end: () => {
      stage.letGo();
      editor.endStroke();
    },
    cancel: () => {
      stage.letGo();
      editor.cancelStroke();
    },
    move: (dx, dy) => stage.move(dx, dy),
    zoom: (factor, x, y) => stage.zoom(factor, x, y),
    hover,
  });
  keys.listen(actions, stage.canvas);
  keys.fillHelp(byId("keys"));
}

async function begin() {
  wire();
  showSliders();
  about = await api.start();
  document.title = `Attention: ${about.data}`;
  byId("who").value = (!about.who_given && recall("who")) || about.who;
  editor.begin(about);
  await queue.begin(about);
  const last = Number.parseInt(recall(`last ${about.data}`) ?? "", 10);
  const first = queue.rows[0]?.index ?? (about.images ? 0 : null);
  await open(last >= 0 && last < about.images ? last : first);
  document.documentElement.dataset.ready = "yes";
}

begin().catch((error) => {
  byId("stage-text").textContent = error.message;
  problem(error);
});
