// The trading screen: header, chart, book, tape, order form, my panel, company news, phone tabs.
import { account } from "./account.js";
import { api } from "./api.js";
import { Book } from "./book.js";
import { Chart } from "./chart.js";
import { isFreshNews, onNews } from "./chat.js";
import { countdown, game, onGame, timeLeft } from "./clock.js";
import { el, flash, isTyping, listOf, pageData, preferences, setDirection, setText } from "./dom.js";
import { arrow, changeBps, percent, signed, timeOfDay, won } from "./format.js";
import { listings } from "./listings.js";
import { OrderForm } from "./order-form.js";
import { MyOrders } from "./orders.js";
import { stream } from "./socket.js";
import { TEXT } from "./text.js";
import { tickSize } from "./ticks.js";
import { Tape } from "./tape.js";

const RANK_EVERY_MS = 10_000;
const root = document.querySelector("[data-stock]");
const symbol = root.dataset.stock;
const head = Object.fromEntries([...document.querySelectorAll("[data-head]")].map((node) => [node.dataset.head, node]));
const pageListing = pageData("listing-data") ?? { symbol };
const listing = () => listings.get(symbol) ?? pageListing;
const title = document.title.trim();

// Header and the tabs of the other stocks ---------------------------------------------------------

let shownPrice = null;

function drawHead() {
  const { last_price: price, base_price: base, change_bps: bps, volume } = listing();
  const change = price - base;
  setText(head.price, won(price));
  setText(head.arrow, arrow(change));
  setText(head.change, signed(change));
  setText(head.percent, `(${percent(bps ?? changeBps(price, base))})`);
  setDirection(head["price-line"], change);
  setText(head.volume, won(volume));
  setText(head.tick, won(tickSize(price)));
  head.halted.hidden = listing().status !== "halted";
  if (shownPrice !== null && price !== shownPrice) flash(head["price-line"], price > shownPrice ? "up" : "down");
  shownPrice = price;
}

function drawTabs(changed) {
  for (const item of changed) {
    const tab = root.querySelector(`.stock-tabs [data-listing="${CSS.escape(item.symbol)}"]`);
    if (!tab) continue;
    setText(tab.querySelector("[data-cell=price]"), won(item.last_price));
    setText(tab.querySelector("[data-cell=arrow]"), arrow(item.change_bps));
    setDirection(tab.querySelector(".stock-tab-price"), item.change_bps);
  }
}

/** Show the tab of this stock where the row of tabs is too long for the screen. */
function scrollToTab() {
  const row = root.querySelector(".stock-tabs");
  const current = row?.querySelector("[aria-current]");
  if (current) row.scrollLeft = current.offsetLeft - row.offsetLeft - (row.clientWidth - current.clientWidth) / 2;
}

function drawTitle() {
  const { last_price: price, base_price: base, name } = listing();
  const left = game.isTrading() ? ` ${countdown(timeLeft()).split(".")[0]}` : "";
  const text = price ? `${arrow(price - base)} ${won(price)} ${name ?? symbol}${left} · ${title.split("·").at(-1).trim()}` : title;
  if (document.title !== text) document.title = text;
}

// Day's high and low: from the candles of the widest interval, moved on by every trade.
const range = { high: null, low: null };

function widen(high, low) {
  range.high = Math.max(range.high ?? high, high);
  range.low = Math.min(range.low ?? low, low);
  const { base_price: base } = listing();
  setText(head.high, won(range.high));
  setText(head.low, won(range.low));
  setDirection(head.high, range.high - base);
  setDirection(head.low, range.low - base);
}

// The parts ------------------------------------------------------------------------------------------

const candles = listOf(pageData("candles-data"), "candles");
for (const candle of candles) widen(candle.high, candle.low);

const tape = new Tape(document.querySelector("[data-tape]"), pageData("trades-data"));
let book = null;
const orderForm = new OrderForm(document.querySelector("[data-order-card]"), {
  listing,
  book: () => book?.data,
  onAccepted: (order) => account.expect(order),
});
book = new Book(document.querySelector("[data-book]"), {
  listing,
  onPrice: (price) => {
    orderForm.choosePrice(price);
    if (root.dataset.tab !== "book") showTab("book");
  },
  sums: { asks: document.querySelector("[data-book-sum=asks]"), bids: document.querySelector("[data-book-sum=bids]") },
});
book.replace(pageData("book-data"));

const intervalButtons = [...document.querySelectorAll("[data-interval]")];
const interval = intervalButtons.some((button) => button.dataset.interval === preferences.get("interval")) ? preferences.get("interval") : "5s";
const chart = new Chart(document.querySelector("[data-chart]"), {
  symbol, interval, candles: interval === "5s" ? candles : [], legend: document.querySelector("[data-chart-legend]"),
  tick: tickSize(listing().base_price ?? 1),
});

function chooseInterval(chosen) {
  chart.setInterval(chosen);
  preferences.set("interval", chosen);
  for (const button of intervalButtons) button.setAttribute("aria-pressed", String(button.dataset.interval === chosen));
}
for (const button of intervalButtons) button.addEventListener("click", () => chooseInterval(button.dataset.interval));
chooseInterval(interval);

