// Looking back on a game: sixty seconds of it again, and what each curve was worth at the moment one points at.
import { api } from "./api.js";
import { el, listOf, pageData, setDirection, setText } from "./dom.js";
import { percent, won } from "./format.js";
import { TEXT } from "./text.js";

const REPLAY_MS = 60_000;
const FRAME_MS = 50;
const CANDLES_MAX = 500;
const STEPS = { "5s": 5_000, "15s": 15_000, "1m": 60_000 };
const PENDING_EVERY_MS = 2_000;
const PENDING_TRIES = 60;

/** The page came before the review was made: ask until it is, the more players the more rarely, then show it. */
async function waitFor(number, players) {
  for (let attempt = 0; attempt < PENDING_TRIES; attempt += 1) {
    const wait = (PENDING_EVERY_MS + players) * (0.75 + Math.random() / 2);
    await new Promise((resolve) => setTimeout(resolve, wait));
    const answer = document.hidden ? null : await api.gameReview(number).catch(() => null);
    if (answer?.is_ready) {
      location.reload();
      return;
    }
  }
}

/** The index of the last moment of the grid that is not after `at`. */
function placeOf(grid, at) {
  let [low, high] = [0, grid.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (grid[middle] <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The curves' cursor: a line at a moment, and in the legend what each curve was worth then. */
class Curves {
  constructor(root, review) {
    this.grid = review.grid;
    this.chart = root.querySelector("svg");
    this.cursor = root.querySelector("[data-curves-cursor]");
    this.values = new Map([["median", review.median_bps], ["mine", review.me?.curve_bps ?? []]]);
    for (const { symbol, prices, base_price: base } of review.listings) {
      this.values.set(symbol, prices.map((price) => Math.floor(((price - base) * 10_000) / base)));
    }
    this.labels = [...root.querySelectorAll("[data-curve]")].map((item) => [item.dataset.curve, item.querySelector("[data-curve-value]")]);
  }

  /** Show a moment; the end without a line. */
  show(at) {
    const [first, last] = [this.grid[0], this.grid.at(-1)];
    const x = `${(100 * (at - first)) / (last - first)}%`;
    this.cursor.setAttribute("x1", x);
    this.cursor.setAttribute("x2", x);
    this.cursor.setAttribute("visibility", at >= last ? "hidden" : "visible");
    const place = placeOf(this.grid, at);
    for (const [key, label] of this.labels) {
      const value = this.values.get(key)?.[place];
      setText(label, percent(value));
      setDirection(label, value);
    }
  }

  momentAt(clientX) {
    const box = this.chart.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (clientX - box.left) / box.width));
    return this.grid[0] + share * (this.grid.at(-1) - this.grid[0]);
  }
}

class Replay {
  #at;
  #frame = 0;
  #before = 0;
  #course = new Map();

  constructor(root, review, chart, onMove) {
    const part = (name) => root.querySelector(`[data-replay-${name}]`);
    Object.assign(this, { root, review, chart, onMove });
    [this.first, this.last] = [review.grid[0], review.grid.at(-1)];
    this.#at = this.last;
    this.interval = Object.keys(STEPS).find((name) => (this.last - this.first) / STEPS[name] <= CANDLES_MAX) ?? "1m";
    [this.playButton, this.seek, this.time, this.legend] = ["play", "seek", "time", "legend"].map(part);
    this.events = [...root.querySelectorAll("[data-seek]")];
    this.playButton.addEventListener("click", () => (this.#frame ? this.pause() : this.play()));
    this.seek.addEventListener("input", () => this.move(this.first + (this.seek.valueAsNumber / this.seek.max) * (this.last - this.first)));
    part("hidden").addEventListener("change", ({ target }) => {
      this.chart.setHidden(target.checked);
      this.#say();
    });
    this.hiddenSwitch = part("hidden");
    for (const event of this.events) {
      event.addEventListener("click", async () => {
        await this.choose(event.dataset.symbol);
        this.move(Number(event.dataset.seek));
      });
    }
    this.tabs = review.listings.map(({ symbol, name }) => el("button", { type: "button", "data-symbol": symbol, text: name, onclick: () => this.choose(symbol) }));
    part("tabs").append(...this.tabs);
  }

  /** Show a stock: its candles are asked for once. */
  async choose(symbol) {
    this.symbol = symbol;
    for (const tab of this.tabs) tab.setAttribute("aria-pressed", String(tab.dataset.symbol === symbol));
    if (!this.#course.has(symbol)) {
      const asked = { game: this.review.number, interval: this.interval, limit: CANDLES_MAX };
      const answer = await api.candles(symbol, asked).catch(() => null);
      if (answer) this.#course.set(symbol, this.#whole(symbol, listOf(answer, "candles")));
    }
    const course = this.#course.get(symbol);
    if (!course || this.symbol !== symbol) return;
    this.chart.load(course);
    this.move(this.#at);
  }

  /** The stock's candles without gaps, each with the hidden value at its end, my fills and the news. */
  #whole(symbol, candles) {
    const { listings, news, me, grid } = this.review;
    const { base_price: base, hidden } = listings.find((listing) => listing.symbol === symbol);
    const step = STEPS[this.interval];
    const known = new Map(candles.map((candle) => [candle.start, candle]));
    const whole = [];
    let price = base;
    for (let start = Math.floor(this.first / step) * step; start < this.last; start += step) {
      const candle = known.get(start) ?? { start, open: price, high: price, low: price, close: price };
      whole.push(candle);
      price = candle.close;
    }
    return {
      candles: whole,
      hidden: whole.map(({ start }) => ({ start, value: hidden[placeOf(grid, start + step)] })),
      fills: listOf(me, "fills").filter((fill) => fill.symbol === symbol),
      news: news.filter((item) => item.symbol === symbol),
      step,
    };
  }

  play() {
    if (this.#at >= this.last) this.#at = this.first;
    this.#before = performance.now();
    this.#frame = requestAnimationFrame((now) => this.#step(now));
    this.#label();
  }

  pause() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#label();
  }

  #step(now) {
    const passed = now - this.#before;
    if (passed >= FRAME_MS) {
      this.#before = now;
      this.move(this.#at + (Math.min(passed, 1000) * (this.last - this.first)) / REPLAY_MS);
    }
    if (this.#at >= this.last) this.pause();
    else this.#frame = requestAnimationFrame((later) => this.#step(later));
  }

  #label() {
    const playing = this.#frame !== 0;
    this.root.toggleAttribute("data-playing", playing);
    this.playButton.setAttribute("aria-label", playing ? TEXT.replay.pause : TEXT.replay.play);
  }

  move(at) {
    this.#at = Math.min(this.last, Math.max(this.first, at));
    this.chart.show(this.#at);
    this.seek.value = String(Math.round((this.seek.max * (this.#at - this.first)) / (this.last - this.first)));
    const [now, all] = [this.#at - this.first, this.last - this.first].map(clock);
    setText(this.time, `${now} / ${all}`);
    this.seek.setAttribute("aria-valuetext", now);
    for (const event of this.events) event.classList.toggle("is-ahead", Number(event.dataset.seek) > this.#at);
    this.#say();
    this.onMove(this.#at);
  }

  get at() {
    return this.#at;
  }

  /** The legend: what a share and I were worth at this moment, and what the share was really worth. */
  #say() {
    const { listings, grid, me } = this.review;
    const listing = listings.find(({ symbol }) => symbol === this.symbol);
    if (!listing) return;
    const place = placeOf(grid, this.#at);
    const say = this.#at < this.last ? TEXT.replay.price : TEXT.replay.close;
    const said = [say(won(listing.prices[place]))];
    if (this.hiddenSwitch.checked) said.push(TEXT.replay.hidden(won(listing.hidden[place])));
    if (me) said.push(TEXT.replay.mine(percent(me.curve_bps[place])));
    setText(this.legend, said.join(" · "));
  }
}

function clock(ms) {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

async function start(review) {
  const curves = new Curves(document.querySelector("[data-curves]"), review);
  const root = document.querySelector("[data-replay]");
  const { ReplayChart } = await import("./replay-chart.js");
  root.hidden = false;
  const replay = new Replay(root, review, new ReplayChart(root.querySelector("[data-replay-chart]")), (at) => curves.show(at));
  curves.chart.addEventListener("pointermove", ({ clientX }) => curves.show(curves.momentAt(clientX)));
  curves.chart.addEventListener("pointerleave", () => curves.show(replay.at));
  // The stock I traded most comes first.
  const traded = [...listOf(review.me, "stocks")].sort((a, b) => b.fills - a.fills);
  await replay.choose(traded[0]?.symbol ?? review.listings[0]?.symbol);
}

const review = pageData("review-data");
const pending = document.querySelector("[data-review-pending]");
if (review?.listings.length) await start(review);
else if (pending) await waitFor(pending.dataset.reviewPending, Number(pending.dataset.players));
