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

// When the editor is drawn again, what was open stays open and the focus where it was: in the same field, or at the thing
// that a button has moved.
/** @type {{ open: string[], here: Element | null, places: string[], caret: number | null }} */
let before = { open: [], here: null, places: [], caret: null };

/** What a <details> is known by. @param {Element} each */
const folded = (each) => each.id || each.querySelector("[name]")?.getAttribute("name") || each.querySelector("summary")?.textContent || "";

/** @param {string} name @param {string} value */
const having = (name, value) => `#editor [${name}="${CSS.escape(value)}"]`;

/** Where something is after it was drawn again: selectors, the best one first. @param {Element} here */
const placesOf = (here) => {
  const pick = here.closest("[data-pick]");
  if (pick) return [`${having("data-pick", pick.getAttribute("data-pick") || "")} [role=combobox]`];
  if (!(here instanceof HTMLButtonElement) || here.name !== "do") {
    const name = here.getAttribute("name"), box = here instanceof HTMLInputElement && here.type === "checkbox";
    return here.id ? [`#${CSS.escape(here.id)}`] : name ? [having("name", name) + (box ? `[value="${CSS.escape(here.value)}"]` : "")] : [];
  }
  const moved = /^(up|down|drop) (.*)\.(\d+)$/.exec(here.value);
  if (!moved) return [here.value, "save"].map((value) => having("value", value));
  const [, how, list, place] = moved, now = Number(place) + (how === "up" ? -1 : how === "down" ? 1 : 0);
  const tried = how === "drop" ? [`drop ${list}.${now}`, `drop ${list}.${now - 1}`] : [`${how} ${list}.${now}`, `${how === "up" ? "down" : "up"} ${list}.${now}`];
  return [...tried, `add ${list}`].map((value) => having("value", value));
};

document.addEventListener("htmx:before:swap", () => {
  const here = document.activeElement;
  const inside = here && here.closest("#editor") ? here : null;
  const caret = inside instanceof HTMLInputElement && inside.type === "text" ? inside.selectionStart : null;
  before = {
    open: [...document.querySelectorAll("#editor details[open]")].map(folded), here: inside, caret,
    places: inside ? placesOf(inside) : [],
  };
});

const goBack = () => {
  for (const each of document.querySelectorAll("#editor details")) if (before.open.includes(folded(each))) each.setAttribute("open", "");
  const { here, places, caret } = before;
  if (!here || here.isConnected || (document.activeElement && document.activeElement !== document.body)) return;
  if (here.localName === "summary" && here.parentElement) {
    const key = folded(here.parentElement);
    const same = [...document.querySelectorAll("#editor details")].find((each) => folded(each) === key);
    same?.querySelector("summary")?.focus({ preventScroll: true });
    return;
  }
  for (const place of places) {
    const found = document.querySelector(place);
    if (!(found instanceof HTMLElement)) continue;
    found.focus({ preventScroll: true });
    if (caret !== null && found instanceof HTMLInputElement && found.type === "text") found.setSelectionRange(caret, caret);
    return;
  }
};
// Pickers are made by a script of their own, right after the swap.
document.addEventListener("htmx:before:settle", () => queueMicrotask(goBack));
