// What the admin's pages do beyond their forms: everything in here is a comfort, and each page works without it.
"use strict";

// What was typed is kept in this browser until it was sent, so that a session that ran out costs nothing.
const KEPT = "upsell-desk:";

/** @param {HTMLFormElement} form */
const keyOf = (form) => KEPT + location.pathname + "#" + (form.dataset.keep || "");

document.addEventListener("input", (event) => {
  const form = /** @type {HTMLElement} */ (event.target).closest("form[data-keep]");
  if (!(form instanceof HTMLFormElement)) return;
  const pairs = [...new FormData(form)].filter(([name, value]) => name !== "csrf" && typeof value === "string");
  try { sessionStorage.setItem(keyOf(form), JSON.stringify(pairs)); } catch { /* no room: nothing is kept */ }
});

// A form that was answered well says so with data-sent; then what was kept is of no more use.
for (const sent of document.querySelectorAll("[data-sent]")) {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(KEPT)) sessionStorage.removeItem(key);
}

// Ask before what cannot be undone.
document.addEventListener("submit", (event) => {
  const button = /** @type {SubmitEvent} */ (event).submitter;
  const words = button && button.dataset.ask;
  if (words && !confirm(words)) event.preventDefault();
});
