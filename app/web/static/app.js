// What the pages do with a script. Every page works without it, and everything it does can be reached by Tab. The modules read what
// to do from data attributes: page.js has the keys, desk.js the queue, and here is the rest. Three files, because each is a request.

import { desk, settle } from "./desk.js";
import { arrived, countAll, countWords, every, formData, one, page, parsed, rove, say } from "./page.js";

// --- The inbox. ---

document.addEventListener("click", (event) => {
  // A key presses the radio by a click without a pointer; arrows and the mouse only choose, and the button stores.
  const { submit, then } = event.target.dataset;
  if (event.detail !== 0 || event.isTrusted) return;
  if (submit) event.target.form.requestSubmit(document.getElementById(submit));
  // What cannot be taken back is chosen by its key and stored by Enter: the button has the focus.
  if (then) { document.getElementById(then).focus(); say(event.target.parentElement.textContent.trim()); }
});
document.addEventListener("input", (event) => {
  const told = one(`[data-tell="${CSS.escape(event.target.id)}"]`);
  if (told) told.textContent = told.dataset.words.replace("{words}", countWords(event.target.value));
});

// Who else has the message open: shown, and asked for while the page is in sight.
async function meet() {
  const line = one("[data-here]");
  if (!line || document.hidden) return;
  const answer = await fetch(line.dataset.here, { method: "POST", body: formData() }).catch(() => null);
  const state = arrived(answer) && await answer.json().catch(() => null);
  if (state && line.textContent !== state.words) line.textContent = state.words;
}
if (one("[data-here]")) { meet(); setInterval(meet, 20_000); }

// --- The palette: the page /search in a dialog. One field, a list that arrows walk, Enter opens, Escape closes. Without a script the
// same control is a link to the page. It is a combobox as the ARIA practices describe it: the focus stays in the field, and
// aria-activedescendant names the line that Enter would open. ---

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
  show(parsed(await answer.text()));
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

// --- Counts that change while a page is open. Of all tabs of a browser one holds the stream and tells the others, because a plain
// server answers only six connections a host over HTTP/1.1. A hidden tab holds none. Where streams do not come through, the counts are
// asked for again and again, ever more slowly. Only counters change, never a list under the cursor. ---

const nav = document.querySelector("[data-live]");
const CHANNEL = "gapbridge-live";
const PATIENCE = 20_000; // without a word from a leader for so long, there is none

function apply(counts) {
  for (const [path, count] of Object.entries(counts)) {
    const link = document.querySelector(`header a[href="${CSS.escape(path)}"]`);
    if (!link) continue;
    let badge = link.querySelector(".count");
    if (!badge && count) {
      badge = document.createElement("span");
      badge.className = "count";
      link.append(" ", badge);
    }
    if (badge && badge.textContent !== count) {
      if (count) badge.textContent = count;
      else badge.remove();
    }
    for (const told of document.querySelectorAll(`[data-count-of="${CSS.escape(path)}"]`)) told.textContent = count || "0";
  }
  entitle();
}

// What waits in the inbox stands before the title, so that a tab behind others says it. "Error:" stays the first word of a page.
function entitle() {
  const count = nav.querySelector('a[href="/inbox"] .count')?.textContent;
  const bare = document.title.replace(/^\(\d+\+?\) /, "");
  const wanted = count && !document.getElementById("problems") ? `(${count}) ${bare}` : bare;
  if (document.title !== wanted) document.title = wanted;
}

class Live {
  constructor(channel) {
    this.channel = channel;
    this.me = Math.random();
    this.stream = null;
    this.heard = 0;
    this.wait = 5_000;
    channel.onmessage = ({ data }) => this.told(data);
    document.addEventListener("visibilitychange", () => (document.hidden ? this.rest() : this.look()));
    addEventListener("pagehide", () => this.rest());
    setInterval(() => this.look(), 5_000);
    channel.postMessage({ kind: "who" });
    setTimeout(() => this.look(), 500);
  }

  get leads() { return this.stream !== null || this.polling !== undefined; }

  told(data) {
    if (data.kind === "counts") { this.heard = Date.now(); apply(data.counts); }
    else if (data.kind === "leads") {
      this.heard = Date.now();
      // Two that began at once: the smaller number stays.
      if (this.leads && data.me < this.me) this.rest({ quiet: true });
      else if (this.leads) this.say({ kind: "leads", me: this.me });
    } else if (data.kind === "who" && this.leads) this.say({ kind: "leads", me: this.me });
    else if (data.kind === "gone") { this.heard = 0; setTimeout(() => this.look(), Math.random() * 300); }
  }

  say(message) { this.channel.postMessage(message); }

  look() {
    if (document.hidden) return;
    if (this.leads) { this.say({ kind: "leads", me: this.me }); return; }
    if (Date.now() - this.heard > PATIENCE) this.lead();
  }

  lead() {
    this.say({ kind: "leads", me: this.me });
    this.failures = 0;
    this.stream = new EventSource(nav.dataset.live);
    this.stream.addEventListener("counts", (event) => {
      this.failures = 0;
      this.spread(JSON.parse(event.data));
    });
    this.stream.onerror = () => {
      this.failures += 1;
      // Refused, or broken off again and again without a word: no stream comes through here.
      if (this.stream && (this.stream.readyState === EventSource.CLOSED || this.failures > 2)) {
        this.stream.close();
        this.stream = null;
        this.poll();
      }
    };
  }

  spread(counts) { apply(counts); this.say({ kind: "counts", counts }); }

  poll() {
    this.polling = setTimeout(async () => {
      const answer = await fetch(nav.dataset.live, { redirect: "error" }).catch(() => null);
      if (answer?.status === 204 || answer?.status === 403) { this.rest(); return; } // signed out
      if (answer?.ok) { this.spread(await answer.json()); this.wait = 5_000; } else this.wait = Math.min(this.wait * 2, 60_000);
      if (this.polling !== undefined) this.poll();
    }, this.wait);
  }

  rest({ quiet = false } = {}) {
    if (!this.leads) return;
    this.stream?.close();
    this.stream = null;
    clearTimeout(this.polling);
    this.polling = undefined;
    if (!quiet) this.say({ kind: "gone" });
  }
}

if (nav && "BroadcastChannel" in window && "EventSource" in window) new Live(new BroadcastChannel(CHANNEL));
if (nav) {
  entitle();
  // The queue changes the title with each item.
  new MutationObserver(entitle).observe(document.querySelector("title"), { childList: true });
}

// --- Begin. ---

rove();
one("[data-focus]")?.focus();
if (desk()) settle();
else countAll();
page.dataset.ready = "yes";
