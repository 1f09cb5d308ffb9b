// The few DOM moves every module shares. Text always goes through textContent, never through markup.

// The one place where text becomes markup: a page of our own that was fetched anew. The content policy allows no other.
const trusted = globalThis.trustedTypes?.createPolicy("stocking-page", { createHTML: (text) => text }) ?? { createHTML: (text) => text };

/** Parse a page of this site; its scripts do not run. */
export const pageOf = (text) => new DOMParser().parseFromString(trusted.createHTML(text), "text/html");

/** Build an element: el("td", { class: "num", text: "12" }, child, …). Unknown keys become attributes. */
export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "class") node.className = value;
    else if (key === "text") node.textContent = value;
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** A player's name, leading to their page unless they have left: then the name is no nickname. */
export function playerName(nickname, className = "") {
  const named = { class: className, text: nickname ?? "" };
  return /^[0-9A-Za-z가-힣_]{2,12}$/.test(named.text)
    ? el("a", { ...named, href: `/players/${encodeURIComponent(named.text)}/` })
    : el("span", { ...named, class: `${className} mute`.trim() });
}

const SVG = "http://www.w3.org/2000/svg";

/** An icon of the sprite. */
export function icon(name, className = "icon") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", className);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${document.body.dataset.icons}#${name}`);
  svg.append(use);
  return svg;
}

/** Write text only when it differs, so nothing is laid out for nothing. */
export function setText(node, text) {
  if (node && node.textContent !== text) node.textContent = text;
}

/** Give a node one of the classes up, down, flat. */
export function setDirection(node, value) {
  if (!node) return;
  node.classList.toggle("up", value > 0);
  node.classList.toggle("down", value < 0);
  node.classList.toggle("flat", !(value > 0 || value < 0));
}

const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** Let a node glow for 150 ms in the tint of a side; silent under reduced motion. */
export function flash(node, side) {
  if (calm.matches || !node || document.hidden) return;
  const tint = getComputedStyle(document.documentElement).getPropertyValue(side === "down" ? "--down-flash" : "--up-flash");
  node.animate([{ backgroundColor: tint }, { backgroundColor: "transparent" }], { duration: 150, easing: "ease-out" });
}

/** Data the server put into the page with json_script; null when it is not there. */
export function pageData(id) {
  const node = document.getElementById(id);
  if (!node) return null;
  try {
    return JSON.parse(node.textContent) || null;
  } catch {
    return null;
  }
}

/** The list inside an API answer: the list itself, or the one under its name. */
export function listOf(data, name) {
  if (Array.isArray(data)) return data;
  return Array.isArray(data?.[name]) ? data[name] : [];
}

/** True while the player is typing somewhere, also in the middle of a Hangul syllable. */
export function isTyping() {
  const active = document.activeElement;
  return Boolean(active?.matches?.("input:not([type=radio], [type=checkbox], [type=button]), textarea, select, [contenteditable]"));
}

/** What the player chose on this device; storage may be forbidden, then nothing is remembered. */
export const preferences = {
  get(key, fallback) {
    try {
      return localStorage.getItem(`stocking.${key}`) ?? fallback;
    } catch {
      return fallback;
    }
  },
  set(key, value) {
    try {
      localStorage.setItem(`stocking.${key}`, value);
    } catch {
      // Forbidden storage: the choice lasts as long as the page.
    }
  },
};
