// What the pages do with a script: keys, the count of words, the text that is kept while it is written, the hold on a
// domain, and the next item without a wait. Every page works without this file, and everything it does can be reached by
// Tab. It reads what to do from data attributes: data-key (a key, or two with a space: "g q"), data-chord (with Ctrl or
// Command), data-menu (a key that opens a <details> whose choices are "key digit"), data-guard (dead for a moment after
// an advance), data-row (a line of the list), data-play (a form that decides about the open item).

const page = document.documentElement;
const one = (selector, root = document) => root.querySelector(selector);
const every = (selector, root = document) => [...root.querySelectorAll(selector)];
const shown = (element) => element.getClientRects().length > 0;

let speaking;
/** Say one sentence in the live region, also when it is the same as the last. */
function say(text) {
  const region = one("#said");
  region.textContent = "";
  clearTimeout(speaking);
  speaking = setTimeout(() => { region.textContent = text; }, 60);
}

// --- Words: the rule of app/domain/pitch_contract.py; tests hold both to the same vectors. ---

const SPACE = "\\t\\n\\v\\f\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const WORD = new RegExp(`[^${SPACE}]+`, "g");
const INVISIBLE = /^[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe00-\ufe0f\ufeff]+$/;
const LINE = /\r\n|[\n\r\v\f\x85\u2028\u2029]/;
const trimmed = (text) => text.replace(new RegExp(`^[${SPACE}\\x1c-\\x1f]+|[${SPACE}\\x1c-\\x1f]+$`, "g"), "");
const wordsOf = (text) => (text.match(WORD) || []).filter((word) => !INVISIBLE.test(word));
const flat = (text) => wordsOf(text).join(" ").toLowerCase().replace(/[\u2018\u2019]/g, "'").replace(/[\u201c\u201d]/g, '"');

/** How many words of a message count: not the signature, the opt-out line, nor quoted lines. */
export function countWords(text, optOut = "") {
  let count = 0;
  for (const line of text.split(LINE)) {
    const bare = trimmed(line);
    if (bare === "--") break;
    if (line.startsWith(">") || (optOut && flat(line) === flat(optOut))) continue;
    count += wordsOf(line).length;
  }
  return count;
}

let announcing;
function count(meter, aloud) {
  const field = document.getElementById(meter.dataset.count);
  if (!field) return;
  const most = Number(meter.dataset.maxwords) - 1;
  const words = countWords(field.value, field.dataset.optOut || "");
  const over = words > most;
  const text = (over ? meter.dataset.over : meter.dataset.left)
    .replace("{words}", words).replace("{left}", most - words).replace("{over}", words - most);
  one("meter", meter).value = Math.min(words, most);
  const figure = one(".figure", meter);
  figure.textContent = text;
  figure.classList.toggle("wrong", over);
  clearTimeout(announcing);
  if (aloud) announcing = setTimeout(() => say(text), 1000);
}

// --- Keys. ---

let pending = "";
let pendingUntil = 0;
let guardedUntil = 0;

const FIELD = "input, textarea, select, [contenteditable]";
// What the bar holds can be reached by key while its menu is folded, too.
const byKey = (key) => every(`[data-key="${CSS.escape(key)}"]`).find((found) => shown(found) || found.closest("header.bar"));

function act(element) {
  if (element.matches("[data-guard]") && performance.now() < guardedUntil) return;
  if (element.matches("textarea, input[type=text], h2, section")) element.focus();
  else element.click();
  // A menu that a key has opened has the focus where it is filled in, so that Enter is the next key.
  if (element.matches("summary")) (one("input:not([type=hidden]), textarea, select", element.parentElement) ?? element).focus();
}

function nameOf(event) {
  if (!/^[a-z]$/i.test(event.key)) return event.key;
  return event.shiftKey ? `Shift+${event.key.toUpperCase()}` : event.key.toLowerCase();
}

function escape() {
  const dialog = one("dialog[open]");
  const menu = every("details[data-menu][open]").pop();
  if (dialog) dialog.close();
  else if (menu) { menu.open = false; one("summary", menu).focus(); }
  else if (document.activeElement?.matches(FIELD)) document.activeElement.blur();
}

