// Candles with volume on a Korean time axis; my average price, my fills (B, S) and the news stay on them.
import {
  CandlestickSeries, CrosshairMode, HistogramSeries, LineStyle, createChart, createSeriesMarkers,
} from "../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";
import { el, listOf, setDirection, setText } from "./dom.js";
import { won } from "./format.js";
import { stream } from "./socket.js";
import { TEXT } from "./text.js";

export const INTERVALS_MS = { "5s": 5_000, "15s": 15_000, "1m": 60_000 };
const GAP_MAX = 240;
const RIGHT_OFFSET_BARS = 3;
const LEAST_TICKS = 16;
const clockFormat = (seconds) => new Intl.DateTimeFormat("ko-KR", {
  timeZone: "Asia/Seoul", hour: "2-digit", minute: "2-digit", ...(seconds ? { second: "2-digit" } : {}), hourCycle: "h23",
});
const withSeconds = clockFormat(true);
const withoutSeconds = clockFormat(false);

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** Where candles come from: delivers a snapshot and then updates, returns the function that ends it. */
const topicFeed = (symbol, interval, deliver) => stream.subscribe(`candles:${symbol}:${interval}`, deliver);

export class Chart {
  /** `live: false` shows the given candles and follows nothing: the review of a past game. `feed` as `topicFeed`. */
  constructor(root, { symbol, interval, candles, legend, tick, live = true, feed = topicFeed }) {
    this.symbol = symbol;
    this.feed = feed;
    this.interval = interval;
    this.legend = legend;
    this.candles = new Map();
    this.fills = [];
    this.news = [];
    this.averagePrice = null;
    this.chart = createChart(root, this.options());
    this.series = this.chart.addSeries(CandlestickSeries, {
      priceFormat: { type: "custom", formatter: (price) => won(Math.round(price)), minMove: 1 }, borderVisible: false, priceLineStyle: LineStyle.Dotted,
      autoscaleInfoProvider: (original) => this.atLeast(original(), LEAST_TICKS * tick),
    });
    this.volume = this.chart.addSeries(HistogramSeries, {
      priceScaleId: "volume", priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false,
    });
    this.series.priceScale().applyOptions({ scaleMargins: { top: 0.14, bottom: 0.24 } });
    this.chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
    this.markers = createSeriesMarkers(this.series, []);
    this.chart.subscribeCrosshairMove((move) => this.describe(move.time));
    document.addEventListener("theme-change", this.repaint);
    this.load(listOf(candles, "candles"));
    this.paint();
    if (live) this.follow();
    else this.chart.timeScale().fitContent();
  }

  repaint = () => this.paint();

  options() {
    return {
      autoSize: true,
      layout: { attributionLogo: false, fontSize: 12, background: { color: "transparent" } },
      crosshair: { mode: CrosshairMode.Normal },
      localization: { locale: "ko-KR", timeFormatter: (time) => withSeconds.format(time * 1000) },
      rightPriceScale: { borderVisible: false },
      timeScale: {
        borderVisible: false, timeVisible: true, secondsVisible: true, rightOffset: RIGHT_OFFSET_BARS, barSpacing: 11, minBarSpacing: 2,
        tickMarkFormatter: (time) => (time % 60 ? withSeconds : withoutSeconds).format(time * 1000),
      },
      handleScroll: { vertTouchDrag: false },
    };
  }

  /** A quiet market is not blown up: the scale spans a few ticks at least. */
  atLeast(info, span) {
    if (!info?.priceRange) return info;
    const { minValue, maxValue } = info.priceRange;
    const missing = Math.max(0, span - (maxValue - minValue)) / 2;
    return { ...info, priceRange: { minValue: minValue - missing, maxValue: maxValue + missing } };
  }

  /** Take the colours of the theme. */
  paint() {
    const line = color("line");
    this.chart.applyOptions({
      layout: { textColor: color("mute"), fontFamily: getComputedStyle(document.body).fontFamily },
      grid: { vertLines: { color: "transparent" }, horzLines: { color: line } },
      crosshair: {
        vertLine: { color: color("line-strong"), labelBackgroundColor: color("raised-2") },
        horzLine: { color: color("line-strong"), labelBackgroundColor: color("raised-2") },
      },
    });
    const [up, down] = [color("up"), color("down")];
    this.series.applyOptions({ upColor: up, downColor: down, wickUpColor: up, wickDownColor: down });
    this.draw();
    this.drawMarkers();
    this.drawAverage();
  }

  follow() {
    this.unsubscribe?.();
    this.unsubscribe = this.feed(this.symbol, this.interval, ({ type, data }) => {
      const candles = listOf(data, "candles");
      if (type === "snapshot") this.load(candles);
      else this.upsert(candles);
    });
  }

  setInterval(interval) {
    if (interval === this.interval || !INTERVALS_MS[interval]) return;
    this.interval = interval;
    this.fresh = true;
    this.follow();
  }

  load(candles) {
    this.candles = new Map(candles.map((candle) => [candle.start, candle]));
    this.draw();
    this.drawMarkers();
    if (this.fresh) this.chart.timeScale().scrollToPosition(RIGHT_OFFSET_BARS, false);
    this.fresh = false;
    this.describe(null);
  }

