// Pickers: a field that searches as one types and keeps what was chosen as chips. Without this script they are plain
// inputs, one for each value. What the server answers is parsed as a document of its own, and only its options are taken.
"use strict";

/** Milliseconds without a key before it is searched. */
const DELAY = 150;
let pickers = 0;

/** @param {string} tag @param {Record<string, string>} attributes */
const make = (tag, attributes = {}, text = "") => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text) made.textContent = text;
  return made;
};

/** @param {HTMLElement} field */
const picker = (field) => {
  const words = field.dataset, name = words.pick || "", many = "many" in words, ordered = "ordered" in words;
  const inputs = /** @type {HTMLInputElement[]} */ ([...field.querySelectorAll(".picked > input")]);
  const box = field.querySelector(".picked"), label = field.querySelector("label");
  if (!box || !label) return;
  const id = `pick-${++pickers}`, first = inputs[inputs.length - 1];
  const chips = make("ul", { class: "chips" });
  const list = make("ul", { class: "options", id, role: "listbox", hidden: "" });
  const status = make("p", { class: "hide", role: "status" });
  const search = /** @type {HTMLInputElement} */ (make("input", {
    id: `${id}-search`, type: "text", role: "combobox", autocomplete: "off", spellcheck: "false", "aria-autocomplete": "list",
    "aria-controls": id, "aria-expanded": "false", placeholder: words.hint || "",
  }));
  for (const each of ["aria-describedby", "aria-invalid"]) if (first && first.getAttribute(each)) search.setAttribute(each, first.getAttribute(each) || "");
  label.setAttribute("for", search.id);
  if (!label.id) label.id = `${id}-label`;
  list.setAttribute("aria-labelledby", label.id);
  /** @type {XMLHttpRequest | null} */
  let asked = null;
  let timer = 0, active = -1;

  const options = () => /** @type {HTMLElement[]} */ ([...list.querySelectorAll("[role=option]")]);
  const chosen = () => [...chips.querySelectorAll("input")].map((each) => each.value);
  const tell = (text = "", title = "") => { status.textContent = text.replace("{title}", title); };
  // Who listens to the form (what is typed is kept, previews) hears of it as of any input.
  const changed = () => { for (const what of ["input", "change"]) chips.dispatchEvent(new Event(what, { bubbles: true })); };

  const close = () => {
    list.hidden = true; active = -1;
    search.setAttribute("aria-expanded", "false");
    search.removeAttribute("aria-activedescendant");
  };
  const open = () => {
    list.hidden = !options().length;
    search.setAttribute("aria-expanded", String(!list.hidden));
  };
  /** @param {number} to */
  const move = (to) => {
    const all = options();
    if (!all.length) return;
    active = (to + all.length) % all.length;
    all.forEach((each, place) => each.setAttribute("aria-selected", String(place === active)));
    search.setAttribute("aria-activedescendant", all[active].id);
    all[active].scrollIntoView({ block: "nearest" });
  };

  /** @param {string} value @param {string} title */
  const chip = (value, title) => {
    const made = make("li"), shown = make("span", {}, title);
    if (title !== value) { shown.append(" ", make("small", {}, value)); }
    made.append(shown);
    const button = (sign = "", said = "") => {
      const it = make("button", { type: "button", "aria-label": said.replace("{title}", title) }, sign);
      made.append(it);
      return it;
    };
    if (ordered) button("↑", words.earlier).addEventListener("click", (event) => {
      if (made.previousElementSibling) made.previousElementSibling.before(made);
      /** @type {HTMLElement} */ (event.currentTarget).focus();
      changed();
    });
    button("×", words.remove).addEventListener("click", () => {
      made.remove();
      tell(words.removed, title);
      changed();
      search.focus();
    });
    made.append(make("input", { type: "hidden", name, value }));
    return made;
  };
  /** @param {string} value @param {string} title */
  const choose = (value, title) => {
    if (!many) chips.replaceChildren();
    if (value && !chosen().includes(value)) chips.append(chip(value, title));
    search.value = "";
    list.replaceChildren();
    close();
    tell(words.chosen, title);
    changed();
  };

  const ask = () => {
    if (asked) asked.abort();
    const text = search.value.trim();
    if (!text || !words.from) { list.replaceChildren(); close(); return; }
    const request = asked = new XMLHttpRequest();
    request.open("GET", `${words.from}?q=${encodeURIComponent(text)}`);
    request.responseType = "document";
    request.setRequestHeader("HX-Request", "true");
    request.addEventListener("loadend", () => {
      if (request !== asked) return;
      const found = request.response instanceof Document ? request.response.querySelector("[data-options]") : null;
      list.replaceChildren(...(found ? [...found.children].map((each) => document.adoptNode(each)) : []));
      options().forEach((each, place) => { each.id = `${id}-${place}`; });
      active = -1;
      search.removeAttribute("aria-activedescendant");
      tell(found instanceof HTMLElement ? found.dataset.said : words.away);
      open();
    });
    request.send();
  };

  search.addEventListener("input", (event) => {
    // What is only searched is nothing that was chosen.
    event.stopPropagation();
    clearTimeout(timer);
    timer = setTimeout(ask, DELAY);
  });
  search.addEventListener("change", (event) => event.stopPropagation());
  search.addEventListener("keydown", (event) => {
    const all = options();
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) { if (all.length) open(); else ask(); }
      move(event.key === "ArrowDown" ? active + 1 : active < 0 ? -1 : active - 1);
    } else if (event.key === "Enter" && search.value.trim()) {
      event.preventDefault();
      const it = all[active] || (all.length === 1 ? all[0] : null);
      if (it && !list.hidden) choose(it.dataset.value || "", it.dataset.title || "");
      else if (list.hidden) choose(search.value.trim(), search.value.trim());
      else move(0);
    } else if (event.key === "Escape") {
      if (!list.hidden) event.preventDefault();
      else search.value = "";
      close();
    }
  });
  search.addEventListener("blur", () => close());
  // A press on an option must not take the focus away before it is a click.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const it = event.target instanceof Element ? event.target.closest("[role=option]") : null;
    if (it instanceof HTMLElement) { choose(it.dataset.value || "", it.dataset.title || ""); search.focus(); }
  });

  for (const each of inputs) if (each.value) chips.append(chip(each.value, each.dataset.title || each.value));
  const find = make("div", { class: "find" });
  find.append(search, list);
  box.replaceChildren(chips, find, status);
};

const enliven = () => {
  for (const field of document.querySelectorAll("[data-pick]:not([data-alive])")) {
    field.setAttribute("data-alive", "");
    picker(/** @type {HTMLElement} */ (field));
  }
};
enliven();
// Parts of pages come later.
new MutationObserver(enliven).observe(document.body, { childList: true, subtree: true });
