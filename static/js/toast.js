// Short messages at the edge of the screen, inside one role="status" region. Never alert().
import { el } from "./dom.js";
import { TEXT } from "./text.js";

const SHOWN_MAX = 4;
const LIFE_MS = 5000;
const LIFE_ERROR_MS = 8000;
const region = document.getElementById("toasts");
const keyed = new Map();

function remove(toast) {
  for (const [key, node] of keyed) if (node === toast) keyed.delete(key);
  toast.remove();
}

function arm(toast, life) {
  clearTimeout(Number(toast.dataset.timer));
  if (life) toast.dataset.timer = String(setTimeout(() => remove(toast), life));
}

function closeButton(toast) {
  return el("button", { type: "button", class: "toast-close", "aria-label": TEXT.close, text: "×", onclick: () => remove(toast) });
}

/**
 * Show a toast. The same `key` replaces the text of the one on the screen (a burst of fills is one toast).
 * `link` is { href, text }; `life: 0` keeps it until it is closed.
 */
export function toast(text, { level = "info", key, link, life = level === "error" ? LIFE_ERROR_MS : LIFE_MS } = {}) {
  if (!region || !text) return;
  const known = key && keyed.get(key);
  if (known?.isConnected) {
    known.querySelector("span").textContent = text;
    known.dataset.level = level;
    arm(known, life);
    return;
  }
  const node = el("div", { class: "toast", "data-level": level }, el("span", { text }));
  if (link) node.append(el("a", { href: link.href, text: link.text }));
  node.append(closeButton(node));
  if (key) keyed.set(key, node);
  region.append(node);
  while (region.childElementCount > SHOWN_MAX) remove(region.firstElementChild);
  arm(node, life);
}

/** Give the messages the server rendered the same life and close button. */
export function adoptServerToasts() {
  for (const node of region?.querySelectorAll("[data-toast]") ?? []) {
    node.append(closeButton(node));
    arm(node, node.dataset.level === "error" ? LIFE_ERROR_MS : LIFE_MS);
  }
}
