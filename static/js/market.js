// The market page: live prices, sparklines, my assets, the leaderboard and the news.
import { account } from "./account.js";
import { api } from "./api.js";
import { isFreshNews, onNews } from "./chat.js";
import { onGame } from "./clock.js";
import { el, flash, icon, listOf, pageOf, playerName, setDirection, setText } from "./dom.js";
import { arrow, changeBps, percent, signed, timeOfDay, won } from "./format.js";
import { listings } from "./listings.js";
import { stream } from "./socket.js";
import { TEXT } from "./text.js";

const RANKING_EVERY_MS = 5000;
const LEADERS = 10;
const SPARK_POINTS = 80;

// The list of stocks ----------------------------------------------------------------------------------

const rows = new Map();
for (const link of document.querySelectorAll("[data-stock-list] [data-listing]")) {
  const cells = Object.fromEntries([...link.querySelectorAll("[data-cell]")].map((node) => [node.dataset.cell, node]));
  rows.set(link.dataset.listing, { link, cells, closes: new Map(), price: null, priceLine: link.querySelector(".stock-list-price") });
}

function drawListing(listing) {
  const row = rows.get(listing.symbol);
  if (!row) return;
  const { last_price: price, base_price: base, upper_limit: upper, lower_limit: lower } = listing;
  setText(row.cells.price, won(price));
  setText(row.cells.arrow, arrow(listing.change_bps));
  setText(row.cells.percent, percent(listing.change_bps));
  setDirection(row.priceLine, price - base);
  setText(row.cells.volume, won(listing.volume));
  row.cells.halted.hidden = listing.status !== "halted";
  row.cells.open.hidden = listing.status === "halted";
  const share = upper > lower ? Math.min(1, Math.max(0, (price - lower) / (upper - lower))) : 0.5;
  row.cells.range.style.left = `${(share * 100).toFixed(1)}%`;
  if (row.price !== null && row.price !== price) flash(row.priceLine, price > row.price ? "up" : "down");
  row.price = price;
}

const SVG = "http://www.w3.org/2000/svg";

/** The game so far as one line, in the colour of its change, over a hairline at the base price. */
function drawSpark(symbol) {
  const row = rows.get(symbol);
  const listing = listings.get(symbol);
  const closes = [...row.closes.entries()].sort((a, b) => a[0] - b[0]).slice(-SPARK_POINTS).map(([, close]) => close);
  if (!closes.length || !listing) return;
  const base = listing.base_price;
  const [low, high] = [Math.min(base, ...closes), Math.max(base, ...closes)];
  const y = (price) => (high === low ? 18 : 33 - ((price - low) / (high - low)) * 30).toFixed(1);
  const x = (index) => (closes.length === 1 ? 120 : (index / (closes.length - 1)) * 120).toFixed(1);
  const shape = (className, d) => {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("class", className);
    path.setAttribute("d", d);
    return path;
  };
  const points = closes.map((close, index) => `${x(index)} ${y(close)}`);
  if (points.length === 1) points.unshift(`0 ${y(base)}`);
  row.cells.spark.replaceChildren(shape("spark-base", `M0 ${y(base)}H120`), shape("spark-line", `M${points.join("L")}`));
  const change = closes.at(-1) - base;
  row.cells.spark.setAttribute("class", `spark ${change > 0 ? "up" : change < 0 ? "down" : "flat"}`);
}

listings.onChange((changed) => changed.forEach(drawListing));
for (const listing of listings.all()) drawListing(listing);
for (const symbol of rows.keys()) {
  stream.subscribe(`candles:${symbol}:15s`, ({ type, data }) => {
    const row = rows.get(symbol);
    if (type === "snapshot") row.closes.clear();
    for (const candle of listOf(data, "candles")) row.closes.set(candle.start, candle.close);
    drawSpark(symbol);
  });
}

// My assets -------------------------------------------------------------------------------------------

const mine = Object.fromEntries([...document.querySelectorAll(".my-assets [data-my]")].map((node) => [node.dataset.my, node]));
const holdingsBody = document.querySelector("[data-holdings-body]");

function drawAssets() {
  const equity = account.equity();
  if (equity === null || !mine.equity) return;
  const { cash, available_cash: available, initial_cash: initial } = account.state;
  const bps = changeBps(equity, initial);
  setText(mine.equity, won(equity));
  setText(mine.arrow, arrow(bps));
  setText(mine.profit, signed(equity - initial));
  setText(mine.return, percent(bps));
  setDirection(mine["return-line"], bps);
  setText(mine.cash, won(cash));
  setText(mine.available, won(available));
  setText(mine.stocks, won(equity - cash));
  for (const cell of holdingsBody?.querySelectorAll("[data-holding]") ?? []) drawHolding(cell);
}

