// The chat: sends questions, puts the pieces that the server rendered in their places, stops, rates.
import {follow, now} from "./live.js";

const chat = document.getElementById("chat"), turns = document.getElementById("turns");
const form = document.getElementById("ask"), box = form.elements.text;
const unsent = document.getElementById("unsent"), spoken = document.getElementById("spoken");
const AGES_MS = 5000;
let key = "", sending = false, following = true;

const part = (turn, name) => turn.querySelector(`[data-part="${name}"]`);
const turnOf = run => turns.querySelector(`[data-run="${CSS.escape(run)}"]`);

/** A key that only this browser knows: crypto.randomUUID is missing where there is no TLS. */
function freshKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), b => b.toString(16).padStart(2, "0")).join("");
}

async function post(path, body) {
  const csrf = document.querySelector('meta[name="csrf"]').content;
  const answer = await fetch(path, {
    method: "POST",
    headers: {"Content-Type": "application/json", "Accept": "application/json", "X-CSRF-Token": csrf},
    body: JSON.stringify(body),
  });
  if (answer.status === 401) location.assign(`/sign-in?next=${encodeURIComponent(location.pathname)}`);
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error.message);
  return content;
}

function complain(error) {
  unsent.textContent = error instanceof TypeError || error instanceof SyntaxError ? chat.dataset.unsent : error.message;
  unsent.hidden = false;
}

async function send(text) {
  if (sending || !text.trim()) return;
  sending = true;
  key ||= freshKey();                            // kept until it is sent: a second try asks once
  unsent.hidden = true;
  try {
    const sent = await post("/chat/messages", {conversation: chat.dataset.conversation || null, text, key});
    key = "";
    if (box.value === text) { box.value = ""; fit(); }
    begin(sent);
  } catch (error) {
    if (!(error instanceof TypeError)) key = "";
    if (!box.value) { box.value = text; fit(); }
    complain(error);
  } finally {
    sending = false;
  }
}

function begin({conversation, run, text}) {
  if (chat.dataset.conversation !== conversation) opened(conversation, text);
  if (turnOf(run)) return;
  document.getElementById("suggestions")?.remove();
  const turn = document.getElementById("mould").content.firstElementChild.cloneNode(true);
  turn.dataset.run = run;
  turn.querySelector(".question").textContent = text;
  turns.append(turn);
  following = true;
  reveal(turn);
  follow(run);
}

/** From now on this page is that conversation: a reload shows it again. */
function opened(conversation, title) {
  chat.dataset.conversation = conversation;
  history.replaceState(null, "", `/chat/${conversation}`);
  part(chat, "title").textContent = title.length > 80 ? `${title.slice(0, 77)}...` : title;
  for (const name of ["new", "handover"]) part(chat, name).hidden = false;
  for (const link of chat.querySelectorAll("[data-handover]")) link.href = `/chat/${conversation}/handover.${link.dataset.handover}`;
}

function happened({detail: told}) {
  const turn = turnOf(told.run);
  if (!turn || told.seq <= Number(turn.dataset.seq)) return;
  turn.dataset.seq = told.seq;
  place[told.kind](turn, told);
  if (told.text) say(told.text);
  reveal(turn);
}

// All HTML here was rendered and escaped by the server; see showing.py.
const place = {
  queued(turn, told) { part(turn, "queue").innerHTML = told.html; },
  planned(turn, told) {
    part(turn, "queue").replaceChildren();
    part(turn, "steps").innerHTML = told.html;
  },
  outcome(turn, told) {
    const step = part(turn, "steps").querySelector(`[data-position="${told.position}"]`);
    if (step) step.outerHTML = told.step;
    if (!told.html) return;
    const cards = part(turn, "cards");
    const later = [...cards.children].find(card => Number(card.dataset.position) > told.position);
    const mould = document.createElement("template");
    mould.innerHTML = told.html;
    const card = mould.content.firstElementChild;
    cards.insertBefore(card, later ?? null);
    draw(card);
  },
  answered(turn, told) {
    part(turn, "queue").replaceChildren();
    part(turn, "answer").innerHTML = told.html;
  },
  noticed(turn, told) { part(turn, "notices").insertAdjacentHTML("beforeend", told.html); },
  ended(turn, told) {
    part(turn, "queue").replaceChildren();
    part(turn, "end").innerHTML = told.html;
    turn.dataset.state = "ended";
  },
};

async function draw(root) {
  if (root.querySelector("[data-trend]")) (await import("./trend.js")).drawTrends(root);
}

function say(text) {
  const line = document.createElement("p");
  line.textContent = text;
  spoken.replaceChildren(line);
}

/** Bring what is new into view, never beyond the question, and never against the reader. */
function reveal(turn) {
  if (!following) return;
  const {top, bottom} = turn.getBoundingClientRect();
  const covered = bottom + 12 - form.getBoundingClientRect().top;
  if (covered > 0) scrollBy({top: Math.min(covered, top - 8), behavior: "instant"});
}

function fit() {
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight + 2, innerHeight / 3)}px`;
}

async function rate(turn, right) {
  const why = turn.querySelector(".why");
  try {
    await post(`/runs/${turn.dataset.run}/feedback`, {right, why: why.elements.why.value});
    turn.querySelector('[data-act="right"]').setAttribute("aria-pressed", right);
    turn.querySelector('[data-act="wrong"]').setAttribute("aria-pressed", !right);
    why.hidden = false;
    part(turn, "thanks").textContent = chat.dataset.thanks;
  } catch (error) { complain(error); }
}

async function stop(turn, button) {
  button.disabled = true;
  try { await post(`/runs/${turn.dataset.run}/stop`, {}); } catch (error) { complain(error); }
  button.disabled = false;
  box.focus();
}

function pressed(event) {
  const asked = event.target.closest("[data-ask]"), button = event.target.closest("[data-act]");
  if (asked) {
    event.preventDefault();
    send(asked.dataset.ask);
    box.focus({preventScroll: true});
  } else if (button) {
    const turn = button.closest(".turn");
    if (button.dataset.act === "stop") stop(turn, button);
    else rate(turn, button.dataset.act === "right");
  }
}

function ages() {
  for (const time of turns.querySelectorAll("time[data-age]")) {
    const s = Math.max((now() - Date.parse(time.dateTime)) / 1000, 0);
    const age = s < 90 ? `${Math.round(s)} s` : s < 5400 ? `${Math.round(s / 60)} min`
      : s < 172800 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86400)} days`;
    time.textContent = time.dataset.age.replace("{}", age);
  }
}

form.addEventListener("submit", event => { event.preventDefault(); send(box.value); box.focus(); });
box.addEventListener("keydown", event => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); send(box.value); }
});
box.addEventListener("input", () => { key = ""; fit(); });
chat.addEventListener("click", pressed);
turns.addEventListener("submit", event => {
  event.preventDefault();
  const turn = event.target.closest(".turn");
  rate(turn, turn.querySelector('[data-act="right"]').getAttribute("aria-pressed") === "true");
});
for (const kind of ["wheel", "touchmove"]) addEventListener(kind, () => { following = false; }, {passive: true});
document.addEventListener("copilot:run", happened);
for (const turn of turns.querySelectorAll('[data-state="running"]')) follow(turn.dataset.run);
turns.lastElementChild?.scrollIntoView({block: "start"});
draw(turns);
setInterval(ages, AGES_MS);
fit();
