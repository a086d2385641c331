// What a page does to its shopper, noted from its first moment on: timers, storage, dialogs; and what its cards show.
"use strict";
window.noted = { timers: 0, stored: [], dialogs: 0, changed: 0 };
for (const name of ["setInterval", "requestAnimationFrame"]) {
  const own = window[name];
  window[name] = (...given) => { window.noted.timers += 1; return own.apply(window, given); };
}
for (const name of ["alert", "confirm", "prompt"]) window[name] = () => { window.noted.dialogs += 1; return false; };
const setItem = Storage.prototype.setItem;
Storage.prototype.setItem = function (key, value) { window.noted.stored.push(key); return setItem.call(this, key, value); };
const open = indexedDB.open;
IDBFactory.prototype.open = function (...given) { window.noted.stored.push(given[0]); return open.apply(this, given); };
const cookie = Object.getOwnPropertyDescriptor(Document.prototype, "cookie");
Object.defineProperty(document, "cookie", {
  get: () => { window.noted.stored.push("read"); return cookie.get.call(document); },
  set: (value) => { window.noted.stored.push(value); cookie.set.call(document, value); },
});

window.fair = () => {
  const pen = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  const paint = (colour) => { pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1); return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3); };
  const light = (rgb) => rgb.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const contrast = (e) => {
    const around = [];
    for (let each = e; each; each = each.parentElement) around.unshift(getComputedStyle(each).backgroundColor);
    paint(matchMedia("(prefers-color-scheme: dark)").matches ? "#121212" : "#fff");
    const ground = light(around.map(paint).at(-1)), text = light(paint(getComputedStyle(e).color));
    return (Math.max(ground, text) + 0.05) / (Math.min(ground, text) + 0.05);
  };
  const box = (e) => {
    const { width, height, left, right, top, bottom } = e.getBoundingClientRect(), style = getComputedStyle(e);
    const middle = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
    return { width, height, left, right, top, bottom, contrast: contrast(e), font: style.fontSize, weight: style.fontWeight,
      words: e.textContent.trim(), reached: e.contains(middle), visible: e.checkVisibility({ opacityProperty: true, visibilityProperty: true }) };
  };
  const focusable = [...document.querySelectorAll("a[href], button, summary, select, input:not([type=hidden])")];
  return [...document.querySelectorAll("upsell-slot .upsell-card")].map((card) => {
    card.scrollIntoView({ block: "center" });
    const accepts = [...card.querySelectorAll(".upsell-accept")], no = card.querySelector(".upsell-decline");
    return {
      look: card.className.split(" ")[1].replace("upsell-", ""), text: card.innerText, accepts: accepts.map(box), no: no && box(no),
      tabs: no && accepts.length ? focusable.indexOf(no) - focusable.indexOf(accepts.at(-1)) : 1,
      chosen: [...card.querySelectorAll("[checked], [selected], [aria-checked=true], :checked")]
        .filter((e) => !(e.matches("option") && e.value === "")).length,
      fields: [...card.querySelectorAll("input, select, textarea")].map((e) => `${e.type}:${e.name}`),
      why: card.querySelectorAll("details.upsell-why").length,
      links: [...card.querySelectorAll("a")].map((e) => e.getAttribute("href")),
      struck: card.querySelectorAll("s, del, strike").length
        + [...card.querySelectorAll("*")].filter((e) => getComputedStyle(e).textDecorationLine.includes("line-through")).length,
      forms: [...card.querySelectorAll("form")].map((e) => `${e.method}:${e.dataset.upsellAction}`),
    };
  });
};
