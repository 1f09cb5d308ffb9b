// The chat panel: players, system, news and results for all; notices of fills and refusals for me alone.
import { ChatMenu } from "./chat-menu.js";
import { standing } from "./chat-standing.js";
import { el, icon } from "./dom.js";
import { dayAndTime, timeOfDay } from "./format.js";
import { stream } from "./socket.js";
import { TEXT } from "./text.js";
import { toast } from "./toast.js";

const LINES_MAX = 200;
const NEAR_END_PX = 48;
const NEWS_LATE_MS = 60_000;
const SENT_REMEMBERED = 20;

function tierCrown(tier) {
  return tier ? el("span", { class: `tier tier-${String(tier).toLowerCase()}`, title: tier }, icon("crown", "")) : null;
}

function line(message) {
  const time = el("time", { class: "chat-time", text: timeOfDay(message.sent_at) });
  const node = el("li", { class: `chat-${message.kind}`, "data-at": message.sent_at });
  if (message.level) node.dataset.level = message.level;
  if (message.kind === "player") {
    const profile = `/players/${encodeURIComponent(message.nickname ?? "")}/`;
    const name = message.author
      ? el("a", { class: "chat-name", href: profile, text: message.nickname ?? "" })
      : el("b", { class: "chat-name", text: message.nickname ?? "" });
    node.append(
      ...[tierCrown(message.tier)].filter(Boolean),
      name,
      ...(message.is_bot ? [el("span", { class: "badge", text: TEXT.bot })] : []),
      el("span", { text: message.text, "data-chat-said": true }),
    );
    if (message.author) Object.assign(node.dataset, { id: message.id, author: message.author });
    prepare(node);
  } else if (message.kind === "news") {
    node.append(el("b", { text: TEXT.chat.news }), el("span", { text: message.text }));
  } else node.append(el("span", { text: message.text }));
  node.append(time);
  return node;
}

/** Mark a player's line as mine, as muted, or as one that a menu belongs to. */
function prepare(node) {
  const name = node.querySelector(".chat-name");
  const mine = document.body.dataset.player;
  if (!name) return;
  if (mine && name.textContent === mine) node.classList.add("is-mine");
  else if (mine && node.dataset.author) {
    name.setAttribute("aria-haspopup", "dialog");
    name.title = TEXT.chat.menuLabel(name.textContent);
  }
  node.hidden = standing.muted.has(node.dataset.author);
}

class ChatPanel {
  constructor(root) {
    this.list = root.querySelector("[data-chat-messages]");
    this.form = root.querySelector("[data-chat-form]");
    this.jump = el("button", { type: "button", class: "chat-jump", hidden: true, text: TEXT.chat.jump, onclick: () => this.toEnd() });
    this.list.after(this.jump);
    this.unread = 0;
    this.counter = document.querySelector("[data-chat-unread]");
    this.list.addEventListener("scroll", () => this.nearEnd() && this.read(), { passive: true });
    // On a phone the tab that shows the panel scrolls nothing.
    new IntersectionObserver(() => this.nearEnd() && this.read()).observe(this.list);
    this.form?.addEventListener("submit", (event) => this.send(event));
    this.sent = new Map();
    this.refs = 0;
    const menu = root.querySelector("[data-chat-menu]");
    if (menu) new ChatMenu(menu, this.list);
    this.silenced = root.querySelector("[data-chat-silenced]");
    standing.addEventListener("change", () => this.drawStanding());
    stream.addEventListener("error-message", ({ detail }) => this.refused(detail));
    this.list.querySelectorAll(".chat-player").forEach(prepare);
    this.drawStanding();
    this.toEnd();
  }

  /** Lines of whom I have muted, and whether I may speak. */
  drawStanding() {
    const end = this.nearEnd();
    for (const node of this.list.querySelectorAll("li[data-author]")) node.hidden = standing.muted.has(node.dataset.author);
    if (end) this.list.scrollTop = this.list.scrollHeight;
    if (!this.form) return;
    this.form.hidden = standing.isSilenced;
    this.silenced.hidden = !standing.isSilenced;
    if (!standing.isSilenced) return;
    this.silenced.querySelector("[data-chat-silenced-until]").textContent = TEXT.chat.silencedUntil(dayAndTime(standing.silencedUntilMs));
    this.silenced.querySelector("[data-chat-silenced-reason]").textContent = standing.reason;
  }

  nearEnd() {
    return this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < NEAR_END_PX;
  }

  toEnd() {
    this.list.scrollTop = this.list.scrollHeight;
    this.read();
  }

