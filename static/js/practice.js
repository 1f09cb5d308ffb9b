// Practice: the lobby, and the trading screen of a private game, made of the same parts as the live one.
import { Book } from "./book.js";
import { Chart } from "./chart.js";
import { countdown } from "./clock.js";
import { el, flash, isTyping, preferences, setDirection, setText } from "./dom.js";
import { arrow, changeBps, percent, signed, timeOfDay, won } from "./format.js";
import { Notices } from "./notices.js";
import { OrderForm } from "./order-form.js";
import { MyOrders } from "./orders.js";
import { PracticeLobby } from "./practice-lobby.js";
import { PracticeVenue } from "./practice-venue.js";
import { Tape } from "./tape.js";
import { TEXT } from "./text.js";
import { tickSize } from "./ticks.js";
import { toast } from "./toast.js";

const LOG_LINES_MAX = 100;
const lobbyRoot = document.querySelector("[data-practice-lobby]");
const screen = document.querySelector("[data-practice-screen]");
const named = (name) => Object.fromEntries([...screen.querySelectorAll(`[data-${name}]`)].map((node) => [node.dataset[name], node]));
const head = named("head");
const parts = named("practice");
const bar = screen.querySelector(".practice-bar");
const title = document.title;

let symbol = null;
let chart = null;
let shownPrice = null;
let unread = 0;
let isLeft = false;

const venue = new PracticeVenue({ onStock: (chosen) => choose(chosen) });
const listing = () => venue.listings.get(symbol);

// The parts -----------------------------------------------------------------------------------------

const orderForm = new OrderForm(screen.querySelector("[data-order-card]"), {
  listing, book: () => venue.book(symbol), onAccepted: () => {}, venue,
});
const book = new Book(screen.querySelector("[data-book]"), {
  listing,
  onPrice: (price) => {
    orderForm.choosePrice(price);
    if (screen.dataset.tab !== "book") showTab("book");
  },
  sums: { asks: screen.querySelector("[data-book-sum=asks]"), bids: screen.querySelector("[data-book-sum=bids]") },
});
const tape = new Tape(screen.querySelector("[data-tape]"), []);
new MyOrders(screen.querySelector("[data-my-orders]"), {
  venue,
  onSell: (held) => {
    choose(held);
    trade("sell");
  },
  onTrade: (side) => trade(side),
});
new Notices(venue.account, venue.listings, (text, level, _at, key = "") => {
  // The fills of one order within a few seconds are one line that is written anew.
  const known = key && parts.log.querySelector(`[data-key="${CSS.escape(key)}"] > .log-text`);
  if (known) setText(known, text);
  else log(text, { level: level === "fill" ? "is-mine" : "is-warning", key });
});
const lobby = new PracticeLobby(lobbyRoot, { onStart: start });

function trade(side) {
  if (side) orderForm.chooseSide(side);
  showTab("book");
  orderForm.quantity.focus();
}

/** A line of what happened, newest first. */
function log(text, { level = "", at = venue.now(), sign = 0, key = "" } = {}) {
  parts.log.prepend(el("li", { class: `chat-new ${level}`, "data-key": key || null },
    el("span", { class: `news-mark ${sign > 0 ? "up" : sign < 0 ? "down" : ""}`, "aria-hidden": "true", text: sign ? arrow(sign) : "·" }),
    el("span", { class: "log-text", text }), el("time", { text: timeOfDay(at) })));
  while (parts.log.childElementCount > LOG_LINES_MAX) parts.log.lastElementChild.remove();
}

// The stock on the screen ------------------------------------------------------------------------------

const intervalButtons = [...screen.querySelectorAll("[data-interval]")];
let interval = intervalButtons.some((button) => button.dataset.interval === preferences.get("interval")) ? preferences.get("interval") : "5s";

function chooseInterval(chosen) {
  interval = chosen;
  chart?.setInterval(chosen);
  preferences.set("interval", chosen);
  for (const button of intervalButtons) button.setAttribute("aria-pressed", String(button.dataset.interval === chosen));
}
for (const button of intervalButtons) button.addEventListener("click", () => chooseInterval(button.dataset.interval));

