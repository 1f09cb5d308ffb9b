// What I may do about another player's message: look who it is, mute them, report it. Opened by the name beside it.
import { api } from "./api.js";
import { standing } from "./chat-standing.js";
import { TEXT } from "./text.js";
import { toast } from "./toast.js";

const coarse = matchMedia("(pointer: coarse)");

export class ChatMenu {
  constructor(dialog, list) {
    this.dialog = dialog;
    this.part = (name) => dialog.querySelector(`[data-chat-${name}]`);
    this.form = this.part("report-form");
    list.addEventListener("click", (event) => this.onClick(event));
    dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
    this.part("menu-close").addEventListener("click", () => dialog.close());
    this.part("mute").addEventListener("click", () => this.ask(() => this.mute()));
    this.part("report").addEventListener("click", () => this.showReport(true));
    this.part("report-back").addEventListener("click", () => this.showReport(false));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.ask(() => this.report());
    });
  }

  onClick(event) {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const line = event.target.closest("li[data-author]");
    if (!line || line.classList.contains("is-mine")) return;
    const byName = event.target.closest(".chat-name");
    // A finger may hit anywhere on the line, unless it was choosing text.
    if (!byName && (!coarse.matches || event.target.closest("a") || !getSelection().isCollapsed)) return;
    event.preventDefault();
    this.open(line);
  }

  open(line) {
    const name = line.querySelector(".chat-name");
    this.id = Number(line.dataset.id);
    this.nickname = name.textContent;
    this.part("menu-name").textContent = this.nickname;
    this.part("menu-text").textContent = line.querySelector("[data-chat-said]").textContent;
    this.part("profile").href = name.href;
    this.form.reset();
    this.showReport(false);
    this.dialog.showModal();
  }

  showReport(shown) {
    this.form.hidden = !shown;
    this.part("menu-choices").hidden = shown;
    if (shown) this.form.querySelector("input").focus();
  }

  /** Do something with the server, once however often it is pressed; a refusal stays readable. */
  async ask(deed) {
    if (this.busy) return;
    this.busy = true;
    try {
      await deed();
      this.dialog.close();
    } catch (error) {
      this.dialog.close();
      toast(error.message, { level: "error", key: "chat" });
    } finally {
      this.busy = false;
    }
  }

  async mute() {
    const { players } = await api.mute(this.id);
    standing.mute(players.map(({ player }) => player));
    toast(TEXT.chat.muted(this.nickname), { level: "success", key: "chat-mute", link: { href: "/chat/mutes/", text: TEXT.chat.mutes } });
  }

  async report() {
    const { duplicate } = await api.report(this.id, this.form.elements.reason.value, this.form.elements.note.value);
    toast(duplicate ? TEXT.chat.reportedBefore : TEXT.chat.reported, { level: "success", key: "chat" });
  }
}