function drawHolding(row) {
  const held = account.holding(row.dataset.holding);
  const last = listings.lastPrice(row.dataset.holding);
  if (!held || last === null) return;
  const bps = changeBps(last, held.average_price);
  setText(row.children[3], won(last));
  setText(row.children[4], `${arrow(bps)} ${percent(bps)}`);
  setDirection(row.children[4], bps);
}

function drawHoldings() {
  const held = account.state?.holdings ?? [];
  if (!holdingsBody) return;
  const { stock, quantity, average, last, rate } = TEXT.columns;
  if (!held.length) {
    holdingsBody.replaceChildren(el("div", { class: "empty" }, el("p", { text: TEXT.empty.holdings })));
    return;
  }
  const headings = [stock, quantity, average, last, rate].map((text, index) => el("th", { class: index ? "num" : "", text }));
  holdingsBody.replaceChildren(el("div", { class: "table-wrap" }, el("table", { class: "table table-cards" }, el("thead", {}, el("tr", {}, ...headings)),
    el("tbody", {}, ...held.map((item) => el("tr", { "data-holding": item.symbol },
      el("td", {}, el("a", { href: `/stocks/${encodeURIComponent(item.symbol)}/` }, el("b", { text: listings.name(item.symbol) }))),
      el("td", { class: "num", "data-label": quantity, text: `${won(item.quantity)} (${won(item.available_quantity)})` }),
      el("td", { class: "num", "data-label": average, text: won(item.average_price) }),
      el("td", { class: "num", "data-label": last, text: won(item.last_price) }),
      el("td", { class: "num", "data-label": rate, text: percent(item.return_bps) })))))));
}

account.addEventListener("account", () => {
  drawHoldings();
  drawAssets();
});
listings.onChange(drawAssets);
drawHoldings();
drawAssets();

// The leaderboard -----------------------------------------------------------------------------------

const leaders = document.querySelector("[data-leaderboard]");

function leaderRow(row) {
  return el("li", { class: row.is_me ? "is-me" : "" }, el("b", { class: "leader-rank", text: String(row.rank) }),
    row.tier ? el("span", { class: `tier tier-${String(row.tier).toLowerCase()}` }, icon("crown", "")) : null,
    playerName(row.nickname, "leader-name"),
    el("span", { class: `number ${row.return_bps > 0 ? "up" : row.return_bps < 0 ? "down" : "flat"}`, text: percent(row.return_bps) }));
}

async function drawLeaders() {
  if (document.hidden || !leaders) return;
  try {
    const { rows: ranked = [], me } = await api.gameRanking();
    if (ranked.length) leaders.replaceChildren(...ranked.slice(0, LEADERS).map(leaderRow));
    if (me?.rank && mine.rank) setText(mine.rank, TEXT.rank(won(me.rank)));
  } catch {
    // The list on the page stands until the next turn.
  }
}
setInterval(drawLeaders, RANKING_EVERY_MS);
drawLeaders();

// News ----------------------------------------------------------------------------------------------

const newsList = document.querySelector("[data-news-list]");
const toldNews = newsList ? [...newsList.querySelectorAll("[data-at]")].map((item) => ({ text: item.querySelector(".news-text").textContent, sent_at: Number(item.dataset.at) })) : [];
onNews((message) => {
  if (!isFreshNews(message, toldNews)) return;
  toldNews.push(message);
  newsList?.querySelector("[data-news-empty]")?.remove();
  const way = message.direction ?? message.level;
  const sign = way === "good" ? 1 : way === "bad" ? -1 : 0;
  newsList?.prepend(el("li", { class: "chat-new" },
    el("span", { class: `news-mark ${sign > 0 ? "up" : sign < 0 ? "down" : ""}`, "aria-hidden": "true", text: sign ? arrow(sign) : "·" }),
    el("span", { class: "news-text", text: message.text }), el("time", { class: "mute", text: timeOfDay(message.sent_at) })));
});

// A new game may list other stocks: the rows are the server's, so the page is asked anew.
/** A new game prepares: show its companies, and the podium of the one that has just ended. */
async function refreshPreparation() {
  const shown = document.querySelector("[data-preparation]");
  try {
    const answer = await fetch(location.href, { credentials: "same-origin", signal: AbortSignal.timeout(10_000) });
    if (!answer.ok || answer.redirected) return;
    const fresh = pageOf(await answer.text()).querySelector("[data-preparation]");
    if (shown && fresh) shown.replaceWith(document.adoptNode(fresh));
  } catch {
    // What is shown stands until the page is loaded again.
  }
}

onGame(async (now, before) => {
  if (!before || now.number === before.number) return;
  refreshPreparation();
  const { listings: listed = [] } = await api.market().catch(() => ({}));
  if (listed.some((listing) => !rows.has(listing.symbol))) location.reload();
});
if (!rows.size) onGame(() => location.reload());
