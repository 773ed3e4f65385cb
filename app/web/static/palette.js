// The palette: the page /search in a dialog. One field, a list that arrows walk, Enter opens, Escape closes. Without this
// file the same control is a link to the page. It is a combobox as the ARIA practices describe it: the focus stays in the
// field, and aria-activedescendant names the line that Enter would open.

const one = (selector, root = document) => root.querySelector(selector);
const every = (selector, root = document) => [...root.querySelectorAll(selector)];

const dialog = one("#palette");
const field = dialog && one("input", dialog);
const list = dialog && one("#palette-list", dialog);
const status = dialog && one("[role=status]", dialog);
let waiting;
let asked = 0;
let at = -1;

const options = () => every("[role=option]", list);

function choose(place) {
  const lines = options();
  lines[at]?.setAttribute("aria-selected", "false");
  at = lines.length ? (place + lines.length) % lines.length : -1;
  const line = lines[at];
  if (line) {
    line.setAttribute("aria-selected", "true");
    line.scrollIntoView({ block: "nearest" });
    field.setAttribute("aria-activedescendant", line.id);
  } else field.removeAttribute("aria-activedescendant");
}

function show(made) {
  const groups = [];
  let number = 0;
  for (const section of every("section", made)) {
    const group = document.createElement("div");
    const name = document.createElement("div");
    group.setAttribute("role", "group");
    name.id = `palette-group-${groups.length}`;
    name.className = "group";
    name.textContent = one("h2", section).textContent;
    group.setAttribute("aria-labelledby", name.id);
    group.append(name);
    for (const hit of every("[data-hit]", section)) {
      const line = document.createElement("div");
      line.id = `palette-${number}`;
      number += 1;
      line.setAttribute("role", "option");
      line.setAttribute("aria-selected", "false");
      line.dataset.href = hit.getAttribute("href");
      for (const part of hit.children) {
        const text = document.createElement(part.tagName === "STRONG" ? "strong" : "span");
        text.textContent = part.textContent;
        line.append(text, " ");
      }
      group.append(line);
    }
    groups.push(group);
  }
  list.replaceChildren(...groups);
  at = -1;
  choose(0);
  field.setAttribute("aria-expanded", String(number > 0));
  status.textContent = one("#results", made)?.dataset.said ?? "";
}

async function ask() {
  const mine = ++asked;
  const answer = await fetch(`/search?part=1&q=${encodeURIComponent(field.value)}`).catch(() => null);
  // A slower answer to what was typed before must not replace a later one.
  if (mine !== asked || !answer?.ok) return;
  show(new DOMParser().parseFromString(await answer.text(), "text/html"));
}

function open(line) {
  if (line) location.assign(line.dataset.href);
}

if (dialog) {
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-palette]");
    if (!opener || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (dialog.open) return;
    field.value = "";
    dialog.showModal();
    field.focus();
    ask();
  });
  document.addEventListener("keydown", (event) => {
    // The press that has just opened it comes by here, too.
    if (event.defaultPrevented) return;
    if ((event.ctrlKey || event.metaKey) && event.key === "k" && dialog.open) { event.preventDefault(); dialog.close(); }
  });
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, 120);
  });
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) { event.preventDefault(); choose(at + step); }
    else if (event.key === "Enter") { event.preventDefault(); open(options()[at]); }
  });
  list.addEventListener("click", (event) => open(event.target.closest("[role=option]")));
}
