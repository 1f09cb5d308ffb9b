// The tape: trades newest first. Rows are reused, so a busy market moves no layout.
import { el, flash, listOf, setDirection, setText } from "./dom.js";
import { timeOfDay, won } from "./format.js";
import { TEXT } from "./text.js";

const KEPT = 60;

export class Tape {
  constructor(root, trades) {
    this.root = root;
    this.size = Number(root.dataset.rows) || 30;
    this.trades = [];
    this.rows = [];
    this.replace(listOf(trades, "trades"));
  }

  replace(trades) {
    this.trades = trades.slice(0, KEPT);
    this.draw();
  }

  /** New trades, newest first. Returns the newest. */
  add(trades) {
    const fresh = listOf(trades, "trades");
    if (!fresh.length) return null;
    this.trades = [...fresh, ...this.trades].slice(0, KEPT);
    this.draw();
    flash(this.rows[0]?.node, fresh[0].taker_side === "sell" ? "down" : "up");
    return fresh[0];
  }

  row() {
    const row = { price: el("span"), quantity: el("span", { class: "tape-quantity" }), time: el("time", { class: "tape-time" }) };
    row.node = el("li", {}, row.time, row.price, row.quantity);
    this.rows.push(row);
    this.root.append(row.node);
    return row;
  }

  draw() {
    const shown = Math.min(this.size, this.trades.length);
    if (this.root.classList.contains("is-server")) {
      this.root.classList.remove("is-server");
      this.root.replaceChildren();
    }
    if (!shown && !this.rows.length) {
      if (!this.root.childElementCount) this.root.append(el("li", { class: "tape-empty mute", text: TEXT.empty.tape }));
      return;
    }
    this.root.querySelector(".tape-empty")?.remove();
    for (let index = 0; index < Math.max(shown, this.rows.length); index += 1) {
      const trade = this.trades[index];
      const row = this.rows[index] ?? this.row();
      row.node.hidden = !trade || index >= this.size;
      if (!trade) continue;
      setText(row.time, timeOfDay(trade.traded_at));
      setText(row.price, won(trade.price));
      setText(row.quantity, won(trade.quantity));
      row.node.title = TEXT.trade[trade.taker_side] ?? "";
      setDirection(row.quantity, trade.taker_side === "sell" ? -1 : 1);
    }
  }
}
