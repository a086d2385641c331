// What the admin's pages do beyond their forms: everything in here is a comfort, and each page works without it.
"use strict";

// What was typed is kept in this tab until it was sent, so that a session that ran out costs nothing.
const KEPT = "upsell-desk:" + (document.body.dataset.person || "") + ":";

/** @param {HTMLFormElement} form */
const keyOf = (form) => KEPT + location.pathname + "#" + (form.dataset.keep || "");

/** @param {HTMLFormElement} form */
const typedIn = (form) =>
  new URLSearchParams([...form.elements].flatMap((field) => {
    const one = /** @type {HTMLInputElement} */ (field);
    if (!one.name || ["hidden", "file", "submit", "button", "password", "fieldset"].includes(one.type)) return [];
    return [[one.name, ["checkbox", "radio"].includes(one.type) ? one.value + "=" + one.checked : one.value]];
  })).toString();

/** @param {EventTarget | null} target */
const formOf = (target) => {
  const field = /** @type {HTMLInputElement | null} */ (target instanceof HTMLElement ? target : null);
  const form = field && ("form" in field && field.form ? field.form : field.closest("form"));
  return form instanceof HTMLFormElement && form.dataset.keep !== undefined ? form : null;
};

for (const kind of ["input", "change"]) {
  document.addEventListener(kind, (event) => {
    const form = formOf(event.target);
    if (!form) return;
    try { sessionStorage.setItem(keyOf(form), typedIn(form)); } catch { /* no room: nothing is kept */ }
  });
}

// A page that says that something was done says so with data-sent; then what was kept is of no more use.
if (document.querySelector("[data-sent]")) {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(KEPT)) sessionStorage.removeItem(key);
}
document.addEventListener("htmx:after:request", (event) => {
  const ctx = event instanceof CustomEvent ? event.detail.ctx : null;
  const form = ctx && formOf(ctx.sourceElement);
  if (form && ctx.response && ctx.response.status < 400) sessionStorage.removeItem(keyOf(form));
});

/** @param {HTMLFormElement} form @param {string[][]} pairs */
const putBack = (form, pairs) => {
  const rest = [...pairs];
  for (const field of form.elements) {
    const one = /** @type {HTMLInputElement} */ (field);
    const at = rest.findIndex(([name]) => name === one.name);
    if (at < 0 || ["hidden", "file", "submit", "button", "password"].includes(one.type)) continue;
    const [[, value]] = rest.splice(at, 1);
    if (["checkbox", "radio"].includes(one.type)) one.checked = value === one.value + "=true";
    else one.value = value;
  }
  const field = [...form.elements].find((each) => each instanceof HTMLInputElement && each.type !== "hidden");
  if (field) field.dispatchEvent(new Event("change", { bubbles: true }));
};

// What was kept and is not what the page has is offered again.
for (const form of document.querySelectorAll("form[data-keep]")) {
  if (!(form instanceof HTMLFormElement)) continue;
  const kept = sessionStorage.getItem(keyOf(form));
  const words = document.getElementById("kept");
  if (!kept || kept === typedIn(form) || !(words instanceof HTMLTemplateElement)) continue;
  const note = document.importNode(words.content, true).firstElementChild;
  if (!(note instanceof HTMLElement)) continue;
  note.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    if (!button) return;
    if ("putBack" in button.dataset) putBack(form, [...new URLSearchParams(kept)]);
    else sessionStorage.removeItem(keyOf(form));
    note.remove();
  });
  form.before(note);
}

// On a phone the menu is longer than the screen is wide.
const showCurrent = () => {
  const current = document.querySelector(".menu [aria-current]");
  const menu = current && current.parentElement;
  if (!(current instanceof HTMLElement) || !menu) return;
  menu.scrollLeft = current.offsetLeft - menu.offsetLeft - (menu.clientWidth - current.offsetWidth) / 2;
};
showCurrent();
window.addEventListener("resize", showCurrent);

// Ask before what cannot be undone.
document.addEventListener("submit", (event) => {
  const button = /** @type {SubmitEvent} */ (event).submitter;
  const words = button && button.dataset.ask;
  if (words && !confirm(words)) event.preventDefault();
});
