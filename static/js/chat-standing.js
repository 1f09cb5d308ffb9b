// How I stand in the chat: whom I have muted, and until when I may not speak. From the page, then from topic `me`.
import { account } from "./account.js";
import { pageData } from "./dom.js";

const TIMEOUT_MS_MAX = 2 ** 31 - 1;

class Standing extends EventTarget {
  muted = new Set();
  silencedUntilMs = 0;
  reason = "";
  #at = 0;
  #timer = 0;

  /** Take over what the server says, unless something newer is known. */
  take(data) {
    if (!data || (data.at ?? 0) < this.#at) return;
    this.#at = data.at ?? this.#at;
    if (data.muted) this.muted = new Set(data.muted);
    this.silence(data.silenced_until_ms, data.reason);
  }

  /** I may not speak until then; 0 or null: I may. */
  silence(untilMs, reason) {
    this.silencedUntilMs = untilMs ?? 0;
    this.reason = reason ?? "";
    clearTimeout(this.#timer);
    const left = this.silencedUntilMs - Date.now();
    if (left > 0) this.#timer = setTimeout(() => this.#changed(), Math.min(left + 200, TIMEOUT_MS_MAX));
    this.#changed();
  }

  mute(keys) {
    this.muted = new Set(keys);
    this.#changed();
  }

  get isSilenced() {
    return this.silencedUntilMs > Date.now();
  }

  #changed() {
    this.dispatchEvent(new CustomEvent("change"));
  }
}

export const standing = new Standing();

standing.take(pageData("chat-standing"));
account.addEventListener("standing", ({ detail }) => standing.take(detail));
account.addEventListener("history", ({ detail }) => standing.take(detail.filter(({ kind }) => kind === "chat").at(-1)));
