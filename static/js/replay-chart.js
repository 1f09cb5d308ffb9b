// One stock of a finished game up to a moment: candles, my fills, news, the hidden value. The axes show all of the game.
import {
  CandlestickSeries, CrosshairMode, LineSeries, LineStyle, createChart, createSeriesMarkers,
} from "../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";
import { timeOfDay, won } from "./format.js";
import { TEXT } from "./text.js";

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** A candle of which only a part has passed: from its open by way of its extremes to its close. */
export function partOf(candle, share) {
  if (share >= 1) return candle;
  const { open, high, low, close } = candle;
  const way = close >= open ? [open, low, high, close] : [open, high, low, close];
  const position = Math.max(0, share) * (way.length - 1);
  const leg = Math.min(Math.floor(position), way.length - 2);
  const now = Math.round(way[leg] + (way[leg + 1] - way[leg]) * (position - leg));
  const seen = [...way.slice(0, leg + 1), now];
  return { ...candle, high: Math.max(...seen), low: Math.min(...seen), close: now };
}

export class ReplayChart {
  #shown = { until: 0, candles: [], hidden: [], fills: [], news: [], step: 5000 };

  constructor(root) {
    this.chart = createChart(root, {
      autoSize: true,
      layout: { attributionLogo: false, fontSize: 12, background: { color: "transparent" } },
      crosshair: { mode: CrosshairMode.Magnet },
      localization: { locale: "ko-KR", timeFormatter: (time) => timeOfDay(time * 1000) },
      rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.16, bottom: 0.1 } },
      timeScale: {
        borderVisible: false, timeVisible: true, secondsVisible: false, minBarSpacing: 0.1,
        tickMarkFormatter: (time) => timeOfDay(time * 1000).slice(0, 5),
      },
      handleScroll: false,
      handleScale: false,
    });
    const priceFormat = { type: "custom", formatter: (price) => won(Math.round(price)), minMove: 1 };
    const autoscaleInfoProvider = () => (this.range ? { priceRange: this.range } : null);
    this.hiddenLine = this.chart.addSeries(LineSeries, {
      priceFormat, autoscaleInfoProvider, lineWidth: 2, lineStyle: LineStyle.Dashed, priceLineVisible: false, lastValueVisible: false,
      crosshairMarkerVisible: false,
    });
    this.candles = this.chart.addSeries(CandlestickSeries, {
      priceFormat, autoscaleInfoProvider, borderVisible: false, priceLineStyle: LineStyle.Dotted,
    });
    this.markers = createSeriesMarkers(this.candles, []);
    document.addEventListener("theme-change", () => this.paint());
    this.paint();
  }

  paint() {
    this.chart.applyOptions({
      layout: { textColor: color("mute"), fontFamily: getComputedStyle(document.body).fontFamily },
      grid: { vertLines: { color: "transparent" }, horzLines: { color: color("line") } },
      crosshair: {
        vertLine: { color: color("line-strong"), labelBackgroundColor: color("raised-2") },
        horzLine: { color: color("line-strong"), labelBackgroundColor: color("raised-2") },
      },
    });
    const [up, down] = [color("up"), color("down")];
    this.candles.applyOptions({ upColor: up, downColor: down, wickUpColor: up, wickDownColor: down });
    this.hiddenLine.applyOptions({ color: color("hidden") });
    this.draw();
  }

  /** Take a stock: whole candles and hidden values `{start, …}` without gaps, my fills and the news. */
  load({ candles, hidden, fills, news, step }) {
    this.#shown = { ...this.#shown, candles, hidden, fills, news, step };
    const values = [...candles.flatMap(({ high, low }) => [high, low]), ...hidden.map(({ value }) => value)];
    this.range = values.length ? { minValue: Math.min(...values), maxValue: Math.max(...values) } : null;
    this.draw();
  }

  /** Show the game up to a moment. */
  show(until) {
    this.#shown.until = until;
    this.draw();
  }

  setHidden(visible) {
    this.hiddenLine.applyOptions({ visible });
  }

  draw() {
    const { until, candles, hidden, fills, news, step } = this.#shown;
    this.candles.setData(candles.map((candle) => {
      const time = candle.start / 1000;
      if (candle.start >= until) return { time };
      const { open, high, low, close } = partOf(candle, (until - candle.start) / step);
      return { time, open, high, low, close };
    }));
    this.hiddenLine.setData(hidden.map(({ start, value }) => (start < until ? { time: start / 1000, value } : { time: start / 1000 })));
    const barOf = (ms) => Math.floor(ms / step) * step;
    const marks = fills.map(({ start, side }) => ({
      time: barOf(start) / 1000, position: side === "buy" ? "belowBar" : "aboveBar", shape: side === "buy" ? "arrowUp" : "arrowDown",
      color: color("gold"), text: side === "buy" ? "B" : "S", size: 1,
    }));
    const pins = news.map(({ published_at: at, kind, direction }) => ({
      time: barOf(at) / 1000, position: "aboveBar", shape: "circle", size: 0.7,
      color: color(kind === "rumour" ? "mute" : direction === "good" ? "up" : "down"),
      text: kind === "rumour" ? TEXT.chart.rumour : TEXT.chart.news[direction],
    }));
    const first = candles[0]?.start ?? 0;
    const seen = [...marks, ...pins].filter(({ time }) => time * 1000 < until && time * 1000 >= first);
    this.markers.setMarkers(seen.sort((a, b) => a.time - b.time));
    // All of the game stays in sight, also what has not happened yet: the scale would follow the newest candle.
    if (candles.length) this.chart.timeScale().setVisibleLogicalRange({ from: -0.5, to: candles.length - 0.5 });
  }
}
