// A practice game as a market to trade in: asks over the page's socket, frames on the topic `practice`.
//
// A frame has everything or what has changed since the one before it. When one is missing, or none comes for a while,
// everything is asked for (`look`); what the host answers then is the truth, also that there is no game any more.
import { Account } from "./account.js";
import { ApiError } from "./api.js";
import { el } from "./dom.js";
import { freshId } from "./format.js";
import { Listings } from "./listings.js";
import { stream } from "./socket.js";

const ANSWER_MAX_MS = 5000;
const SILENCE_MS = 2500;
const STALE_MS = 5000;
const TRIES = 3;
const TRADES_KEPT = 60;
const STEP_MS = 5_000;
const INTERVALS_MS = { "5s": 5_000, "15s": 15_000, "1m": 60_000 };

/** Longer candles from shorter ones that come oldest first. */
function fold(candles, intervalMs) {
  const folded = [];
  for (const candle of candles) {
    const start = candle.start - (candle.start % intervalMs);
    const last = folded.at(-1);
    if (last?.start !== start) folded.push({ ...candle, start });
    else Object.assign(last, {
      high: Math.max(last.high, candle.high), low: Math.min(last.low, candle.low), close: candle.close, volume: last.volume + candle.volume,
    });
  }
  return folded;
}

/** Events: `state` (phase, speed, clock), `frame` (prices and books), `trades` (detail: symbol), `news`, `result`, `lost`. */
export class PracticeVenue extends EventTarget {
  listings = new Listings();
  account = new Account(this.listings);
  /** What the newest frame says of the game: game, phase, mode, is_counted, seed, speed, opens_at_ms, closes_at_ms. */
  state = { phase: "none" };
  news = [];
  result = null;
  #books = new Map();
  #trades = new Map();
  #candles = new Map();
  #feeds = new Set();
  #pending = new Map();
  #turns = new Set();
  #frame = 0;
  #heardAt = 0;
  #looking = false;
  #wasConnected = true;
  #leaving = false;

  constructor({ onStock }) {
    super();
    this.onStock = onStock;
  }