new MyOrders(document.querySelector("[data-my-orders]"), {
  onSell: (held) => {
    if (held !== symbol) location.assign(`/stocks/${encodeURIComponent(held)}/?side=sell`);
    else trade("sell");
  },
  onTrade: (side) => trade(side),
});

function trade(side) {
  if (side) orderForm.chooseSide(side);
  showTab("book");
  orderForm.quantity.focus();
}
const askedSide = new URLSearchParams(location.search).get("side");
if (askedSide === "sell" || askedSide === "buy") orderForm.chooseSide(askedSide);

// News -------------------------------------------------------------------------------------------------

const news = listOf(pageData("news-data"), "news");
const newsList = document.querySelector("[data-news-list]");

function addNews(message) {
  if (message.symbol !== symbol || !isFreshNews(message, news)) return;
  const way = message.direction ?? message.level;
  news.push({ ...message, direction: way });
  chart.setNews(news);
  newsList?.querySelector("[data-news-empty]")?.remove();
  const sign = way === "good" ? 1 : way === "bad" ? -1 : 0;
  newsList?.prepend(el("li", { class: "chat-new" },
    el("span", { class: `news-mark ${sign > 0 ? "up" : sign < 0 ? "down" : ""}`, "aria-hidden": "true", text: sign ? arrow(sign) : "·" }),
    el("span", { class: "news-text", text: message.text }), el("time", { class: "mute", text: timeOfDay(message.sent_at) })));
}
onNews(addNews);
chart.setNews(news);

// My marks on chart and book -------------------------------------------------------------------------

function drawMine() {
  chart.setAveragePrice(account.holding(symbol)?.average_price ?? null);
  orderForm.draw();
}
const drawFills = () => chart.setFills(account.fills.filter((fill) => fill.symbol === symbol));
const drawOrders = () => book.setMine(account.openOrders().filter((order) => order.symbol === symbol));
account.addEventListener("account", drawMine);
account.addEventListener("fills", drawFills);
account.addEventListener("orders", drawOrders);
drawMine();
drawFills();
drawOrders();

// Live -------------------------------------------------------------------------------------------------

/** Strength of buying: shares bought for every 100 sold by those who took a quote, over the tape. */
function drawStrength() {
  const taken = { buy: 0, sell: 0 };
  for (const trade of tape.trades) taken[trade.taker_side] += trade.quantity;
  const strength = taken.sell ? Math.round((taken.buy * 100) / taken.sell) : null;
  setText(head.strength, strength === null ? "–" : `${won(strength)}%`);
  setDirection(head.strength, strength === null ? 0 : strength - 100);
}

stream.subscribe(`book:${symbol}`, ({ data }) => {
  if (!data) return;
  book.replace(data);
  if (data.last_price) listings.learnPrice(symbol, data.last_price);
  orderForm.draw();
});
stream.subscribe(`trades:${symbol}`, ({ type, data }) => {
  const trades = listOf(data, "trades");
  if (type === "snapshot") tape.replace(trades);
  else tape.add(trades);
  for (const trade of trades) widen(trade.price, trade.price);
  if (trades[0]) listings.learnPrice(symbol, trades[0].price);
  drawStrength();
});
listings.onChange((changed) => {
  drawTabs(changed);
  if (!changed.some((item) => item.symbol === symbol)) return;
  drawHead();
  orderForm.followPrice(listing().last_price);
});
onGame((now, before) => {
  // A new game has its own day's range; book, tape and candles come anew by themselves.
  if (before && now.number !== before.number) Object.assign(range, { high: null, low: null });
});
drawHead();
drawStrength();
scrollToTab();
setInterval(drawTitle, 1000);

// Phone tabs and shortcuts ----------------------------------------------------------------------------

const tabs = [...document.querySelectorAll("[data-tab-for]")];

function showTab(name) {
  root.dataset.tab = name;
  for (const tab of tabs) tab.setAttribute("aria-selected", String(tab.dataset.tabFor === name));
  if (name === "chat") document.querySelector("[data-chat-messages]")?.dispatchEvent(new Event("shown"));
}
for (const tab of tabs) tab.addEventListener("click", () => showTab(tab.dataset.tabFor));

/** B buy, S sell, C chat; switched off with the preference `shortcuts`, silent while typing or composing. */
document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (isTyping() || document.querySelector("dialog[open]") || preferences.get("shortcuts", "on") === "off") return;
  const act = { KeyB: () => trade("buy"), KeyS: () => trade("sell"), KeyC: () => document.getElementById("chat-text")?.focus() }[event.code];
  if (!act) return;
  event.preventDefault();
  act();
});

// My rank in this game, now and then ------------------------------------------------------------------

const rank = document.querySelector("[data-my=rank]");

async function drawRank() {
  if (!rank || document.hidden || !game.isTrading()) return;
  try {
    const { me } = await api.gameRanking();
    setText(rank, me?.rank ? TEXT.rank(won(me.rank)) : "");
  } catch {
    // The rank shown stands until the next turn.
  }
}
setInterval(drawRank, RANK_EVERY_MS);
drawRank();
