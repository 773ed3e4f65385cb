// The desk. What is written is kept on the server while it is written (the draft of the open item, the answer in the inbox),
// and the hold on a domain is renewed while somebody is there. Play mode: the next item is here before it is asked for, so a
// decision (a form with data-play) needs no round trip. And one thing after the other: a decision that is on its way arrives
// before the next is sent or the page is left.

import { arrived, countAll, every, formData, guard, keepAt, one, over, page, parsed, post, rove, say } from "./page.js";

export const desk = () => one("#desk");
const written = () => one("form[data-keep]");
let keeping;
let held = 0;
let lastInput = Date.now();
/** Of the text: typed since the page came; since it was last kept; whether the last try to keep it came to nothing. */
const typing = { dirty: false, unkept: false, lost: false };

/** Keep what is written. False when the server cannot be asked: then it stands in this page only, and the page says so. */
async function keepText() {
  clearTimeout(keeping);
  const form = written();
  if (!form || !typing.unkept) return true;
  typing.unkept = false;
  const answer = await keepAt(form.dataset.keep, new URLSearchParams(new FormData(form)));
  if (form !== written()) return true;
  typing.lost = !answer || over(answer);
  typing.unkept ||= typing.lost;
  const told = one("[data-unkept]", form);
  if (!arrived(answer) && told.hidden) say(told.textContent);
  told.hidden = arrived(answer);
  return !typing.lost;
}

/** The form of a note that was written and not sent, beside `form`. */
function openNote(form) {
  const note = one("details.note form");
  return note && note !== form && one("[name=note]", note).value.trim() ? note : null;
}

/** Such a note goes before whatever is pressed instead. Gives what could not be written down; then it stands in its field again. */
async function writeNote(form) {
  const note = openNote(form);
  if (!note) return null;
  const text = one("[name=note]", note);
  const data = new URLSearchParams(new FormData(note));
  const told = one("[data-unkept]", note);
  text.value = "";
  told.hidden = arrived(await keepAt(note.action, data, { "X-Play": "1" }));
  if (told.hidden) return null;
  text.value = data.get("note");
  note.closest("details").open = true;
  say(told.textContent);
  return { data, address: note.action };
}

/** Whether an editor holds what was not sent: the page has come with it, or it was typed since. A version is saved by a person alone. */
const unsaved = () => every("form[data-unsaved]").some((form) => !sent.has(form) && (form.dataset.unsaved === "yes"
  || every("input:not([type=hidden]), textarea", form).some((field) => field.value !== field.defaultValue)));

window.addEventListener("beforeunload", (event) => { if (typing.lost || unsaved()) event.preventDefault(); });

async function hold() {
  const item = desk();
  if (!item?.dataset.hold) return;
  const answer = await fetch(item.dataset.hold, { method: "POST", body: formData() }).catch(() => null);
  if (!answer || item !== desk()) return;
  const state = await answer.json().catch(() => null);
  if (!state) return;
  // It was free a moment ago, and nobody has chosen it: the list has the next one. Not by a reload:
  // the page may be the answer to a form that was refused, which would be sent once more.
  if (!state.mine && "free" in item.dataset && !typing.dirty) { location.assign("/queue" + new URL(item.dataset.address, location.href).search); return; }
  // Mine now: from here on a colleague who takes it over is named.
  if (state.mine) delete item.dataset.free;
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
  if (left <= 0) { held = 0; keepText(); }
}, 15_000);

document.addEventListener("keydown", keepAwake);
document.addEventListener("pointerdown", keepAwake);
document.addEventListener("input", (event) => {
  keepAwake();
  if (!event.target.closest("form[data-keep]") || !event.target.matches("input[type=text], input:not([type]), textarea")) return;
  typing.dirty = true;
  typing.unkept = true;
  countAll(event.target);
  clearTimeout(keeping);
  keeping = setTimeout(keepText, 700);
});
window.addEventListener("pagehide", keepText);

document.addEventListener("change", (event) => {
  // Another pitch is written at once, unless that would throw away what was typed: then the button asks for it.
  const form = event.target.closest("form[data-choose]");
  if (form && event.target.name === "angle" && !typing.dirty && form.dataset.edited !== "true") form.requestSubmit();
});


// --- Play mode. ---

let following = null;
let deciding = "";

async function fetchNext() {
  const item = desk();
  following = null;
  if (!item?.dataset.next) return;
  const answer = await fetch(item.dataset.next, { method: "POST", body: formData({ but: deciding }) }).catch(() => null);
  if (!answer?.ok || answer.status === 204 || item !== desk()) return;
  const made = parsed(await answer.text());
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
  rove(row);
  history.pushState({}, "", item.dataset.address);
  document.title = item.dataset.title;
  window.scrollTo(0, 0);
  one("#item-title")?.focus({ preventScroll: true });
  guard(400);
  say(`${sentence} ${item.dataset.spoken}`);
  settle();
}

