// What every module asks: the elements of the page, its voice, requests to the server that outlive a slow network, a session that is
// over and the page itself, the count of words, and the keys with the list that they walk and the dialogs and menus that they open.
// What a key does stands in attributes: data-key (a key, or two with a space: "g q"), data-chord (with Ctrl or Command), data-menu
// (a key that opens a <details> whose choices are "key digit"), data-guard (dead for a moment after an advance), data-row (a line of
// the list).

export const page = document.documentElement;
export const one = (selector, root = document) => root.querySelector(selector);
export const every = (selector, root = document) => [...root.querySelectorAll(selector)];
export const shown = (element) => element.getClientRects().length > 0;

export const parsed = (html) => new DOMParser().parseFromString(html, "text/html");

let speaking;
/** Say one sentence in the live region, also when it is the same as the last. */
export function say(text) {
  const region = one("#said");
  region.textContent = "";
  clearTimeout(speaking);
  speaking = setTimeout(() => { region.textContent = text; }, 60);
}

// A session that is over leads to the sign-in, or is refused.
export const over = (answer) => answer.redirected || answer.status === 401 || answer.status === 403;
export const arrived = (answer) => Boolean(answer?.ok && !answer.redirected);

/** Post what may be posted again; null where nobody answers. A small body outlives the page that sends it. */
export function post(address, data, headers = {}) {
  const keepalive = data.toString().length < 60_000;
  return fetch(address, { method: "POST", body: data, headers, keepalive }).catch(() => null);
}

/** The same person may have signed in again in another window: then the forms of this page are good again. */
async function renewed() {
  const answer = await fetch("/keys").catch(() => null);
  const made = arrived(answer) && parsed(await answer.text());
  if (!made || made.documentElement.dataset.person !== page.dataset.person) return false;
  const token = one("input[name=csrf]", made).value;
  every("input[name=csrf]").forEach((field) => { field.value = token; });
  return token;
}

export async function keepAt(address, data, headers = {}) {
  const answer = await post(address, data, headers);
  if (!answer || !over(answer)) return answer;
  const token = await renewed();
  if (!token) return answer;
  data.set("csrf", token);
  return post(address, data, headers);
}

export function formData(extra = {}) {
  const data = new FormData();
  data.set("csrf", one("input[name=csrf]").value);
  for (const [name, value] of Object.entries(extra)) data.set(name, value);
  return data;
}

// --- The count of words: the rule of app/domain/pitch_contract.py; tests hold both to the same vectors. ---

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

/** Count what the page shows; `changed` is the field that was just typed in, whose figure is also said. */
export function countAll(changed = null) {
  for (const meter of every("[data-maxwords]")) {
    if (!changed || changed.id === meter.dataset.count) count(meter, Boolean(changed));
  }
}

// --- Keys. ---

let pending = "";
let pendingUntil = 0;
let guardedUntil = 0;

/** For the next so many milliseconds, what is marked data-guard is dead: a key that was meant for the item before. The first of
 * two keys was meant for it, too. */
export const guard = (milliseconds) => { guardedUntil = performance.now() + milliseconds; pending = ""; };

// Nobody writes in a box: with the focus on one, keys go on meaning what they mean.
const FIELD = "input:not([type=checkbox]), textarea, select, [contenteditable]";
// What was prepared gives way to what is typed: its gap to fill in, or all of it. A click puts the caret where it is.
document.addEventListener("focusin", ({ target: field }) => {
  if (!field.matches("[data-begun]") || field.value !== field.defaultValue) return;
  const gap = /\[[^\]\n]+\]/.exec(field.value);
  field.setSelectionRange(gap?.index ?? 0, gap ? gap.index + gap[0].length : field.value.length);
});

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
  const menu = every("details.menu[open], details.fold-menu[open]").pop();
  if (dialog) dialog.close();
  else if (menu) { menu.open = false; one("summary", menu).focus(); }
  else if (document.activeElement?.matches(FIELD)) document.activeElement.blur();
}

/** Real focus along the list: j and k, arrows, Home and End. */
function walk(name) {
  const rows = every("[data-row]").map((row) => one("a, button, summary", row)).filter((stop) => stop && shown(stop));
  if (!rows.length) return false;
  const current = rows.findIndex((row) => row.closest("tr, li").contains(document.activeElement));
  if (!["j", "k"].includes(name) && current < 0) return false;
  const at = current >= 0 ? current : rows.findIndex((row) => row.getAttribute("aria-current"));
  const goal = {
    j: at + 1, ArrowDown: at + 1, PageDown: at + 10, k: at - 1, ArrowUp: at - 1, PageUp: at - 10, Home: 0, End: rows.length - 1,
  }[name];
  if (goal === undefined) return false;
  rows[Math.max(0, Math.min(rows.length - 1, goal))].focus();
  return true;
}

/** With a script a list is one stop of the Tab key, and the keys above walk in it. Without one it is a list of links. */
export function rove(to) {
  for (const grid of every("[data-grid]")) {
    const links = every("[data-row] a", grid);
    const stop = links.includes(to) ? to : one("a[aria-current]", grid) ?? links[0];
    grid.setAttribute("role", "grid");
    grid.setAttribute("aria-label", grid.closest("section").getAttribute("aria-label"));
    for (const link of links) {
      link.closest("li").setAttribute("role", "row");
      link.parentElement.setAttribute("role", "gridcell");
      link.tabIndex = link === stop ? 0 : -1;
    }
  }
}
document.addEventListener("focusin", (event) => { if (event.target.closest("[data-grid] a")) rove(event.target); });

/** The box of the line that has the focus. */
function select(on) {
  const row = document.activeElement?.closest("tr, li");
  const box = row && one("input[type=checkbox]", row);
  if (box && box.checked !== on) box.click();
  return Boolean(box);
}

/** The same and the next one, with Shift and an arrow. */
const extend = (name) => select(true) && walk(name) && select(true);

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.repeat || event.isComposing || event.keyCode === 229) return;
  if (event.altKey || event.getModifierState("AltGraph")) return;
  if (event.ctrlKey || event.metaKey) {
    // In a menu, Ctrl+Enter sends what is filled in there; on a button it is that button's Enter. Never the letter beside it.
    if (event.key === "Enter" && event.target.closest("details.menu")) {
      const own = event.target.closest("form");
      event.preventDefault();
      pending = "";
      if (event.target.matches("button, summary")) act(event.target);
      else own?.requestSubmit(one("button", own));
      return;
    }
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
  if (event.shiftKey && name.startsWith("Arrow") && extend(name)) { event.preventDefault(); return; }
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
      const made = parsed(await answer.text());
      dialog.append(one("main > .card", made));
    }
    dialog.showModal();
    one("h1", dialog)?.focus();
  } else if (event.target.closest("dialog [data-close]")) {
    event.preventDefault();
    one("dialog[open]")?.close();
  }
});