/** Real focus along the list: j and k, arrows, Home and End. */
function walk(name) {
  const rows = every("[data-row] a").filter(shown);
  if (!rows.length) return false;
  const inside = document.activeElement?.closest("[data-row]");
  if (!["j", "k"].includes(name) && !inside) return false;
  const current = rows.findIndex((row) => row === document.activeElement);
  const at = current >= 0 ? current : rows.findIndex((row) => row.getAttribute("aria-current"));
  const goal = { j: at + 1, ArrowDown: at + 1, k: at - 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[name];
  if (goal === undefined) return false;
  rows[Math.max(0, Math.min(rows.length - 1, goal))].focus();
  return true;
}

/** The box of the line that has the focus. */
function select() {
  const row = document.activeElement?.closest("[data-row]")?.closest("tr, li");
  const box = row && one("input[type=checkbox]", row);
  box?.click();
  return Boolean(box);
}

document.addEventListener("keydown", (event) => {
  keepAwake();
  if (event.defaultPrevented || event.repeat || event.isComposing || event.keyCode === 229) return;
  if (event.altKey || event.getModifierState("AltGraph")) return;
  if (event.ctrlKey || event.metaKey) {
    const chord = every(`[data-chord="${CSS.escape(event.key)}"]`).find((found) => shown(found) || found.closest("header.bar"));
    if (chord && !one("dialog[open]")) { event.preventDefault(); act(chord); }
    return;
  }
  if (event.key === "Escape") { pending = ""; escape(); return; }
  if (event.target.closest(FIELD) || page.dataset.keys === "off" || one("dialog[open]")) return;
  const name = nameOf(event);
  const first = performance.now() < pendingUntil ? pending : "";
  pending = "";
  const target = (first && byKey(`${first} ${name}`)) || (!first && byKey(name));
  if (target) { event.preventDefault(); act(target); return; }
  if (first) return;
  const menu = every(`details[data-menu="${CSS.escape(name)}"]`).find(shown);
  if (menu) { event.preventDefault(); menu.open = true; one("summary", menu).focus(); }
  if (menu || one(`[data-key^="${CSS.escape(name)} "]`)) {
    pending = name;
    pendingUntil = performance.now() + (menu ? 30000 : 1500);
    return;
  }
  if (walk(name) || (name === "x" && select())) event.preventDefault();
});

document.addEventListener("click", async (event) => {
  // A link of the summary leads into the field, not only to it.
  const named = event.target.closest("#problems a[href^='#']");
  if (named) {
    const field = document.getElementById(named.hash.slice(1));
    if (field) { event.preventDefault(); field.focus(); field.scrollIntoView({ block: "center" }); }
    return;
  }
  const opener = event.target.closest("[data-dialog]");
  if (opener && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    const dialog = document.getElementById(opener.dataset.dialog);
    if (!dialog.childElementCount) {
      const answer = await fetch(dialog.dataset.href);
      const made = new DOMParser().parseFromString(await answer.text(), "text/html");
      dialog.append(one("main > .card", made));
    }
    dialog.showModal();
    one("h1", dialog)?.focus();
  } else if (event.target.closest("dialog [data-close]")) {
    event.preventDefault();
    one("dialog[open]")?.close();
  }
});

// --- The open item: words, kept text, hold. The desk is what is replaced when the next item comes. ---

const desk = () => one("#desk");
let keeping;
let held = 0;
let lastInput = Date.now();
let dirty = false;

function formData(extra = {}) {
  const data = new FormData();
  data.set("csrf", one("input[name=csrf]").value);
  for (const [name, value] of Object.entries(extra)) data.set(name, value);
  return data;
}

function keepText(now = false) {
  const form = one("#decide");
  if (!form?.dataset.keep || !dirty) return;
  clearTimeout(keeping);
  const send = () => {
    const data = new URLSearchParams(new FormData(form));
    fetch(form.dataset.keep, { method: "POST", body: data, keepalive: true }).catch(() => {});
  };
  if (now) send();
  else keeping = setTimeout(send, 700);
}

async function hold() {
  const item = desk();
  if (!item?.dataset.hold) return;
  const answer = await fetch(item.dataset.hold, { method: "POST", body: formData() }).catch(() => null);
  if (!answer || item !== desk()) return;
  const state = await answer.json().catch(() => null);
  if (!state) return;
  held = state.mine ? Date.now() + state.seconds * 1000 : 0;
  const line = one("#hold", item);
  if (line) {
    line.textContent = state.words;
    line.className = state.mine ? "small muted" : "notice warn";
  }
}

function keepAwake() {
  lastInput = Date.now();
  const warning = one("#hold-warning");
  if (warning && !warning.hidden) { warning.hidden = true; hold(); }
}

setInterval(() => {
  if (!held) return;
  const left = held - Date.now();
  const awake = document.visibilityState === "visible" && Date.now() - lastInput < 600_000;
  const warning = one("#hold-warning");
  // Renewed each minute while somebody is there; without input for ten minutes it runs out, a minute after a warning.
  if (awake && left < 540_000 && left > 0) hold();
  else if (warning && left <= 75_000 && warning.hidden) { warning.hidden = false; say(warning.textContent); }
  if (left <= 0) { held = 0; keepText(true); }
}, 15_000);

document.addEventListener("pointerdown", keepAwake);
document.addEventListener("input", (event) => {
  keepAwake();
  const form = event.target.closest("#decide");
  if (!form) return;
  dirty = true;
  every("[data-maxwords]").forEach((meter) => { if (event.target.id === meter.dataset.count) count(meter, true); });
  keepText();
});
window.addEventListener("pagehide", () => keepText(true));

document.addEventListener("change", (event) => {
  // Another pitch is written at once, unless that would throw away what was typed: then the button asks for it.
  const form = event.target.closest("form[data-choose]");
  if (form && event.target.name === "angle" && !dirty && form.dataset.edited !== "true") form.requestSubmit();
});

function settle() {
  dirty = false;
  every("[data-maxwords]").forEach((meter) => count(meter, false));
  hold();
  fetchNext();
}

// --- Play mode: the next item is here before it is asked for, so a decision needs no round trip. ---

let following = null;
let deciding = "";

async function fetchNext() {
  const item = desk();
  following = null;
  if (!item?.dataset.next) return;
  const answer = await fetch(item.dataset.next, { method: "POST", body: formData({ but: deciding }) }).catch(() => null);
  if (!answer?.ok || answer.status === 204 || item !== desk()) return;
  const made = new DOMParser().parseFromString(await answer.text(), "text/html");
  following = one("#desk", made);
  if (following) item.dataset.followed = "yes";
}

function advance(sentence) {
  const before = desk();
  const gone = one(`[data-row="${before.dataset.item}"]`);
  const item = document.importNode(following, true);
  following = null;
  before.replaceWith(item);
  window.htmx?.process(item);
  gone?.remove();
  every("[data-row] a[aria-current]").forEach((row) => row.removeAttribute("aria-current"));
  const row = one(`[data-row="${item.dataset.item}"] a`);
  row?.setAttribute("aria-current", "true");
  row?.scrollIntoView({ block: "nearest" });
  history.pushState({}, "", item.dataset.address);
  document.title = item.dataset.title;
  window.scrollTo(0, 0);
  one("#item-title")?.focus({ preventScroll: true });
  guardedUntil = performance.now() + 400;
  say(`${sentence} ${item.dataset.spoken}`);
  settle();
}

function refuse(form, html, domain) {
  const made = new DOMParser().parseFromString(html, "text/html");
  const problems = one("#problems", made);
  const card = one("#refused").content.firstElementChild.cloneNode(true);
  one("strong", card).textContent = one("strong", card).textContent.replace("{domain}", domain);
  for (const line of every("li, p", problems ?? made.body)) {
    const said = document.createElement("li");
    said.textContent = line.textContent;
    one("ul", card).append(said);
  }
  one("a", card).href = form.dataset.back;
  one("#cards").append(card);
  say(card.textContent);
}

async function decide(form, submitter) {
  const data = new URLSearchParams(new FormData(form, submitter));
  const { domain, item } = desk().dataset;
  const keep = form.dataset.keep;
  clearTimeout(keeping);
  // Until the answer is here, the server still offers what was just decided.
  deciding = item;
  advance(form.dataset.said.replace("{domain}", domain));
  const answer = await fetch(form.action, { method: "POST", body: data, headers: { "X-Play": "1" } }).catch(() => null);
  if (deciding === item) deciding = "";
  if (answer?.ok && answer.headers.get("content-type")?.startsWith("application/json")) {
    const done = await answer.json();
    const toast = one("#toast");
    one("span", toast).textContent = done.said;
    toast.hidden = false;
  } else {
    if (keep) await fetch(keep, { method: "POST", body: data }).catch(() => {});
    refuse(form, answer ? await answer.text() : "", domain);
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  const item = desk();
  if (form.matches("[data-play]") && item?.contains(form) && event.submitter?.dataset.stay === undefined) {
    // What the page can see would be refused goes the long way: the page comes back with its problems.
    const clear = !form.matches("#decide") || (!one(".gates .bad, .figure.wrong", item) && !one("[data-bracketed]", item));
    if (following && clear) { event.preventDefault(); dirty = false; decide(form, event.submitter); return; }
  }
  dirty = false;
  const pressed = event.submitter;
  if (pressed && form.method === "post") setTimeout(() => { pressed.setAttribute("aria-busy", "true"); }, 300);
});

window.addEventListener("popstate", () => location.reload());
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id === "desk") { settle(); one("#item-title")?.focus({ preventScroll: true }); }
});

// --- The inbox: a class is chosen with one key, and the answer's words are told. ---

document.addEventListener("click", (event) => {
  // A key presses the radio by a click without a pointer; arrows and the mouse only choose, and the button stores.
  if (event.target.matches("input[data-submit]") && event.detail === 0 && !event.isTrusted) event.target.form.requestSubmit();
});
document.addEventListener("input", (event) => {
  const told = one(`[data-tell="${CSS.escape(event.target.id)}"]`);
  if (told) told.textContent = told.dataset.words.replace("{words}", countWords(event.target.value));
});

one("[data-focus]")?.focus();
if (desk()) settle();
else every("[data-maxwords]").forEach((meter) => count(meter, false));
page.dataset.ready = "yes";
