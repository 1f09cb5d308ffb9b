// The review of a game: the day's candles of each stock I traded, with my fills on them.
import { api } from "./api.js";
import { Chart } from "./chart.js";
import { el, listOf } from "./dom.js";
import { listings } from "./listings.js";
import { TEXT } from "./text.js";
import { tickSize } from "./ticks.js";

const LIMIT = 500;
const root = document.querySelector("[data-review]");
const canvas = root.querySelector("[data-review-chart]");
const legend = root.querySelector("[data-review-legend]");
const tabs = root.querySelector("[data-review-tabs]");
const game = root.dataset.review;
const fills = listOf(await api.fills({ game, limit: LIMIT }).catch(() => null), "fills");
let chart = null;

async function show(symbol) {
  for (const tab of tabs.children) tab.setAttribute("aria-pressed", String(tab.dataset.symbol === symbol));
  const candles = listOf(await api.candles(symbol, { game, interval: "5s", limit: LIMIT }).catch(() => null), "candles");
  chart?.remove();
  legend.replaceChildren();
  const tick = tickSize(candles[0]?.open ?? 1);
  chart = new Chart(canvas, { symbol, interval: "5s", candles, legend, tick, live: false });
  chart.setFills(fills.filter((fill) => fill.symbol === symbol));
}

const traded = [...new Set(fills.map((fill) => fill.symbol))];
if (traded.length) {
  await listings.learnNames();
  tabs.append(...traded.map((symbol) => el("button", { type: "button", "data-symbol": symbol, text: listings.name(symbol), onclick: () => show(symbol) })));
  tabs.setAttribute("aria-label", TEXT.columns.stock);
  root.hidden = false;
  await show(traded[0]);
}
