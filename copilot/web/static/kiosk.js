// A terminal on the floor: keys for gloves, and a badge reader that types and ends with Enter.
const form = document.querySelector("[data-terminal]");

if (form) {
  const { badge, pin } = form.elements;
  const keypad = form.querySelector(".keypad");
  keypad.hidden = false;
  keypad.addEventListener("click", (event) => {
    const key = event.target.closest("button");
    if (!key) return;
    if (key.dataset.digit) pin.value = (pin.value + key.dataset.digit).slice(0, pin.maxLength);
    else if ("back" in key.dataset) pin.value = pin.value.slice(0, -1);
    else pin.value = "";
  });
  badge.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || pin.value) return;
    event.preventDefault(); // the reader's Enter: the PIN comes next
    pin.focus();
  });
  if (!badge.value) badge.focus();
}
