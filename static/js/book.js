// The order book: ten asks above, ten bids below, best against best. A click on a price only fills the form.
import { el, flash, setDirection, setText } from "./dom.js";
import { won } from "./format.js";
import { TEXT } from "./text.js";

const DEPTH = 10;

export class Book {
  /**
   * @param root       the list that holds the twenty rows
   * @param listing    () => the listing, for the base price
   * @param onPrice    (price) => void: a price was chosen
   */
  constructor(root, { listing, onPrice, sums }) {
    this.root = root;
    this.listing = listing;
    this.sums = sums;
    this.mine = new Map();
    this.data = null;
    this.known = new Map();
    this.rows = [];
    root.querySelectorAll(".book-row").forEach((node) => node.remove());
    for (let index = 0; index < 2 * DEPTH; index += 1) this.rows.push(this.row(index < DEPTH ? "ask" : "bid", index));
    root.addEventListener("click", ({ target }) => {
      const row = this.rows[this.rowIndex(target)];
      if (row?.priceValue) onPrice(row.priceValue, row.side);
    });
    root.addEventListener("keydown", (event) => this.move(event));
  }

  rowIndex(target) {
    return this.rows.findIndex((row) => row.node.contains(target));
  }

  row(side, index) {
    const bar = el("i", { class: "book-bar", "aria-hidden": "true" });
    const quantity = el("span", { class: "book-number" });
    const mine = el("span", { class: "book-mine", hidden: true });
    const price = el("button", { type: "button", class: "book-price", tabindex: index === DEPTH ? "0" : "-1" });
    const node = el("li", { class: `book-row ${side}`, "data-level": side === "ask" ? DEPTH - index : index - DEPTH + 1 },
      el("span", { class: "book-quantity" }, bar, mine, quantity), price);
    this.root.append(node);
    return { node, side, bar, quantity, price, mine, priceValue: 0 };
  }

  /** Arrow keys walk through the prices; Enter and Space are the button's own. */
  move(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const from = this.rowIndex(event.target);
    if (!step || from < 0) return;
    const next = this.rows[from + step];
    if (!next?.priceValue) return;
    event.preventDefault();
    this.rows[from].price.tabIndex = -1;
    next.price.tabIndex = 0;
    next.price.focus();
  }

  /** My open orders of this stock: where the gold marks go. */
  setMine(orders) {
    this.mine.clear();
    for (const order of orders) {
      if (order.type !== "limit" && !order.price) continue;
      const key = `${order.side === "buy" ? "bid" : "ask"}:${order.price}`;
      this.mine.set(key, (this.mine.get(key) ?? 0) + order.quantity - (order.filled_quantity ?? 0));
    }
    this.draw(false);
  }

  replace(data) {
    this.data = data;
    this.draw(true);
  }

  best() {
    return { ask: this.data?.asks?.[0]?.[0] ?? null, bid: this.data?.bids?.[0]?.[0] ?? null };
  }

  draw(glow) {
    const { asks = [], bids = [], last_price: lastPrice } = this.data ?? {};
    const largest = Math.max(1, ...asks.slice(0, DEPTH).map((level) => level[1]), ...bids.slice(0, DEPTH).map((level) => level[1]));
    const known = new Map();
    this.rows.forEach((row, index) => {
      const level = index < DEPTH ? asks[DEPTH - 1 - index] : bids[index - DEPTH];
      this.fill(row, level, { largest, lastPrice, known, glow });
    });
    this.known = known;
    setText(this.sums?.asks, won(asks.slice(0, DEPTH).reduce((sum, level) => sum + level[1], 0)));
    setText(this.sums?.bids, won(bids.slice(0, DEPTH).reduce((sum, level) => sum + level[1], 0)));
    this.root.classList.toggle("is-empty", asks.length + bids.length === 0);
  }

  fill(row, level, { largest, lastPrice, known, glow }) {
    const [price, quantity] = level ?? [0, 0];
    row.priceValue = price;
    row.node.classList.toggle("is-blank", !price);
    row.price.disabled = !price;
    row.node.classList.toggle("is-last", price > 0 && price === lastPrice);
    if (!price) {
      setText(row.price, "");
      setText(row.quantity, "");
      row.bar.style.transform = "scaleX(0)";
      row.mine.hidden = true;
      row.node.classList.remove("has-mine");
      return;
    }
    const key = `${row.side}:${price}`;
    known.set(key, quantity);
    setText(row.price, won(price));
    setText(row.quantity, won(quantity));
    setDirection(row.price, price - (this.listing()?.base_price ?? price));
    row.bar.style.transform = `scaleX(${(quantity / largest).toFixed(3)})`;
    if (glow && this.known.size && this.known.get(key) !== quantity) flash(row.quantity.parentElement, row.side === "ask" ? "down" : "up");
    const mine = this.mine.get(key) ?? 0;
    row.mine.hidden = !mine;
    row.node.classList.toggle("has-mine", mine > 0);
    setText(row.mine, mine ? won(mine) : "");
    row.mine.title = mine ? TEXT.book.mine(won(mine)) : "";
    row.price.setAttribute("aria-label", TEXT.book.price(row.side === "ask" ? TEXT.book.asks : TEXT.book.bids, won(price), won(quantity)));
  }
}
