// What is mine: cash and holdings, open orders, fills. From the page, then from topic `me`; asked anew after a gap.
import { api } from "./api.js";
import { listOf, pageData } from "./dom.js";
import { listings } from "./listings.js";
import { stream } from "./socket.js";

const OPEN = new Set(["open", "partially_filled", "accepted"]);
const FILLS_MAX = 200;
const REFETCH_MAX = 3;

/** What one player has in one market, at the prices of its `listings`. */
export class Account extends EventTarget {
  signedIn = Boolean(document.body.dataset.player);
  /** As GET /api/account, null for a visitor. */
  state = null;
  /** Open orders by id. */
  orders = new Map();
  /** Newest first. */
  fills = [];
  #listings;
  #started = false;
  #updates = 0;

  constructor(marketListings, known = {}) {
    super();
    this.#listings = marketListings;
    this.#hold(known);
  }

  start() {
    if (this.#started || !this.signedIn) return;
    this.#started = true;
    stream.subscribe("me", ({ type, data }) => {
      if (type === "snapshot") {
        this.#emit("history", listOf(data, "messages"));
        this.refresh();
      } else this.receive(data);
    });
  }

  holding(symbol) {
    return listOf(this.state, "holdings").find((holding) => holding.symbol === symbol) ?? null;
  }

  openOrders() {
    return [...this.orders.values()].sort((a, b) => b.created_at - a.created_at);
  }

  /** Cash and holdings at the prices of this moment; null before the first answer. */
  equity() {
    if (!this.state) return null;
    return listOf(this.state, "holdings").reduce(
      (sum, held) => sum + held.quantity * (this.#listings.lastPrice(held.symbol) ?? held.last_price ?? 0),
      this.state.cash,
    );
  }

  /** Ask the server for everything again; repeated when something changed on the way. */
  async refresh() {
    if (!this.signedIn) return;
    for (let attempt = 0; attempt < REFETCH_MAX; attempt += 1) {
      const before = this.#updates;
      try {
        const [state, open, filled] = await Promise.all([
          api.account(), api.orders({ status: "open", limit: 100 }), api.fills({ limit: 100 }),
        ]);
        this.replace({ state, orders: listOf(open, "orders"), fills: listOf(filled, "fills") });
      } catch {
        return;
      }
      if (before === this.#updates) return;
    }
  }

  #hold({ state = null, orders = [], fills = [] }) {
    this.state = state;
    this.orders = new Map(orders.map((order) => [order.order_id, order]));
    this.fills = fills;
  }

  /** Everything anew: the account, the open orders, the fills. */
  replace(known) {
    this.#hold(known);
    this.#emit("account");
    this.#emit("orders");
    this.#emit("fills");
  }

  /** An order just accepted: shown at once, before the engine has spoken. */
  expect(order) {
    if (this.orders.has(order.order_id) || this.#finished.has(order.order_id)) return;
    this.orders.set(order.order_id, order);
    this.#emit("orders");
  }

  #finished = new Set();

  /** One message of topic `me`. */
  receive(message) {
    this.#updates += 1;
    const { kind } = message ?? {};
    if (kind === "account") {
      this.state = { ...this.state, ...message };
      this.#emit("account");
    } else if (kind === "order") {
      this.#order(message);
    } else if (kind === "fill") {
      this.fills = [message, ...this.fills.filter((fill) => fill.trade_id !== message.trade_id || fill.order_id !== message.order_id)];
      this.fills.length = Math.min(this.fills.length, FILLS_MAX);
      this.#emit("fill", message);
      this.#emit("fills");
    } else if (kind === "notice") {
      this.#emit("notice", message);
    } else if (kind === "chat") {
      this.#emit("standing", message);
    }
  }

  #order(message) {
    const before = this.orders.get(message.order_id);
    // A late refusal of an amend or cancel names the order but does not end it; its status says what it is now.
    if (!message.status || OPEN.has(message.status)) {
      if (message.status) this.orders.set(message.order_id, { ...before, ...message });
    } else {
      this.orders.delete(message.order_id);
      this.#finished.add(message.order_id);
    }
    this.#emit("order", message);
    this.#emit("orders");
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

export const account = new Account(listings, {
  state: pageData("account-data"), orders: listOf(pageData("orders-data"), "orders"), fills: listOf(pageData("fills-data"), "fills"),
});