/** A card about what was not done. `typed`: the text that is not kept, where `address` would keep it. */
function refuse(form, domain, lines, typed, address) {
  const card = one("#refused").content.firstElementChild.cloneNode(true);
  one("strong", card).textContent = one("strong", card).textContent.replace("{domain}", domain);
  for (const line of lines) {
    const said = document.createElement("li");
    said.textContent = card.dataset[line] ?? line;
    one("ul", card).append(said);
  }
  const back = one("a", card);
  back.href = form.dataset.back;
  one("div", card).hidden = !typed;
  back.hidden = Boolean(typed);
  if (typed) {
    one("textarea", card).value = typed.get("body_text") ?? typed.get("note");
    one("button", card).addEventListener("click", async () => {
      if (arrived(await keepAt(address, typed))) location.assign(back.href);
      else say(one("p", card).textContent);
    });
  }
  one("#cards").append(card);
  say(card.textContent);
}

async function decide(form, submitter) {
  const data = new URLSearchParams(new FormData(form, submitter));
  const text = written();
  // A text that nobody touched is the draft as it is saved, or is kept already: it goes nowhere but with what was decided.
  const typed = text && typing.dirty && (form === text || typing.unkept) ? new URLSearchParams(new FormData(text)) : null;
  const { domain, item } = desk().dataset;
  clearTimeout(keeping);
  const note = writeNote(form);
  // Until the answer is here, the server still offers what was just decided.
  deciding = item;
  // One form holds the text and all that may be decided about it: the button says what, and where to.
  advance((submitter?.dataset.said ?? form.dataset.said).replace("{domain}", domain));
  const beside = typed && form !== text; // what is decided does not carry the text
  // Where the next item has taken its field away, a card holds the note.
  const unwritten = await note;
  if (unwritten) refuse(form, domain, ["away"], unwritten.data, unwritten.address);
  let answer = beside ? await keepAt(text.dataset.keep, typed) : null;
  const first = !beside || arrived(answer);
  if (first) answer = await post(submitter?.getAttribute("formaction") ?? form.action, data, { "X-Play": "1" });
  if (deciding === item) deciding = "";
  if (arrived(answer) && answer.headers.get("content-type")?.startsWith("application/json")) {
    const toast = one("#toast");
    one("span", toast).textContent = (await answer.json()).said;
    toast.hidden = false;
    return true;
  }
  const problems = answer && !over(answer) && one("#problems", parsed(await answer.text()));
  const lines = problems ? every("li, p", problems).map((line) => line.textContent) : [answer ? "over" : "away"];
  const kept = !typed || (beside && first) || arrived(await keepAt(text.dataset.keep, typed));
  refuse(form, domain, lines, kept ? null : typed, text?.dataset.keep);
  return false;
}

/** Another item is open now. */
export function settle() {
  typing.dirty = typing.unkept = typing.lost = false;
  countAll();
  hold();
  fetchNext();
}

window.addEventListener("popstate", () => location.reload());

let lastRow = null;
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  lastRow = detail.requestConfig.elt.closest("#more") && detail.target.lastElementChild;
});
document.addEventListener("htmx:afterSettle", (event) => {
  // More rows were asked for: on with the first of them, since the link that had the focus is gone.
  if (event.target === lastRow?.parentElement) {
    const fresh = lastRow.nextElementSibling;
    lastRow = null;
    (fresh && one("a[href]", one("[data-row]", fresh) ?? fresh))?.focus();
  }
  rove(document.activeElement);
  if (event.target.id === "desk") { settle(); one("#item-title")?.focus({ preventScroll: true }); }
});

// What a form was refused for stands in the answer, which htmx throws away: the page shows it as if it had come by itself.
document.addEventListener("htmx:responseError", ({ detail }) => {
  const form = detail.elt;
  if (!form.matches("form")) return;
  const made = parsed(detail.xhr.responseText);
  // Without a summary it is a page that says what went wrong; a proxy's page says less. Nothing is ever sent again by itself.
  const found = one("#problems", made) ?? one("main > .card", made);
  const problems = found ? document.importNode(found, true) : document.createElement("section");
  if (problems.id !== "problems") {
    problems.id = "problems";
    problems.className = "notice bad";
    problems.tabIndex = -1;
    problems.setAttribute("role", "alert");
    problems.textContent ||= `${detail.xhr.status} ${detail.xhr.statusText}`;
  }
  one("#problems")?.remove();
  one("main").prepend(problems);
  const fresh = one("#desk", made);
  // What was typed stays; an item that nobody has touched is shown as it is now.
  if (fresh && desk() && !typing.dirty) {
    const item = document.importNode(fresh, true);
    desk().replaceWith(item);
    window.htmx.process(item);
    settle();
  }
  one("#problems").focus();
});