  read() {
    this.jump.hidden = true;
    if (this.list.offsetParent === null) return;
    this.unread = 0;
    this.count();
  }

  count() {
    if (!this.counter) return;
    this.counter.hidden = this.unread === 0;
    this.counter.textContent = this.unread > 99 ? "99+" : String(this.unread);
  }

  /** The public history anew; private lines keep their place in time. */
  replace(messages) {
    this.merge([...messages.map(line), ...this.list.querySelectorAll(".chat-private")]);
  }

  /** My notices anew; public lines keep their place in time. */
  replacePrivate(notices) {
    const mine = notices.map((notice) => line({ ...notice, kind: "private", sent_at: notice.sent_at ?? 0 }));
    this.merge([...this.list.querySelectorAll("li:not(.chat-private)"), ...mine]);
  }

  merge(lines) {
    const end = this.nearEnd();
    lines.sort((a, b) => Number(a.dataset.at) - Number(b.dataset.at));
    this.list.replaceChildren(...lines.slice(-LINES_MAX));
    if (end) this.toEnd();
  }

  add(message) {
    const end = this.nearEnd();
    const node = line(message);
    node.classList.add("chat-new");
    this.list.append(node);
    while (this.list.childElementCount > LINES_MAX) this.list.firstElementChild.remove();
    const visible = this.list.offsetParent !== null;
    if (end && visible) this.list.scrollTop = this.list.scrollHeight;
    else if (visible && !node.hidden) this.jump.hidden = false;
    if (!visible && message.kind === "player" && !node.hidden) {
      this.unread += 1;
      this.count();
    }
    return node;
  }

  addPrivate(message, key) {
    const known = key && this.list.querySelector(`[data-key="${CSS.escape(key)}"] > span`);
    if (known) known.textContent = message.text;
    else this.add(message).dataset.key = key;
  }

  send(event) {
    event.preventDefault();
    const input = this.form.elements.text;
    const text = input.value.trim();
    if (!text || input.dataset.composing) return;
    this.refs += 1;
    const ref = `chat-${this.refs}`;
    if (!stream.send({ op: "chat", text, ref })) {
      toast(TEXT.chat.offline, { level: "error", key: "chat" });
      return;
    }
    this.sent.set(ref, text);
    if (this.sent.size > SENT_REMEMBERED) this.sent.delete(this.sent.keys().next().value);
    input.value = "";
  }

  /** What was refused goes back into the field, to be written otherwise. */
  refused({ ref, code, message, until_ms: untilMs, reason }) {
    const text = this.sent.get(ref);
    if (text === undefined) return;
    this.sent.delete(ref);
    const input = this.form.elements.text;
    if (!input.value) input.value = text;
    if (code === "chat_silenced") standing.silence(untilMs, reason);
    toast(message, { level: "error", key: "chat" });
  }
}

const panels = [];

/** A private line in the chat of this page only: a fill, a refusal, a notice. The same `key` rewrites its line. */
export function privateLine(text, level = "info", sentAt = Date.now(), key = "") {
  for (const panel of panels) panel.addPrivate({ kind: "private", text, level, sent_at: sentAt }, key);
}

/** My private lines of before, oldest first: they take their place in time among the public ones. */
export function replacePrivateLines(lines) {
  for (const panel of panels) panel.replacePrivate(lines);
}

const news = new Set();
/** Call `listener(message)` for each piece of news as it breaks, and again for those of the history when it comes anew. */
export const onNews = (listener) => news.add(listener);

function tellNews(message) {
  if (message.kind === "news") for (const listener of news) listener(message);
}

/** Whether a piece of news is to be added to a list, newest anywhere: neither known already nor older than what is known. */
export function isFreshNews(message, known) {
  const newest = Math.max(0, ...known.map((item) => item.sent_at));
  return message.sent_at > newest - NEWS_LATE_MS && !known.some((item) => item.text === message.text && Math.abs(item.sent_at - message.sent_at) < NEWS_LATE_MS);
}

export function startChat() {
  for (const root of document.querySelectorAll("[data-chat]")) panels.push(new ChatPanel(root));
  if (!panels.length) return;
  stream.subscribe("chat", ({ type, data }) => {
    if (type === "snapshot") {
      const messages = Array.isArray(data) ? data : [];
      for (const panel of panels) panel.replace(messages);
      messages.forEach(tellNews);
    } else {
      for (const panel of panels) panel.add(data);
      tellNews(data);
    }
  });
}
