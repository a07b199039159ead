// Sentences to the person: passing messages, and notices of the image with buttons.

const byId = (id) => document.getElementById(id);
const SHOWN_MS = 6000;

// A message; errors stay until they are closed or the next one comes.
export function say(sentence, isError = false) {
  const box = byId("messages");
  const item = document.createElement("p");
  item.className = isError ? "error" : "";
  item.textContent = sentence;
  if (isError) item.append(" ", button("Close", () => item.remove()));
  box.replaceChildren(item);
  if (!isError) setTimeout(() => item.remove(), SHOWN_MS);
}

export const clearNotices = () => byId("notices").replaceChildren();

// A notice about the image; choices: [[label, function], ...], each of which closes it.
export function notice(sentence, choices = [], kind = "") {
  const item = document.createElement("p");
  item.className = `note ${kind}`;
  item.textContent = sentence;
  for (const [label, work] of choices) {
    const choose = () => {
      item.remove();
      work();
    };
    item.append(" ", button(label, choose));
  }
  byId("notices").append(item);
}

function button(label, work) {
  const made = document.createElement("button");
  made.textContent = label;
  made.addEventListener("click", work);
  return made;
}

export const day = (when) => new Date(when).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });

const SEVERAL = { "false alarm": "false alarms", "wrong class": "wrong classes", "wrong value": "wrong values" };

// ["2 missed", "1 false alarm"], from the count of each kind of error.
export const counted = (errors) =>
  Object.entries(errors).map(([kind, count]) => `${count} ${(count > 1 && SEVERAL[kind]) || kind}`);