// --- One thing after the other. ---

const sent = new Set(); // forms that were sent: pressed once more, they send nothing
let waiting = 0;
let saving;
let last = Promise.resolve(true);

function begin(work) {
  waiting += 1;
  const before = waiting > 1 ? last : true;
  last = Promise.all([before, work]).then((done) => done.every(Boolean)).finally(() => { waiting -= 1; });
}

/** What comes of `work`, or nothing in eight seconds: nobody waits longer for a server that hangs. */
const inTime = (work, late) => Promise.race([work, new Promise((go) => { setTimeout(go, 8_000, late); })]);

/** When what is on its way has arrived, or in eight seconds: whether it was done. */
const settled = () => (waiting ? inTime(last, true) : Promise.resolve(true));

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]:not([target], [hx-get], [data-dialog], [data-close], [data-palette], [href^='#'])");
  if ((!waiting && !typing.unkept && !openNote()) || !link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  // The next page shows what is kept: the last words go first.
  Promise.all([settled(), inTime(keepText()), inTime(writeNote())]).then(([done, , lost]) => { if (done && !lost) location.assign(link.href); });
}, true);

// Another pitch takes the place of the whole item, with the field of the note.
document.addEventListener("htmx:confirm", (event) => {
  const form = event.detail.elt;
  if (!form.matches("form") || !openNote(form)) return;
  event.preventDefault();
  writeNote(form).then((lost) => { if (!lost) event.detail.issueRequest(true); });
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  const pressed = event.submitter;
  const item = desk();
  if (event.defaultPrevented || form.method !== "post") return;
  if (sent.has(form)) { event.preventDefault(); return; }
  if (form.matches("[data-play]") && item?.contains(form) && pressed?.dataset.stay === undefined) {
    // What the page can see would be refused goes the long way: the page comes back with its problems.
    const clear = !form.matches("#decide") || pressed?.hasAttribute("formaction") || (!one(".gates .bad, .figure.wrong", item) && !one("[data-bracketed]", item));
    if (following && clear) { event.preventDefault(); begin(decide(form, pressed)); return; }
  }
  if (waiting || typing.unkept || openNote(form)) {
    event.preventDefault();
    sent.add(form);
    Promise.all([settled(), keepText(), writeNote(form)]).then(([done, kept, lost]) => {
      sent.delete(form);
      if (done && kept && !lost) form.requestSubmit(pressed);
    });
    return;
  }
  typing.dirty = false;
  sent.add(form);
  setTimeout(() => sent.delete(form), 10_000);
  // A download leads to no other page, so that nothing would end its words.
  if (pressed && !form.matches("[data-download]")) busy(pressed);
});

/** What takes longer than a blink says so, in the button that was pressed. */
function busy(pressed) {
  clearTimeout(saving);
  saving = setTimeout(() => {
    const told = document.createElement("span");
    told.className = "saving";
    told.textContent = ` ${page.dataset.saving}`;
    pressed.setAttribute("aria-busy", "true");
    pressed.append(told);
    say(page.dataset.saving);
  }, 300);
}

function idle() {
  clearTimeout(saving);
  every(".saving").forEach((told) => told.remove());
  every("[aria-busy=true]").forEach((pressed) => pressed.removeAttribute("aria-busy"));
}

document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  const pressed = detail.elt.matches("form") && (detail.requestConfig.triggeringEvent?.submitter ?? one("button", detail.elt));
  if (pressed) busy(pressed);
});
document.addEventListener("htmx:afterRequest", ({ detail }) => { if (detail.elt.matches("form")) idle(); });
window.addEventListener("pageshow", () => { sent.clear(); idle(); });

// --- A list that others have changed says so, and stays as it is under the cursor until somebody wants it anew. ---

async function compare() {
  const note = one("#stale");
  // While a decision is on its way, the list here is ahead of the server's.
  if (!note || document.hidden || waiting) return;
  const asks = new URL(note.dataset.asks, location.href);
  asks.searchParams.set("shown", every("[data-grid] [data-row]").map((row) => row.dataset.row).join("."));
  const answer = await fetch(asks, { headers: { "X-Unattended": "1" } }).catch(() => null);
  if (!arrived(answer) || answer.status === 204 || waiting) return;
  const { words } = await answer.json();
  const told = one("span", note);
  if (told.textContent !== words) told.textContent = words;
  // An answer that is being written stays open.
  one("a", note).href = desk()?.dataset.address ?? (typing.dirty && note.dataset.open || note.dataset.list);
  note.hidden = !words;
}
if (one("#stale")) {
  setInterval(compare, 60_000);
  document.addEventListener("visibilitychange", compare);
}