function choose(chosen) {
  if (!venue.listings.get(chosen)) return;
  symbol = chosen;
  shownPrice = null;
  chart?.remove();
  const legend = screen.querySelector("[data-chart-legend]");
  legend.replaceChildren();
  chart = new Chart(screen.querySelector("[data-chart]"), {
    symbol, interval, candles: venue.candles(symbol), legend, tick: tickSize(listing().base_price), feed: venue.feed,
  });
  setText(head.name, listing().name);
  setText(head.about, `${symbol} · ${listing().sector}`);
  book.known.clear();
  orderForm.chooseSymbol(symbol);
  tape.replace(venue.trades(symbol));
  drawTabs();
  drawFrame();
  drawMine();
  drawFills();
  drawOrders();
  drawPins();
}

function drawTabs() {
  parts.tabs.replaceChildren(...venue.listings.all().map((item) => el("button", {
    type: "button", "data-listing": item.symbol, "aria-current": item.symbol === symbol ? "true" : null, onclick: () => choose(item.symbol),
  }, el("span", { class: "stock-tab-name", text: item.name }),
  el("span", { class: "stock-tab-price" }, el("span", { class: "arrow", "aria-hidden": "true" }), " ", el("b")))));
}

function drawPrices() {
  for (const tab of parts.tabs.children) {
    const item = venue.listings.get(tab.dataset.listing);
    const price = tab.querySelector(".stock-tab-price");
    setText(price.querySelector("b"), won(item.last_price));
    setText(price.querySelector(".arrow"), arrow(item.change_bps));
    setDirection(price, item.change_bps);
  }
  const { last_price: price, base_price: base, volume } = listing();
  const change = price - base;
  setText(head.price, won(price));
  setText(head.arrow, arrow(change));
  setText(head.change, signed(change));
  setText(head.percent, `(${percent(changeBps(price, base))})`);
  setDirection(head["price-line"], change);
  setText(head.volume, won(volume));
  setText(head.tick, won(tickSize(price)));
  if (shownPrice !== null && price !== shownPrice) flash(head["price-line"], price > shownPrice ? "up" : "down");
  shownPrice = price;
  const candles = venue.candles(symbol);
  const [high, low] = candles.length ? [Math.max(...candles.map((candle) => candle.high)), Math.min(...candles.map((candle) => candle.low))] : [NaN, NaN];
  setText(head.high, won(high));
  setText(head.low, won(low));
  setDirection(head.high, high - base);
  setDirection(head.low, low - base);
}

/** Limits, base price: what stands in the book's corner and does not move. */
function drawFacts() {
  const { upper_limit: upper, lower_limit: lower, base_price: base } = listing();
  [upper, lower, base].forEach((value, index) => setText(screen.querySelector(`.book-facts > :nth-child(${index + 1}) dd`), won(value)));
}

function drawFrame() {
  if (!symbol || !venue.book(symbol)) return;
  book.replace(venue.book(symbol));
  drawPrices();
  drawFacts();
  orderForm.followPrice(listing().last_price);
  orderForm.draw();
}

/** Strength of buying: shares bought for every 100 sold by those who took a quote, over the tape. */
function drawStrength() {
  const taken = { buy: 0, sell: 0 };
  for (const done of tape.trades) taken[done.taker_side] += done.quantity;
  const strength = taken.sell ? Math.round((taken.buy * 100) / taken.sell) : null;
  setText(head.strength, strength === null ? "–" : `${won(strength)}%`);
  setDirection(head.strength, strength === null ? 0 : strength - 100);
}

const drawMine = () => chart?.setAveragePrice(venue.account.holding(symbol)?.average_price ?? null);
const drawFills = () => chart?.setFills(venue.account.fills.filter((fill) => fill.symbol === symbol));
const drawOrders = () => book.setMine(venue.account.openOrders().filter((order) => order.symbol === symbol));
const drawPins = () => chart?.setNews(venue.news.filter((news) => news.symbol === symbol));
venue.account.addEventListener("account", drawMine);
venue.account.addEventListener("fills", drawFills);
venue.account.addEventListener("orders", drawOrders);
venue.addEventListener("frame", drawFrame);
venue.addEventListener("trades", ({ detail }) => {
  if (detail.symbol !== symbol) return;
  if (detail.isSnapshot) tape.replace(venue.trades(symbol));
  else tape.add(detail.trades);
  drawStrength();
});
venue.addEventListener("news", ({ detail }) => {
  if (!detail) parts.log.replaceChildren();
  for (const news of detail?.fresh ?? venue.news) {
    log(news.text, { level: "is-news", at: news.sent_at, sign: news.direction === "good" ? 1 : -1 });
    if (detail && screen.dataset.tab !== "chat") unread += 1;
  }
  drawUnread();
  drawPins();
});

// The game: its clock, its beginning and its end -------------------------------------------------------

