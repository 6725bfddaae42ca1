// The one stream of a tab: values, counters and steps of runs are put where the page asks for them.
//
// <tr data-signal="M-1.flow"> with children [data-part=value|age|quality|words|bar]; [data-live=waiting|line|source];
// events on document: copilot:values, copilot:waiting, copilot:alarms, copilot:source, copilot:run.
const HIDDEN_MS = 60_000, AGAIN_MS = 10_000;
const runs = new Map();          // run -> number of its last event
const known = new Map();         // signal -> what was last told of it
let source = null, opened = "", skew = 0, hiding = 0, again = 0, lost = false;

const all = (selector, root = document) => root.querySelectorAll(selector);
const live = name => all(`[data-live="${name}"]`);
const word = key => live("line")[0]?.dataset[key] ?? "";
const tell = (kind, detail) => document.dispatchEvent(new CustomEvent(`copilot:${kind}`, {detail}));

export const now = () => Date.now() + skew;

/** Follow a run from its first event, or from where this tab left it. */
export function follow(run) {
  if (!runs.has(run)) runs.set(run, 0);
  open(true);
}

/** Look at the page again: parts of it are new. */
export function refresh() {
  all("[data-signal]").forEach(put);
  tick();
  open(false);
}

function address() {
  const asked = new URLSearchParams();
  const signals = new Set([...all("[data-signal]")].map(e => e.dataset.signal));
  [...signals].sort().slice(0, 600).forEach(signal => asked.append("signal", signal));
  runs.forEach((seq, run) => asked.append("run", `${run}:${seq}`));
  if (live("alarms").length) asked.set("alarms", "true");
  return `/events?${asked}`;
}

function open(force) {
  clearTimeout(again);
  if (!document.querySelector('meta[name="csrf"]') || document.hidden && !source && !runs.size) return;
  const wanted = address();
  if (source && source.readyState !== EventSource.CLOSED && wanted === opened && !force) return;
  source?.close();
  opened = wanted;
  const stream = source = new EventSource(wanted);
  const on = (kind, act) => stream.addEventListener(kind, e => stream === source && act(JSON.parse(e.data), e));
  stream.onopen = () => line(false);
  stream.onerror = () => stream === source && fail();
  on("values", values);
  on("clock", at => { skew = Date.parse(at) - Date.now(); });
  on("waiting", waiting);
  on("alarms", detail => tell("alarms", detail));
  on("source", plantSource);
  on("run", step);
  on("gone", ({run}) => { runs.delete(run); });
  on("signed-out", signedOut);
}

function close() {
  source?.close();
  source = null;
}

function fail() {
  line(true);
  if (source.readyState === EventSource.CLOSED) again = setTimeout(ask, AGAIN_MS);
}

/** The server turned the stream away: because we are signed out, or too many, or it is not there. */
async function ask() {
  try {
    const answer = await fetch("/events/here", {headers: {"X-Background": "1"}});
    if (answer.status === 401) return signedOut();
  } catch { /* not there: try again */ }
  open(true);
}

function signedOut() {
  close();
  location.assign(`/sign-in?next=${encodeURIComponent(location.pathname)}`);
}

function line(gone) {
  if (gone === lost) return;
  lost = gone;
  document.documentElement.toggleAttribute("data-lost", gone);
  live("line").forEach(e => { e.textContent = e.dataset[gone ? "lost" : "back"] ?? ""; e.hidden = !e.textContent; });
  if (!gone) setTimeout(() => { if (!lost) live("line").forEach(e => { e.hidden = true; }); }, 4000);
}

function values(told) {
  for (const [signal, one] of Object.entries(told)) known.set(signal, one);
  all("[data-signal]").forEach(e => { if (e.dataset.signal in told) put(e); });
  tick();
  tell("values", told);
}

function put(element) {
  const one = known.get(element.dataset.signal);
  if (!one) return;
  const same = [...all("[data-part]", element)].filter(e => e.closest("[data-signal]") === element);
  Object.assign(element.dataset, {quality: one.quality, state: one.state, time: one.time});
  for (const part of same) {
    switch (part.dataset.part) {
      case "value": write(part, one.text); break;
      case "quality": write(part, one.quality === "good" ? word("good") || "good" : word(one.quality) || one.quality); break;
      case "words": write(part, one.words); break;
      case "bar": bar(part, one); break;
    }
  }
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function bar(part, one) {
  part.classList.toggle("outside", one.state !== "usual");
  const here = part.querySelector(".here") ?? part;
  here.toggleAttribute("hidden", one.bar === null);
  if (one.bar !== null) here.setAttribute("x", Math.max(0, Math.min(98, one.bar - 1)));
}

function age(seconds) {
  const s = Math.max(seconds, 0);
  if (s < 90) return `${Math.round(s)} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  return s < 172800 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86400)} ${word("days") || "days"}`;
}

function tick() {
  if (document.hidden) return;
  for (const part of all('[data-signal] [data-part="age"]')) {
    const time = part.closest("[data-signal]").dataset.time;
    if (time) write(part, age((now() - Date.parse(time)) / 1000));
  }
}

function waiting(told) {
  for (const e of live("waiting")) {
    e.textContent = told.count;
    e.setAttribute("aria-label", `${told.count} ${e.dataset.label}`);
    e.hidden = !told.count;
  }
  tell("waiting", told);
}

function plantSource(told) {
  for (const e of live("source")) {
    const last = told.since && e.dataset.last ? ` ${e.dataset.last} ${new Date(told.since).toLocaleString(document.documentElement.lang)}.` : "";
    e.textContent = told.ok ? "" : `${told.text}.${last}`;
    e.hidden = told.ok;
  }
  tell("source", told);
}

function step(told, event) {
  const [run, seq] = [told.run, Number(event.lastEventId.split(":").pop())];
  if (seq <= (runs.get(run) ?? 0)) return;      // a repeated one, after the line was lost
  runs.set(run, seq);
  tell("run", told);
  if (told.kind === "ended") setTimeout(() => runs.delete(run), 0);
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(hiding);
  if (document.hidden) hiding = setTimeout(() => { if (!runs.size) close(); }, HIDDEN_MS);
  else { tick(); open(false); }
});
addEventListener("pagehide", close);
addEventListener("pageshow", e => { if (e.persisted) open(true); });
setInterval(tick, 1000);
open(false);
