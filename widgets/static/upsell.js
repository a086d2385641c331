/**
 * <upsell-slot>: sends the forms of a slot without leaving the page, and keeps the slot fresh.
 *
 * Without this file everything still works: the forms are ordinary forms. Whatever goes wrong in here ends in the
 * ordinary form too. No innerHTML, no inline style, no storage, no foreign host; nothing is read from the shopper's
 * fields but the form that is sent. Events and markup: the README beside this folder.
 */

/** @typedef {{placement: string, offer: string, product: string, kind: string}} Detail */

const PATIENCE = 8000; // ms for an answer
const PAUSE = 10; // ms in which several wishes for a refresh become one
const BREATH = 150; // ms between the swap and the spoken notice, so that the focus is spoken first

/** @type {Readonly<Record<string, string>>} */
const PAST = { accept: "accepted", decline: "declined", undo: "undone", answer: "answered" };

/**
 * @param {EventTarget} target
 * @param {string} name
 * @param {Detail & {ok?: boolean}} detail
 * @param {boolean} [cancelable]
 * @returns {boolean} false when a listener cancelled it
 */
function tell(target, name, detail, cancelable = false) {
  return target.dispatchEvent(new CustomEvent(`upsell:${name}`, { bubbles: true, cancelable, detail }));
}

/**
 * One request. The browser parses the answer (no script in it runs), so no Trusted Types policy is needed.
 *
 * @param {XMLHttpRequest} request
 * @param {string} placement
 * @param {string} url
 * @param {string} [body] urlencoded; makes it a POST
 * @returns {Promise<HTMLElement | null>} the answered slot; null for every answer that is not exactly that
 */
function ask(request, placement, url, body) {
  return new Promise((resolve) => {
    request.open(body === undefined ? "GET" : "POST", url);
    request.responseType = "document";
    request.timeout = PATIENCE;
    request.setRequestHeader("X-Upsell", "1");
    if (body !== undefined) request.setRequestHeader("Content-Type", "application/x-www-form-urlencoded");
    request.onloadend = () => {
      /** @type {Document | null} */
      const page = request.status === 200 ? request.response : null;
      const found = page ? page.querySelectorAll("upsell-slot") : [];
      const slot = found.length === 1 ? /** @type {HTMLElement} */ (found[0]) : null;
      resolve(slot && slot.getAttribute("placement") === placement ? slot : null);
    };
    request.send(body);
  });
}

/**
 * @param {HTMLFormElement} form
 * @param {HTMLElement | null} submitter
 */
function encode(form, submitter) {
  const body = new URLSearchParams();
  for (const [name, value] of new FormData(form, submitter)) if (typeof value === "string") body.append(name, value);
  return body.toString();
}

/** @returns {UpsellSlot[]} in the order of the page */
function everySlot() {
  return /** @type {UpsellSlot[]} */ ([...document.querySelectorAll("upsell-slot")]);
}

let timer = 0;
/** @type {XMLHttpRequest | undefined} */
let running;

/**
 * Ask again for every slot but `fresh`, from the top of the page to its end, so that each can leave out what the slots
 * before it (and `fresh`) show. A newer wish ends an older one.
 *
 * @param {UpsellSlot} [fresh]
 */
function refreshAll(fresh) {
  clearTimeout(timer);
  timer = setTimeout(async () => {
    running?.abort();
    const request = (running = new XMLHttpRequest());
    const shown = new Set(fresh?.products());
    for (const slot of everySlot()) {
      if (running !== request) return;
      if (slot !== fresh) await slot.refresh(request, shown);
      for (const product of slot.products()) shown.add(product);
    }
  }, PAUSE);
}

/**
 * A picture that is not there leaves its place empty.
 *
 * @param {HTMLImageElement} image
 */
function blank(image) {
  image.removeAttribute("src");
  image.classList.add("upsell-no-picture");
}

