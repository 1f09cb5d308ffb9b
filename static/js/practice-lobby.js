// The lobby of practice: what to play, how the last game went, and the board of the day.
import { api } from "./api.js";
import { el, icon, playerName, setDirection, setText } from "./dom.js";
import { parseInteger, percent, signed, won } from "./format.js";
import { TEXT } from "./text.js";

const named = (root, name) => Object.fromEntries([...root.querySelectorAll(`[data-${name}]`)].map((node) => [node.dataset[name], node]));

export class PracticeLobby {
  /** @param onStart({ mode, seed?, minutes?, speed? }) begins a game. */
  constructor(root, { onStart }) {
    this.root = root;
    this.onStart = onStart;
    this.free = root.querySelector("[data-practice-free]");
    this.daily = root.querySelector("[data-practice-start=daily]");
    this.card = root.querySelector("[data-practice-result]");
    this.parts = named(this.card, "result");
    this.seed = this.free.elements.seed;
    this.seed.addEventListener("input", () => {
      this.seed.value = this.seed.value.replace(/\D/g, "").slice(0, 6);
    });
    this.daily.addEventListener("click", () => onStart({ mode: "daily" }));
    this.free.addEventListener("submit", (event) => {
      event.preventDefault();
      onStart(this.wish());
    });
    this.parts.again.addEventListener("click", () => onStart(this.last));
    this.parts.share.addEventListener("click", () => this.share());
    this.enable(true);
  }

  enable(on) {
    for (const button of this.root.querySelectorAll(".practice-go, [data-result=again]")) button.disabled = !on;
  }

  /** A free game as the form says. */
  wish() {
    const { minutes, speed } = this.free.elements;
    const wish = { mode: "free", minutes: Number(minutes.value), speed: Number(speed.value) };
    const seed = parseInteger(this.seed.value);
    return seed ? { ...wish, seed } : wish;
  }

  /** How a game ended. */
  async show({ mode, isCounted, seed, opensAt, closesAt, speed }, result) {
    const { title, counted, notCounted } = TEXT.practice;
    const isDaily = mode === "daily";
    this.result = result;
    this.last = isDaily ? { mode } : { mode, seed, minutes: (closesAt - opensAt) / 60_000, speed };
    this.rank = null;
    setText(this.parts.title, isDaily ? (isCounted ? title.daily : title.again) : title.free(seed));
    setText(this.parts.note, isCounted ? "" : notCounted);
    setText(this.parts.return, percent(result.return_bps));
    setDirection(this.parts.return, result.return_bps);
    const house = percent(result.house_return_bps);
    const { verdict, noTrade } = TEXT.practice;
    setText(this.parts.verdict, result.fills ? verdict(house, won(result.fills), result.return_bps - result.house_return_bps) : noTrade(house));
    this.parts.listings.replaceChildren(...result.listings.map(({ name, value, return_bps: bps, fundamental, profit }) => {
      const close = el("td", { class: "num" }, `${won(value)} `, el("small", { text: percent(bps) }));
      setDirection(close.lastChild, bps);
      const gain = el("td", { class: "num", text: signed(profit) });
      setDirection(gain, profit);
      return el("tr", {}, el("td", {}, el("b", { text: name })), close, el("td", { class: "num", text: won(fundamental) }), gain);
    }));
    setText(this.parts.shared, "");
    this.card.hidden = false;
    this.card.focus({ preventScroll: true });
    this.card.scrollIntoView({ block: "start" });
    if (!isCounted) return;
    const board = await this.refresh();
    this.rank = board?.me?.rank ?? null;
    setText(this.parts.note, counted(this.rank));
  }

  /** The board anew. */
  async refresh() {
    let board;
    try {
      board = await api.practiceDaily();
    } catch {
      return null; // The board on the page stands until the next one.
    }
    const list = this.root.querySelector("[data-daily-board]");
    list.replaceChildren(...board.rows.map((row) => {
      const gain = el("span", { class: "number", text: percent(row.return_bps) });
      setDirection(gain, row.return_bps);
      return el("li", { class: row.is_me ? "is-me" : "" }, el("b", { class: "number", text: won(row.rank) }),
        row.tier ? el("span", { class: `tier tier-${String(row.tier).toLowerCase()}` }, icon("crown", "")) : null,
        playerName(row.nickname), gain);
    }));
    this.root.querySelector("[data-daily-empty]").hidden = board.rows.length > 0;
    const players = this.root.querySelector("[data-daily-players]");
    players.hidden = !board.players;
    setText(players, TEXT.practice.players(won(board.players)));
    const { me } = board;
    this.root.querySelector("[data-daily-mine]").hidden = !me;
    if (me) {
      const mine = this.root.querySelector("[data-daily-mine-return]");
      setText(mine, percent(me.return_bps));
      setDirection(mine, me.return_bps);
      setText(this.root.querySelector("[data-daily-mine-rank]"), me.rank ? TEXT.rank(won(me.rank)) : "");
      setText(this.daily, TEXT.practice.replay);
      this.daily.classList.remove("button-primary");
    }
    return board;
  }

  async share() {
    const { share, shareDaily, shareFree, shared } = TEXT.practice;
    const isDaily = this.last.mode === "daily";
    const day = this.root.querySelector(".practice-daily time")?.dateTime ?? "";
    const address = `${location.origin}/practice/${isDaily ? "" : `?seed=${this.last.seed}`}`;
    const what = isDaily ? shareDaily(day) : shareFree(this.last.seed);
    try {
      await navigator.clipboard.writeText(share(what, percent(this.result.return_bps), this.rank, address));
      setText(this.parts.shared, shared);
    } catch {
      setText(this.parts.shared, address); // No clipboard here: the address can be copied by hand.
    }
  }
}
