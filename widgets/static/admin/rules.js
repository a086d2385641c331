// Rules are dragged to another place; the buttons beside them do the same by keyboard.
"use strict";

let dragged = "";

/** @param {Event} event */
const rowAt = (event) => {
  const row = event.target instanceof Element ? event.target.closest("tr[data-rule]") : null;
  return row instanceof HTMLElement ? row : null;
};

document.addEventListener("dragstart", (event) => {
  const row = rowAt(event);
  if (row && event.dataTransfer) {
    dragged = row.dataset.rule || "";
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged);
  }
});

document.addEventListener("dragover", (event) => {
  const row = rowAt(event);
  for (const each of document.querySelectorAll("tr.here")) each.classList.remove("here");
  if (!row || !dragged || row.dataset.rule === dragged) return;
  event.preventDefault();
  row.classList.add("here");
});

document.addEventListener("drop", (event) => {
  const row = rowAt(event);
  const form = document.getElementById("move");
  if (!row || !dragged || !(form instanceof HTMLFormElement)) return;
  event.preventDefault();
  const box = row.getBoundingClientRect();
  const say = (/** @type {string} */ name, /** @type {string} */ value) => {
    const field = form.elements.namedItem(name);
    if (field instanceof HTMLInputElement) field.value = value;
  };
  say("name", dragged);
  say("target", row.dataset.rule || "");
  say("way", event.clientY < box.top + box.height / 2 ? "before" : "after");
  form.submit();
});

// The preview stands in a shadow root, so that no style of these pages meets those of the store. What a page brings is
// put there by the browser itself; what htmx brings, here.
const stage = () => {
  for (const each of document.querySelectorAll("template[shadowrootmode]")) {
    const host = each.parentElement;
    if (!(each instanceof HTMLTemplateElement) || !host || host.shadowRoot) continue;
    host.attachShadow({ mode: "open" }).append(each.content);
    each.remove();
  }
};
new MutationObserver(stage).observe(document.documentElement, { childList: true, subtree: true });

// What was wrong is told at its field until somebody types there; then what stands beside the form says how it is now.
document.addEventListener("input", (event) => {
  const field = event.target instanceof Element ? event.target.closest(".editor .wrong") : null;
  if (!field) return;
  field.classList.remove("wrong");
  for (const each of field.querySelectorAll(":scope > .error")) each.remove();
});

// A form that saves itself and waited for its turn is old when a button has redrawn it meanwhile: what the button did
// must not be taken back.
document.addEventListener("htmx:before:request", (event) => {
  const source = event instanceof CustomEvent ? event.detail.ctx.sourceElement : null;
  if (source instanceof HTMLFormElement && !source.isConnected) event.preventDefault();
});
