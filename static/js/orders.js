// My panel on the trading screen: holdings with live profit, open orders (amend and cancel in place), fills.
import { el, setDirection, setText } from "./dom.js";
import { arrow, changeBps, parseInteger, percent, signed, timeOfDay, won } from "./format.js";
import { sayRefusal } from "./notices.js";
import { TEXT } from "./text.js";
import { toast } from "./toast.js";
import { live } from "./venue.js";

const FILLS_SHOWN = 50;

const cell = (label, properties = {}, ...children) => el("td", { "data-label": label, ...properties, ...(properties.class ? {} : { class: "num" }) }, ...children);
const sideMark = (side) => el("span", { class: side === "buy" ? "up strong" : "down strong", text: TEXT.side[side] ?? side });

export class MyOrders {
  constructor(root, { onSell, onTrade, venue = live }) {
    this.root = root;
    this.venue = venue;
    this.body = root.querySelector("[data-my-panel]");
    this.onSell = onSell;
    this.onTrade = onTrade;
    this.panel = "holdings";
    this.editing = null;
    this.tabs = [...root.querySelectorAll("[data-panel]")];
    for (const tab of this.tabs) tab.addEventListener("click", () => this.show(tab.dataset.panel));
    for (const event of ["account", "orders", "fills"]) this.venue.account.addEventListener(event, () => this.draw());
    this.venue.listings.onChange(() => this.drawPrices());
    this.show(this.venue.account.orders.size ? "orders" : "holdings");
  }

  show(panel) {
    this.panel = panel;
    this.editing = null;
    for (const tab of this.tabs) tab.setAttribute("aria-selected", String(tab.dataset.panel === panel));
    this.draw();
  }

  draw() {
    const counts = { holdings: this.venue.account.state?.holdings?.length ?? 0, orders: this.venue.account.orders.size, fills: this.venue.account.fills.length };
    for (const [name, count] of Object.entries(counts)) {
      for (const node of document.querySelectorAll(`[data-count=${name}]`)) {
        setText(node, count ? String(count) : "");
        if (node.classList.contains("trade-count")) node.hidden = !count;
      }
    }
    // While a row is being amended the table stands still; only its figures move on.
    if (this.editing && this.panel === "orders" && this.venue.account.orders.has(this.editing)) return;
    this.editing = null;
    const keptScroll = this.body.scrollTop;
    this.body.replaceChildren(this.content());
    this.body.scrollTop = keptScroll;
    this.drawPrices();
  }

  content() {
    if (!this.venue.account.signedIn) return this.empty(TEXT.empty.visitor);
    if (this.panel === "holdings") return this.holdings();
    return this.panel === "orders" ? this.openOrders() : this.fillsTable();
  }

  empty(text, action, act) {
    const button = action ? el("button", { type: "button", class: "button button-small", text: action, onclick: act }) : null;
    return el("div", { class: "empty" }, el("p", { text }), button);
  }

  table(headings, rows) {
    const head = el("tr", {}, ...headings.map((heading, index) => el("th", { class: index ? "num" : "", text: heading ?? "" })));
    return el("div", { class: "table-wrap" }, el("table", { class: "table table-cards table-dense" }, el("thead", {}, head), el("tbody", {}, ...rows)));
  }

  holdings() {
    const held = this.venue.account.state?.holdings ?? [];
    if (!held.length) return this.empty(TEXT.empty.holdings, TEXT.empty.holdingsAction, () => this.onTrade("buy"));
    const { stock, quantity, average, last, profit, rate } = TEXT.columns;
    return this.table([stock, quantity, average, last, profit, rate, ""], held.map((item) => el("tr", { "data-holding": item.symbol },
      el("td", {}, this.venue.stockLink(item.symbol)),
      cell(quantity, { text: `${won(item.quantity)} (${won(item.available_quantity)})` }),
      cell(average, { text: won(item.average_price) }),
      cell(last, { "data-live": "last" }),
      cell(profit, { "data-live": "profit" }),
      cell(rate, { "data-live": "rate" }),
      el("td", { class: "actions" }, el("button", { type: "button", class: "button button-small", text: TEXT.sell, onclick: () => this.onSell(item.symbol) })),
    )));
  }

  /** Live figures, in place: prices move ten times a second, the tables do not. */
  drawPrices() {
    for (const row of this.body.querySelectorAll("[data-holding]")) {
      const item = this.venue.account.holding(row.dataset.holding);
      const listing = this.venue.listings.get(row.dataset.holding);
      if (!item) continue;
      const last = listing?.last_price ?? item.last_price;
      const gain = (last - item.average_price) * item.quantity;
      const bps = changeBps(last, item.average_price);
      const cells = Object.fromEntries([...row.querySelectorAll("[data-live]")].map((node) => [node.dataset.live, node]));
      setText(cells.last, won(last));
      setDirection(cells.last, last - (listing?.base_price ?? last));
      setText(cells.profit, signed(gain));
      setDirection(cells.profit, gain);
      setText(cells.rate, `${arrow(bps)} ${percent(bps)}`);
      setDirection(cells.rate, bps);
    }
    const equity = this.venue.account.equity();
    if (equity === null) return;
    const bps = changeBps(equity, this.venue.account.state.initial_cash);
    setText(this.root.querySelector("[data-my=equity]"), won(equity));
    const rate = this.root.querySelector("[data-my=return]");
    setText(rate, percent(bps));
    setDirection(rate, bps);
  }