  upsert(candles) {
    const newest = this.newest();
    let simple = this.candles.size > 0;
    for (const candle of candles) {
      if (candle.start < newest || candle.start > newest + INTERVALS_MS[this.interval]) simple = false;
      this.candles.set(candle.start, candle);
    }
    if (simple) {
      for (const candle of candles) {
        this.series.update(this.bar(candle));
        this.volume.update(this.column(candle));
      }
    } else this.draw();
    if (this.newest() !== newest) this.drawMarkers();
    this.describe(null);
  }

  newest() {
    let newest = 0;
    for (const start of this.candles.keys()) if (start > newest) newest = start;
    return newest;
  }

  bar = ({ start, open, high, low, close }) => ({ time: start / 1000, open, high, low, close });
  column = ({ start, open, close, volume }) => ({ time: start / 1000, value: volume, color: close >= open ? this.upBar : this.downBar });

  /** Candles in order; quiet intervals are flat candles at the last close, so that time runs evenly. */
  whole() {
    const step = INTERVALS_MS[this.interval];
    const sorted = [...this.candles.values()].sort((a, b) => a.start - b.start);
    const whole = [];
    for (const candle of sorted) {
      const last = whole.at(-1);
      const missing = last ? (candle.start - last.start) / step - 1 : 0;
      for (let index = 1; missing <= GAP_MAX && index <= missing; index += 1) {
        whole.push({ start: last.start + index * step, open: last.close, high: last.close, low: last.close, close: last.close, volume: 0 });
      }
      whole.push(candle);
    }
    return whole;
  }

  draw() {
    this.upBar = color("up-bar");
    this.downBar = color("down-bar");
    const whole = this.whole();
    this.series.setData(whole.map(this.bar));
    this.volume.setData(whole.map(this.column));
    this.chart.timeScale().applyOptions({ secondsVisible: this.interval !== "1m" });
  }

  setAveragePrice(price) {
    if (this.averagePrice === price) return;
    this.averagePrice = price;
    this.drawAverage();
  }

  drawAverage() {
    if (this.averageLine) this.series.removePriceLine(this.averageLine);
    this.averageLine = this.averagePrice
      ? this.series.createPriceLine({
        price: this.averagePrice, color: color("gold"), lineWidth: 1, lineStyle: LineStyle.Dashed, axisLabelVisible: true,
        axisLabelColor: color("gold"), axisLabelTextColor: color("on-gold"), title: TEXT.chart.average(""),
      })
      : null;
  }

  setFills(fills) {
    this.fills = fills;
    this.drawMarkers();
  }

  setNews(news) {
    this.news = news.filter((item) => item.sent_at);
    this.drawMarkers();
  }

  candleTime(ms) {
    const step = INTERVALS_MS[this.interval];
    return Math.floor(ms / step) * step;
  }

  drawMarkers() {
    const first = Math.min(...this.candles.keys());
    const grouped = new Map();
    for (const fill of this.fills) {
      const start = this.candleTime(fill.traded_at);
      const key = `${start}:${fill.side}`;
      grouped.set(key, { start, side: fill.side, quantity: (grouped.get(key)?.quantity ?? 0) + fill.quantity });
    }
    this.mine = [...grouped.values()];
    const markers = this.mine.map(({ start, side }) => ({
      time: start / 1000, position: side === "buy" ? "belowBar" : "aboveBar", shape: side === "buy" ? "arrowUp" : "arrowDown",
      color: color("gold"), text: side === "buy" ? "B" : "S", size: 1,
    }));
    for (const item of this.news) {
      const { name, tint } = this.newsMark(item);
      markers.push({ time: this.candleTime(item.sent_at) / 1000, position: "aboveBar", shape: "circle", color: color(tint), text: name, size: 0.7 });
    }
    this.markers.setMarkers(markers.filter((marker) => marker.time * 1000 >= first).sort((a, b) => a.time - b.time));
  }

  /** What a pin says and in which colour: good and bad news as prices rise and fall, a rumour in grey. */
  newsMark({ text, direction }) {
    if (TEXT.chart.isRumour(text)) return { name: TEXT.chart.rumour, tint: "mute" };
    return { name: TEXT.chart.news[direction] ?? TEXT.chart.news.other, tint: { good: "up", bad: "down" }[direction] ?? "text" };
  }

  remove() {
    this.unsubscribe?.();
    document.removeEventListener("theme-change", this.repaint);
    this.chart.remove();
  }

  /** The legend: the candle under the crosshair, else the newest; with the news that broke in it. */
  describe(time) {
    if (!this.legend) return;
    const candle = time ? this.candles.get(time * 1000) : this.candles.get(this.newest());
    this.legend.hidden = !candle;
    if (!candle) return;
    const { open, high, low, close, volume } = TEXT.chart.legend;
    this.legendParts ??= [open, high, low, close, volume].map((name) => {
      const value = el("b");
      this.legend.append(el("span", {}, `${name} `, value));
      return value;
    });
    const values = [candle.open, candle.high, candle.low, candle.close, candle.volume];
    this.legendParts.forEach((node, index) => {
      setText(node, won(values[index]));
      if (index < 4) setDirection(node, candle.close - candle.open);
    });
    const told = time ? this.news.find((item) => this.candleTime(item.sent_at) === candle.start) : null;
    const mine = time ? this.mine.filter((fill) => fill.start === candle.start) : [];
    const notes = mine.map((fill) => TEXT.chart.fill(TEXT.side[fill.side], won(fill.quantity)));
    if (told) notes.push(`${this.newsMark(told).name} ${told.text}`);
    this.legendNotes ??= this.legend.appendChild(el("span", { class: "chart-news" }));
    setText(this.legendNotes, notes.join(" · "));
  }
}