  start() {
    stream.addEventListener("error-message", ({ detail }) => this.#settle(detail.ref, detail));
    stream.addEventListener("state", () => this.#turn());
    // Kept frames are changes without their beginning, so a snapshot only says: ask for everything.
    stream.subscribe("practice", ({ type, data }) => (type === "snapshot" ? this.look() : this.#receive(data)));
    setInterval(() => this.#watch(), 500);
  }

  // What the order form and the panel of orders need -----------------------------------------------------

  game = () => ({ phase: this.state.phase === "trading" ? "trading" : "settling" });
  isConnected = () => stream.state === "online" && performance.now() - this.#heardAt < STALE_MS;
  onTurn = (listener) => this.#turns.add(listener);
  stockLink = (symbol) => el("button", { type: "button", class: "link-plain", onclick: () => this.onStock(symbol) }, el("b", { text: this.listings.name(symbol) }));
  amendOrder = (order_id, change) => this.ask("amend", { order_id, ...change });
  cancelOrder = (order_id) => this.ask("cancel", { order_id });
  cancelAll = () => this.ask("cancel_all");

  /** Send an order. When no answer comes, ask again with the same id: it is placed once at most. */
  placeOrder = async (order) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.ask("submit", order);
      } catch (error) {
        if (error.code !== "network" || attempt === TRIES) throw error;
      }
    }
  };

  /** Leave the game; that of the day is played to its end. */
  async leave() {
    this.#leaving = true;
    try {
      await this.ask("stop");
    } catch (error) {
      this.#leaving = false;
      throw error;
    }
  }

  // Asking ------------------------------------------------------------------------------------------------

  /** Ask the host for something; the answer, or an ApiError with its code. */
  ask(what, more = {}) {
    const ref = freshId();
    return new Promise((resolve, reject) => {
      if (!stream.send({ op: "practice", do: what, ref, ...more })) {
        reject(new ApiError("network"));
        return;
      }
      const timer = setTimeout(() => this.#settle(ref, { code: "network" }), ANSWER_MAX_MS);
      this.#pending.set(ref, { resolve, reject, timer });
    });
  }

  #settle(ref, answer) {
    const waiting = this.#pending.get(ref);
    if (!waiting) return;
    this.#pending.delete(ref);
    clearTimeout(waiting.timer);
    if (answer.code) waiting.reject(new ApiError(answer.code, answer.message));
    else waiting.resolve(answer);
  }

  /** Ask for everything, once at a time. */
  async look() {
    if (this.#looking) return;
    this.#looking = true;
    try {
      await this.ask("look");
    } catch (error) {
      // Nobody plays practice games just now, so there is none of mine either.
      if (error.code === "practice_unavailable") this.#gone();
    } finally {
      this.#looking = false;
    }
  }

  #watch() {
    const silence = performance.now() - this.#heardAt;
    if (this.state.phase === "trading" && stream.state === "online" && silence > SILENCE_MS) this.look();
    if (this.isConnected() !== this.#wasConnected) this.#turn();
  }

  #turn() {
    this.#wasConnected = this.isConnected();
    for (const listener of this.#turns) listener();
    this.#emit("state");
  }

  // Hearing -----------------------------------------------------------------------------------------------

  #receive(frame) {
    this.#heardAt = performance.now();
    if (["none", "lost"].includes(frame.phase)) this.#gone();
    else if (frame.is_full) this.#replace(frame);
    else if (frame.game !== this.state.game || frame.frame !== this.#frame + 1) this.look();
    else this.#change(frame);
    for (const answer of frame.answers ?? []) this.#settle(answer.ref, answer);
  }

  /** There is no game of mine: none was, or it is lost. A game that ended stays on the screen. */
  #gone() {
    const was = this.state.phase;
    if (was === "finished") return;
    this.state = { phase: "none" };
    this.#turn();
    if (was !== "none" && !this.#leaving) this.#emit("lost");
    this.#leaving = false;
  }

  #head(frame) {
    const { game, phase, mode, is_counted: isCounted, seed, speed, opens_at_ms: opensAt, closes_at_ms: closesAt, now_ms: now } = frame;
    const turned = this.state.game !== game || this.state.phase !== phase || this.state.speed !== speed || !this.#wasConnected;
    this.state = { game, phase, mode, isCounted, seed, speed, opensAt, closesAt, now, at: this.#heardAt };
    this.#frame = frame.frame;
    this.#books = new Map(Object.entries(frame.books));
    this.listings.upsert(frame.listings);
    return turned;
  }

  #replace(frame) {
    const isOther = this.state.game !== frame.game;
    const wasPlaying = this.state.phase === "trading" || this.state.phase === "saving";
    const turned = this.#head(frame);
    this.news = frame.news;
    this.result = frame.result ?? null;
    this.#trades = new Map(Object.entries(frame.trades));
    this.#candles = new Map(Object.entries(frame.candles).map(([symbol, candles]) => [symbol, new Map(candles.map((candle) => [candle.start, candle]))]));
    this.account.replace({ state: frame.account, orders: frame.orders, fills: frame.fills });
    for (const feed of this.#feeds) this.#deliver(feed);
    if (turned) this.#turn();
    if (isOther) this.#emit("opened");
    for (const symbol of this.#trades.keys()) this.#emit("trades", { symbol, isSnapshot: true });
    this.#emit("news");
    this.#emit("frame");
    if (this.result) this.#emit("result", { isFresh: wasPlaying });
  }

  #change(frame) {
    const turned = this.#head(frame);
    for (const [symbol, trades] of Object.entries(frame.trades ?? {})) this.#traded(symbol, trades);
    // Orders before fills: a notice of a fill says what is left of its order.
    if (frame.orders) for (const order of frame.orders) this.account.receive({ kind: "order", ...order });
    for (const order of frame.ended ?? []) this.account.receive({ kind: "order", ...order });
    if (frame.account) this.account.receive({ kind: "account", ...frame.account });
    for (const fill of [...(frame.fills ?? [])].reverse()) this.account.receive({ kind: "fill", ...fill });
    if (frame.news) {
      this.news = [...this.news, ...frame.news];
      this.#emit("news", { fresh: frame.news });
    }
    if (turned) this.#turn();
    this.#emit("frame");
  }

  #traded(symbol, trades) {
    this.#trades.set(symbol, [...trades, ...(this.#trades.get(symbol) ?? [])].slice(0, TRADES_KEPT));
    const candles = this.#candles.get(symbol) ?? new Map();
    const touched = new Set();
    for (const { price, quantity, traded_at: at } of [...trades].reverse()) {
      const start = at - (at % STEP_MS);
      const candle = candles.get(start);
      candles.set(start, candle
        ? { ...candle, high: Math.max(candle.high, price), low: Math.min(candle.low, price), close: price, volume: candle.volume + quantity }
        : { start, open: price, high: price, low: price, close: price, volume: quantity });
      touched.add(start);
    }
    this.#candles.set(symbol, candles);
    for (const feed of this.#feeds) if (feed.symbol === symbol) this.#deliver(feed, Math.min(...touched));
    this.#emit("trades", { symbol, trades });
  }

  // Reading -----------------------------------------------------------------------------------------------

  /** The time the game has reached by now. */
  now() {
    const { now, at, speed, closesAt, phase } = this.state;
    if (phase !== "trading") return now ?? 0;
    return Math.min(closesAt, now + (performance.now() - at) * speed);
  }

  book(symbol) {
    return this.#books.get(symbol) ?? null;
  }

  /** Newest first. */
  trades(symbol) {
    return this.#trades.get(symbol) ?? [];
  }

  /** 5-second candles, oldest first. */
  candles(symbol) {
    return [...(this.#candles.get(symbol)?.values() ?? [])].sort((a, b) => a.start - b.start);
  }

  /** Candles of a chart: a snapshot at once, then updates; returns the function that ends it. */
  feed = (symbol, interval, deliver) => {
    const feed = { symbol, interval, deliver };
    this.#feeds.add(feed);
    this.#deliver(feed);
    return () => this.#feeds.delete(feed);
  };

  #deliver({ symbol, interval, deliver }, from = null) {
    const step = INTERVALS_MS[interval];
    const candles = fold(this.candles(symbol).filter((candle) => from === null || candle.start >= from - (from % step)), step);
    deliver({ type: from === null ? "snapshot" : "update", data: candles });
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

