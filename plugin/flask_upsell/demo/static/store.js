// The shop works without this file. With it, the cart on the page follows what an offer put into it.
"use strict";

(() => {
  let newest = 0;

  // responseType "document" parses without running anything and needs no innerHTML, so Trusted Types have nothing to say.
  function reload() {
    const mine = ++newest;
    const request = new XMLHttpRequest();
    request.responseType = "document";
    request.addEventListener("load", () => {
      // An answer that was overtaken by a later one would show an older cart.
      if (mine !== newest || request.status !== 200 || !request.response) return;
      for (const old of document.querySelectorAll("[data-live]")) swap(old, request.response);
    });
    request.open("GET", location.pathname + location.search);
    request.send();
  }

  function swap(old, page) {
    const fresh = page.querySelector(`[data-live="${old.dataset.live}"]`);
    if (!fresh) return;
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    const caret = focused && document.activeElement.value;
    old.replaceWith(document.adoptNode(fresh));
    const again = focused && document.getElementById(focused);
    if (again) {
      // What someone was typing is theirs.
      if (typeof caret === "string") again.value = caret;
      again.focus({ preventScroll: true });
    }
  }

  document.addEventListener("upsell:accepted", reload);
  document.addEventListener("upsell:undone", reload);
  // The back button may bring a page as it was left.
  addEventListener("pageshow", (event) => event.persisted && reload());
})();