class UpsellSlot extends HTMLElement {
  /** A shopper's action is under way. */
  #busy = false;
  /** Counts what makes older answers worthless. */
  #turn = 0;
  /** @type {HTMLButtonElement[]} */
  #held = [];

  connectedCallback() {
    this.addEventListener("submit", this.#submit);
    this.addEventListener("error", ({ target }) => target instanceof HTMLImageElement && blank(target), true);
    for (const image of this.querySelectorAll("img")) if (image.complete) image.decode().catch(() => blank(image));
    if (!this.childElementCount) refreshAll(); // a page from a cache has only the slot
  }

  /** @returns {string[]} the products that this slot shows */
  products() {
    return [...this.querySelectorAll("[data-upsell-product]")].map((card) => card.getAttribute("data-upsell-product") ?? "");
  }

  /**
   * What is in the cart now is not offered, not even until the refresh.
   *
   * @param {string[]} products
   */
  drop(products) {
    for (const card of this.querySelectorAll("[data-upsell-product]")) {
      const shown = (card.getAttribute("data-upsell-product") ?? "").split("+");
      if (shown.some((product) => products.includes(product))) card.remove();
    }
    if (!this.products().length) this.querySelector(".upsell-offers")?.remove();
  }

  get placement() {
    return this.getAttribute("placement") ?? "";
  }

  /** @param {SubmitEvent} event */
  #submit = (event) => {
    try {
      const form = event.target;
      if (event.defaultPrevented || !(form instanceof HTMLFormElement)) return;
      const action = form.dataset.upsellAction ?? "";
      if (!Object.hasOwn(PAST, action)) return;
      if (this.#busy) return event.preventDefault();
      /** @type {HTMLElement | null} */
      const card = form.closest("[data-upsell-offer]");
      const { upsellOffer: offer = "", upsellProduct: product = "", upsellKind: kind = "" } = card?.dataset ?? {};
      const detail = { placement: this.placement, offer, product, kind };
      if (!tell(form, action, detail, true)) return event.preventDefault();
      const body = encode(form, event.submitter);
      event.preventDefault();
      this.#act(form, event.submitter, action, detail, body).catch(() => this.settle());
    } catch {
      // Not prevented: the browser sends the form itself.
    }
  };

  /**
   * @param {HTMLFormElement} form
   * @param {HTMLElement | null} pressed
   * @param {string} action
   * @param {Detail} detail
   * @param {string} body
   */
  async #act(form, pressed, action, detail, body) {
    const turn = this.#wait(pressed);
    const answer = await ask(new XMLHttpRequest(), this.placement, form.getAttribute("action") ?? "", body).catch(() => null);
    if (turn !== this.#turn) return;
    if (!answer) {
      HTMLFormElement.prototype.submit.call(form);
      setTimeout(() => turn === this.#turn && this.settle(), PATIENCE); // where the page did not go after all
      return;
    }
    const active = document.activeElement;
    const lost = !active || active === document.body || this.contains(active);
    this.settle();
    const status = this.#take(answer, null);
    const notice = this.querySelector("[data-upsell-tone]");
    const text = this.querySelector(".upsell-notice-text")?.textContent ?? "";
    if (lost) this.#land();
    setTimeout(() => this.#busy || (status.textContent = text), BREATH);
    const ok = notice?.getAttribute("data-upsell-tone") !== "sorry";
    tell(this.isConnected ? this : document, PAST[action] ?? "", { ...detail, ok });
    refreshAll(this);
  }

  /**
   * @param {XMLHttpRequest} request
   * @param {Set<string>} shown products that other slots show
   */
  async refresh(request, shown) {
    try {
      const notice = this.querySelector(":scope > .upsell-notice");
      const turn = this.#turn;
      if (this.#busy || !this.dataset.refresh) return;
      if (this.#shopperIsIn(notice)) return this.#later();
      const url = new URL(this.dataset.refresh, document.baseURI);
      for (const product of shown) url.searchParams.append("not", product);
      const answer = await ask(request, this.placement, url.href);
      if (!answer || turn !== this.#turn || !this.isConnected) return;
      if (this.#shopperIsIn(notice)) return this.#later();
      this.#take(answer, answer.querySelector(".upsell-notice") ? null : notice); // the way back stays
    } catch {
      // Everything stays as it is.
    }
  }

  /** Whatever was under way no longer is. */
  settle() {
    this.#turn++;
    this.#busy = false;
    this.removeAttribute("aria-busy");
    for (const button of this.#held.splice(0)) {
      button.disabled = false;
      button.removeAttribute("aria-disabled");
      button.classList.remove("upsell-waiting");
    }
  }

  /**
   * The pressed button keeps the focus (a disabled one would lose it); all others are disabled.
   *
   * @param {HTMLElement | null} pressed
   */
  #wait(pressed) {
    this.#busy = true;
    this.setAttribute("aria-busy", "true");
    this.#status().textContent = "";
    this.#held = [...this.querySelectorAll("button")].filter((button) => !button.disabled);
    for (const button of this.#held) {
      if (button === pressed) button.setAttribute("aria-disabled", "true");
      else button.disabled = true;
      button.classList.toggle("upsell-waiting", button === pressed);
    }
    return ++this.#turn;
  }

  /**
   * Make the answer's content this slot's. The live region stays the same node all along, or it would not be spoken.
   *
   * @param {HTMLElement} answer
   * @param {Element | null} kept a child that stays
   */
  #take(answer, kept) {
    const status = this.#status();
    for (const node of [...this.childNodes]) if (node !== status && node !== kept) node.remove();
    for (const spare of answer.querySelectorAll(".upsell-status")) spare.remove();
    this.append(...answer.childNodes);
    this.hidden = answer.hasAttribute("hidden") && !kept;
    if (answer.dataset.refresh) this.dataset.refresh = answer.dataset.refresh;
    return status;
  }

  #status() {
    let status = this.querySelector(":scope > .upsell-status");
    if (!status) {
      status = document.createElement("p");
      status.className = "upsell-status";
      status.setAttribute("role", "status");
      this.prepend(status);
    }
    return status;
  }

  /** Put the focus where the shopper goes on: the way back, the offers, the message, or the page. */
  #land() {
    /** @type {HTMLElement | null} */
    let place = null;
    for (const spot of this.hidden ? [] : ["[data-upsell-action=undo] button", ".upsell-heading", ".upsell-notice-text"])
      place ??= this.querySelector(spot);
    place ??= document.querySelector("main, [role=main], h1");
    if (!place) return;
    if (place.tabIndex < 0 && !place.hasAttribute("tabindex")) place.tabIndex = -1;
    place.focus({ preventScroll: !this.contains(place) });
  }

  /**
   * Whoever reads or chooses in a slot is not disturbed by a refresh.
   *
   * @param {Element | null} but the part that a refresh does not touch
   */
  #shopperIsIn(but) {
    const active = document.activeElement;
    return this.contains(active) && !but?.contains(active);
  }

  /** Refresh when the focus has left. */
  #later() {
    this.addEventListener("focusout", this.#left, { once: true });
  }

  #left = () => setTimeout(() => (this.#shopperIsIn(null) ? this.#later() : refreshAll()));
}

if (!customElements.get("upsell-slot")) {
  customElements.define("upsell-slot", UpsellSlot);
  document.addEventListener("upsell:cart-changed", (event) => {
    const added = event instanceof CustomEvent ? event.detail?.products : null;
    if (Array.isArray(added)) for (const slot of everySlot()) slot.drop(added);
    refreshAll();
  });
  // A page in the back/forward cache comes back as it was left: not waiting, but old.
  addEventListener("pagehide", () => everySlot().forEach((slot) => slot.settle()));
  addEventListener("pageshow", (event) => event.persisted && refreshAll());
}