function drawClock() {
  const { phase, opensAt, closesAt, speed } = venue.state;
  if (screen.hidden || !closesAt) return;
  const left = (closesAt - venue.now()) / speed;
  setText(parts.time, phase === "saving" ? "…" : countdown(left));
  parts.progress.style.transform = `scaleX(${Math.max(0, (closesAt - venue.now()) / (closesAt - opensAt)).toFixed(4)})`;
  const urgency = left < 10_000 ? "seconds" : left < 60_000 ? "minute" : null;
  if (urgency) bar.dataset.urgency = urgency;
  else delete bar.dataset.urgency;
  screen.classList.toggle("is-stale", !venue.isConnected());
}

function drawTitle() {
  const item = symbol && listing();
  const text = screen.hidden || !item ? title : `${arrow(item.change_bps)} ${won(item.last_price)} ${item.name} · ${title}`;
  if (document.title !== text) document.title = text;
}

function drawState() {
  const { phase, mode, isCounted, seed, speed } = venue.state;
  const isPlaying = phase === "trading" || phase === "saving";
  screen.hidden = !isPlaying;
  lobbyRoot.hidden = isPlaying;
  document.body.classList.toggle("is-practicing", isPlaying);
  if (!isPlaying) return;
  const { daily, again, free, saving, left } = TEXT.practice;
  const kind = mode === "daily" ? (isCounted ? daily : again) : free(seed);
  setText(parts.kind, phase === "saving" ? saving : isLeft ? left : kind);
  parts.speed.hidden = mode === "daily";
  for (const button of parts.speed.children) button.setAttribute("aria-pressed", String(Number(button.dataset.speed) === speed));
  parts.leave.disabled = phase !== "trading" || isLeft;
}
venue.addEventListener("state", drawState);

venue.addEventListener("opened", () => {
  isLeft = false;
  unread = 0;
  drawState();
  choose(symbol ?? venue.listings.all()[0].symbol);
  if (venue.state.phase === "trading") scrollTo(0, 0);
});
venue.addEventListener("result", ({ detail }) => {
  if (detail.isFresh) toast(TEXT.practice.over, { level: "success", key: "practice" });
  document.querySelector("dialog[open]")?.close("cancel");
  lobby.show(venue.state, venue.result);
});
venue.addEventListener("lost", () => toast(TEXT.practice.lost, { level: "warning", key: "practice", life: 0 }));

async function start(wish) {
  lobby.enable(false);
  try {
    await venue.ask("start", wish);
  } catch (error) {
    toast(error.message, { level: "error", key: "practice" });
  } finally {
    lobby.enable(true);
  }
}

for (const button of parts.speed.children) {
  button.addEventListener("click", () => venue.ask("speed", { speed: Number(button.dataset.speed) }).catch((error) => toast(error.message, { level: "error", key: "practice" })));
}

async function leave() {
  isLeft = venue.state.isCounted;
  try {
    await venue.leave();
  } catch (error) {
    isLeft = false;
    toast(error.message, { level: "error", key: "practice" });
  }
  drawState();
}
// A first attempt counts however it ends, so leaving it is asked about.
parts.leave.addEventListener("click", () => (venue.state.isCounted ? parts["leave-dialog"].showModal() : leave()));
parts["leave-dialog"].addEventListener("close", () => parts["leave-dialog"].returnValue === "leave" && leave());

// Phone tabs and shortcuts ------------------------------------------------------------------------------

const tabs = [...screen.querySelectorAll("[data-tab-for]")];

function drawUnread() {
  parts.unread.hidden = unread === 0;
  setText(parts.unread, String(unread));
}

function showTab(name) {
  screen.dataset.tab = name;
  for (const tab of tabs) tab.setAttribute("aria-selected", String(tab.dataset.tabFor === name));
  if (name === "chat") unread = 0;
  drawUnread();
}
for (const tab of tabs) tab.addEventListener("click", () => showTab(tab.dataset.tabFor));

/** B buy, S sell; as on the live screen. */
document.addEventListener("keydown", (event) => {
  if (screen.hidden || event.isComposing || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (isTyping() || document.querySelector("dialog[open]") || preferences.get("shortcuts", "on") === "off") return;
  const side = { KeyB: "buy", KeyS: "sell" }[event.code];
  if (!side) return;
  event.preventDefault();
  trade(side);
});

chooseInterval(interval);
setInterval(drawClock, 100);
setInterval(drawTitle, 1000);
venue.start();
