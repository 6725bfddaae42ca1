// The inbox and the card of a proposal: what changes is loaded again, nobody approves unseen values.
const EVERY_MS = 2000, INBOX_MS = 10_000;
const begun = new WeakMap();  // an element that counts down -> since when, and from how much

/** Make `old` look like `fresh`, keeping elements and with them focus and scrolling. */
function morph(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) return old.replaceWith(fresh.cloneNode(true));
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return undefined;
  }
  for (const {name} of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const {name, value} of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  return morphChildren(old, fresh);
}

function morphChildren(old, fresh) {
  const wanted = [...fresh.childNodes];
  while (old.childNodes.length > wanted.length) old.lastChild.remove();
  wanted.forEach((child, at) => at < old.childNodes.length ? morph(old.childNodes[at], child) : old.append(child.cloneNode(true)));
}

async function load(address) {
  const answer = await fetch(address, {headers: {Accept: "text/html"}, signal: AbortSignal.timeout(15_000)});
  if (!answer.ok || answer.redirected) throw new Error(`status ${answer.status}`);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

/** Seconds as people count them down: 29:04, or 1:05:00. */
function clock(seconds) {
  const two = n => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

function countDown() {
  for (const element of document.querySelectorAll("[data-left]")) {
    let known = begun.get(element);
    if (known?.left !== element.dataset.left) begun.set(element, known = {left: element.dataset.left, at: performance.now()});
    const left = Math.max(0, Math.round(known.left - (performance.now() - known.at) / 1000));
    if (element.textContent !== clock(left)) element.textContent = clock(left);
  }
}

const busy = () => [...document.querySelectorAll("form input, form textarea")].some(field =>
  ["password", "text", "textarea"].includes(field.type) && field.closest("main") && field.value);

/** Put the page as it is now in place of the one that was loaded. */
async function renew(address) {
  const page = await load(address);
  document.querySelector("#content").replaceChildren(...page.querySelector("#content").childNodes);
}

function permit(looked) {
  for (const button of document.querySelectorAll("[data-needs-look]")) {
    const words = button.form.querySelector("[data-blocked]");
    button.disabled = looked !== "yes";
    words.hidden = looked === "yes";
    words.textContent = words.dataset[looked === "changed" || looked === "unseen" ? looked : "waits"];
  }
}

function warn(card, text) {
  const alert = card.querySelector("[data-slot=alert]");
  if (alert.textContent !== text) alert.textContent = text;
  alert.hidden = !text;
}

/** One look at what changes; whether there is a reason to look again. */
async function look(card) {
  const page = await load(card.querySelector("[data-src]").dataset.src);
  const fragment = page.querySelector("[data-fragment]");
  const {version, watched, looked} = fragment.dataset;
  for (const part of fragment.querySelectorAll("[data-now]")) {
    const slot = card.querySelector(`[data-slot=${part.dataset.now}]`);
    if (part.dataset.now !== "alert") morphChildren(slot, part);
  }
  const changed = fragment.querySelector("[data-now=alert]").textContent.trim();
  const moved = version !== card.dataset.version;
  permit(looked);
  warn(card, moved && busy() ? card.dataset.moved : changed);
  if (!moved || busy()) return watched === "yes";
  await renew(`/approvals/${card.dataset.card}`);
  return look(document.querySelector("[data-card]"));
}

async function watchCard() {
  const card = document.querySelector("[data-card]");
  let again = true;
  if (!document.hidden) {
    try {
      again = await look(card);
    } catch (error) {
      permit("unseen");
      warn(card, card.dataset.lost);
    }
  }
  countDown();
  if (again) setTimeout(watchCard, EVERY_MS);
}

async function watchInbox() {
  const read = document.querySelector("[data-inbox] details[open], [data-inbox] [role=alert]");
  if (!document.hidden && !busy() && !read) await renew("/approvals").catch(() => {});
  setTimeout(watchInbox, INBOX_MS);
}

setInterval(countDown, 1000);
const first = document.querySelector("[data-card]");
if (first) {
  history.replaceState(null, "", `/approvals/${first.dataset.card}`);  // not that of a refused decision
  watchCard();
} else if (document.querySelector("[data-inbox]")) setTimeout(watchInbox, INBOX_MS);
