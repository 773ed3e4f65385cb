// Counts that change while a page is open. Of all tabs of a browser one holds the stream and tells the others, because a
// plain server answers only six connections a host over HTTP/1.1. A hidden tab holds none. Where streams do not come
// through, the counts are asked for again and again, ever more slowly. Only counters change, never a list under the cursor.

const nav = document.querySelector("[data-live]");
const CHANNEL = "gapbridge-live";
const PATIENCE = 20_000; // without a word from a leader for so long, there is none

function apply(counts) {
  for (const [path, count] of Object.entries(counts)) {
    const link = nav.querySelector(`a[href="${CSS.escape(path)}"]`);
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
