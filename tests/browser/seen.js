// What can be measured of the widgets on a page: each function names what is wrong.
"use strict";
const visible = (e) => e.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true, opacityProperty: true });
const spoken = (e) => e.closest(".upsell-status, .upsell-hidden");
const name = (e) => `${e.closest("upsell-slot")?.getAttribute("placement")} ${e.tagName.toLowerCase()}.${e.className} ` +
  (e.textContent ?? "").trim().slice(0, 30);
const things = (root) => {
  const found = [];
  for (const e of root.querySelectorAll("button, a.upsell-button, input:not([type=hidden]), select, progress, img, span.upsell-picture"))
    if (visible(e)) found.push({ e, box: e.getBoundingClientRect() });
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const e = node.parentElement;
    if (!node.data.trim() || !visible(e) || spoken(e) || e.closest("select")) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    // A line of letters is less high than its font's box.
    for (const line of range.getClientRects())
      if (line.width > 1)
        found.push({ e, text: node.data, box: new DOMRect(line.x, line.y + line.height * 0.25, line.width, line.height * 0.5) });
  }
  return found;
};

function geometry() {
  const wrong = [], page = document.documentElement;
  if (page.scrollWidth > page.clientWidth) wrong.push(`scrolls sideways: ${page.scrollWidth} in ${page.clientWidth}`);
  for (const slot of document.querySelectorAll("upsell-slot:not([hidden])")) {
    const edge = slot.getBoundingClientRect();
    if (edge.left < -1 || edge.right > page.clientWidth + 1) wrong.push(`beside the page: ${name(slot)}`);
    for (const e of slot.querySelectorAll("*")) {
      if (spoken(e) || !visible(e)) continue;
      const style = getComputedStyle(e);
      if (style.overflowX !== "visible" && e.scrollWidth > e.clientWidth + 1 && !["SELECT", "IMG"].includes(e.tagName)) wrong.push(`clipped: ${name(e)}`);
    }
    const parts = things(slot);
    for (const { e, box } of parts) {
      const frame = (e.closest(".upsell-step, .upsell-card, .upsell-notice, .upsell-offers, .upsell-reached") ?? slot).getBoundingClientRect();
      if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1)
        wrong.push(`out of its frame: ${name(e)}`);
      if (!box.width || !box.height) wrong.push(`has no size: ${name(e)}`);
    }
    parts.forEach((a, at) => {
      for (const b of parts.slice(at + 1)) {
        if (a.e === b.e || a.e.contains(b.e) || b.e.contains(a.e)) continue;
        const wide = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
        const high = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
        if (wide > 2 && high > 2) wrong.push(`over each other: ${name(a.e)} / ${name(b.e)}`);
      }
    });
  }
  return [...new Set(wrong)];
}

function names() {
  const plain = (text) => text.normalize().replace(/[\u2066-\u2069\u200e\u200f]/g, "").replace(/\s+/g, " ").trim().toLowerCase();
  const wrong = [];
  for (const e of document.querySelectorAll("upsell-slot :is(button, a.upsell-button, summary, select)")) {
    const said = plain(e.ariaLabel ?? e.textContent);
    const shown = plain(e.tagName === "SELECT" ? e.closest("label").querySelector(".upsell-label").textContent : e.textContent);
    if (!said || !said.includes(shown)) wrong.push(`${e.className}: "${shown}" is not in "${said}"`);
    const card = e.closest(".upsell-step, .upsell-card"), title = card?.querySelector(".upsell-title");
    if (!title || !e.matches(".upsell-button") || card.matches(".upsell-levels")) continue;
    if (!said.includes(plain(title.textContent))) wrong.push(`no product: ${said}`);
    if (!e.matches("[data-upsell-action=accept] *") || card.querySelector("select")) continue;
    const amounts = [...card.querySelectorAll(".upsell-price .upsell-amount, .upsell-base")]
      .flatMap((each) => each.textContent.match(/\d[\d.,]*\d/g) ?? []);
    if (amounts.length && !amounts.some((amount) => said.includes(amount))) wrong.push(`no price of ${amounts}: ${said}`);
  }
  return wrong;
}

function targets() {
  const wrong = [], least = (e) => (e.matches(".upsell-button, .upsell-select, .upsell-tick") ? 44 : 24);
  for (const e of document.querySelectorAll("upsell-slot :is(button, a, summary, select, label)")) {
    const box = e.getBoundingClientRect(), padding = e.matches(".upsell-link") ? 1 : 0;
    if (e.matches(".upsell-field")) continue;
    if (Math.min(box.height, box.width) < least(e) - 0.5 - padding) wrong.push(`${e.className}: ${box.width} x ${box.height}`);
  }
  return wrong;
}

function unequal() {
  const wrong = [];
  for (const no of document.querySelectorAll("upsell-slot .upsell-decline")) {
    const card = no.closest(".upsell-card"), yes = [...card.querySelectorAll(".upsell-accept")].at(-1);
    if (!yes) continue;
    const [a, b] = [yes, no].map((e) => e.getBoundingClientRect());
    if (b.height < a.height - 1 || b.width < a.width * 0.9) wrong.push(`no is smaller: ${a.width} x ${a.height}, ${b.width} x ${b.height}`);
    const apart = Math.max(b.top - a.bottom, a.top - b.bottom, b.left - a.right, a.left - b.right);
    if (apart > 24 && !card.matches(".upsell-levels")) wrong.push(`no is ${apart} px away: ${card.className}`);
    if (getComputedStyle(no).fontSize !== getComputedStyle(yes).fontSize) wrong.push("no is written smaller");
  }
  return wrong;
}

function contrast() {
  const pen = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  const paint = (colour) => { pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1); return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3); };
  const light = (rgb) => rgb.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const wrong = [];
  for (const e of document.querySelectorAll("upsell-slot .upsell-button:enabled")) {
    const around = [];
    for (let each = e; each; each = each.parentElement) around.unshift(getComputedStyle(each).backgroundColor);
    paint("#fff");
    const ground = light(around.map(paint).at(-1)), text = light(paint(getComputedStyle(e).color));
    const ratio = (Math.max(ground, text) + 0.05) / (Math.min(ground, text) + 0.05);
    if (ratio < 4.5) wrong.push(`${e.className}: ${ratio.toFixed(2)}`);
  }
  return wrong;
}
