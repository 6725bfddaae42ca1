// Parts of a page that are fetched after it ([data-when=load]), or again when alarms change ([data-when=alarms]).
import {refresh} from "./live.js";
import {drawTrends} from "./trend.js";

const LEAST_MS = 2000;

async function fetchInto(place) {
  const answer = await fetch(place.dataset.fragment, {headers: {"X-Background": "1", "X-Fragment": "1", Accept: "text/html"}, redirect: "manual"});
  if (answer.type === "opaqueredirect" || answer.status === 401) return;   // the stream leads to the sign-in
  if (!answer.ok) throw new Error(`${answer.status}`);
  const text = await answer.text();
  const kept = remember(place);
  place.innerHTML = text;        // rendered and escaped by our own server
  kept();
  place.removeAttribute("aria-busy");
  refresh();
  drawTrends(place);
}

/** Where the keyboard is, and what is unfolded: both stay when a part is replaced. */
function remember(place) {
  const focused = place.contains(document.activeElement) ? document.activeElement : null;
  const href = focused?.getAttribute("href");
  const unfolded = [...place.querySelectorAll("details[open][id]")].map(e => e.id);
  return () => {
    unfolded.forEach(id => document.getElementById(id)?.setAttribute("open", ""));
    if (href) place.querySelector(`[href="${CSS.escape(href)}"]`)?.focus({preventScroll: true});
  };
}

async function load(place) {
  place.setAttribute("aria-busy", "true");
  try {
    await fetchInto(place);
  } catch {
    place.removeAttribute("aria-busy");
    const text = place.dataset.failed;
    if (text && !place.querySelector(".problem")) place.prepend(Object.assign(document.createElement("p"), {className: "problem", textContent: text}));
  }
}

const due = new Map();

function soon(place) {
  if (due.has(place)) return;
  due.set(place, setTimeout(() => { due.delete(place); load(place); }, LEAST_MS));
}

document.querySelectorAll('[data-fragment][data-when="load"]').forEach(load);
document.addEventListener("copilot:alarms", () => document.querySelectorAll('[data-fragment][data-when="alarms"]').forEach(soon));