  openOrders() {
    const orders = this.venue.account.openOrders();
    if (!orders.length) return this.empty(TEXT.empty.orders, TEXT.empty.ordersAction, () => this.onTrade());
    const { stock, filled, price, time } = TEXT.columns;
    const all = el("button", { type: "button", class: "button button-small button-danger", text: TEXT.order.cancelAll, onclick: ({ currentTarget }) => this.cancelAll(currentTarget) });
    const table = this.table([stock, filled, price, time, ""], orders.map((order) => this.orderRow(order)));
    table.querySelector("th:last-child").append(all);
    table.classList.add("has-cancel-all");
    return table;
  }

  orderRow(order) {
    const { filled, price, time } = TEXT.columns;
    const actions = el("td", { class: "actions" },
      el("button", { type: "button", class: "button button-small", text: TEXT.order.amend, onclick: () => this.edit(row, order) }),
      el("button", { type: "button", class: "button button-small", text: TEXT.order.cancel, onclick: ({ currentTarget }) => this.cancel(order, currentTarget) }));
    const row = el("tr", { "data-order-id": order.order_id },
      el("td", {}, sideMark(order.side), " ", this.venue.stockLink(order.symbol)),
      cell(filled, { text: `${won(order.filled_quantity ?? 0)} / ${TEXT.shares(won(order.quantity))}` }),
      cell(price, { text: order.type === "market" ? TEXT.market : won(order.price) }),
      cell(time, { class: "num mute", text: timeOfDay(order.created_at) }),
      actions);
    return row;
  }

  edit(row, order) {
    this.editing = order.order_id;
    const input = (name, label, value) => el("label", { class: "edit-field" }, el("span", { text: label }), el("input", { class: "input", name, inputmode: "numeric", value: won(value), autocomplete: "off" }));
    const form = el("form", { class: "edit-form" },
      input("price", TEXT.columns.price, order.price),
      input("quantity", TEXT.columns.amount, order.quantity),
      el("button", { type: "submit", class: "button button-small button-primary", text: TEXT.order.save }),
      el("button", { type: "button", class: "button button-small", text: TEXT.order.close, onclick: () => this.stopEditing() }),
      el("small", { class: "edit-hint mute", text: TEXT.order.losesPlace }));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.amend(form, order);
    });
    form.addEventListener("keydown", (event) => event.key === "Escape" && this.stopEditing());
    row.replaceChildren(el("td", { colspan: "5", class: "edit-cell" }, el("div", { class: "row" }, sideMark(order.side), el("b", { text: this.venue.listings.name(order.symbol) })), form));
    form.elements.price.focus();
    form.elements.price.select();
  }

  stopEditing() {
    this.editing = null;
    this.draw();
  }

  async amend(form, order) {
    const [price, quantity] = [parseInteger(form.elements.price.value), parseInteger(form.elements.quantity.value)];
    const change = {};
    if (price && price !== order.price) change.price = price;
    if (quantity && quantity !== order.quantity) change.quantity = quantity;
    if (!Object.keys(change).length) {
      this.stopEditing();
      return;
    }
    for (const button of form.querySelectorAll("button")) button.disabled = true;
    try {
      await this.venue.amendOrder(order.order_id, change);
      toast(TEXT.order.amended, { key: "amend" });
      this.stopEditing();
    } catch (error) {
      sayRefusal(error.message);
      for (const button of form.querySelectorAll("button")) button.disabled = false;
    }
  }

  async cancel(order, button) {
    button.disabled = true;
    try {
      await this.venue.cancelOrder(order.order_id);
    } catch (error) {
      sayRefusal(error.message);
      button.disabled = false;
    }
  }

  async cancelAll(button) {
    button.disabled = true;
    try {
      await this.venue.cancelAll();
      toast(TEXT.order.cancelAllAccepted, { key: "canceled" });
    } catch (error) {
      sayRefusal(error.message);
      button.disabled = false;
    }
  }

  fillsTable() {
    if (!this.venue.account.fills.length) return this.empty(TEXT.empty.fills, TEXT.empty.fillsAction, () => this.onTrade());
    const { stock, amount, price, total, time } = TEXT.columns;
    return this.table([stock, amount, price, total, time], this.venue.account.fills.slice(0, FILLS_SHOWN).map((fill) => el("tr", {},
      el("td", {}, sideMark(fill.side), " ", this.venue.stockLink(fill.symbol)),
      cell(amount, { text: TEXT.shares(won(fill.quantity)) }),
      cell(price, { text: won(fill.price) }),
      cell(total, { text: won(fill.price * fill.quantity) }),
      cell(time, { class: "num mute", text: timeOfDay(fill.traded_at) }),
    )));
  }
}
