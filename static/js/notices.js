// What happened to my orders, said in a toast and in the chat: fills, refusals, cancellations.
import { account } from "./account.js";
import { privateLine, replacePrivateLines } from "./chat.js";
import { won } from "./format.js";
import { listings } from "./listings.js";
import { TEXT } from "./text.js";
import { toast } from "./toast.js";

const BURST_MS = 5000;
const BURSTS_MAX = 100;

/** A refusal the server gave at once: a toast, and a line in the chat. */
export function sayRefusal(message) {
  toast(message, { level: "error", key: "refusal" });
  privateLine(message, "warning");
}

function addFill(sum, fill) {
  sum.count += 1;
  sum.quantity += fill.quantity;
  sum.value += fill.quantity * fill.price;
  return sum;
}

const emptySum = ({ symbol, side }) => ({ symbol, side, quantity: 0, value: 0, count: 0 });

/** Says what happens to the orders of one account; `line` is where it also stands in writing, as `privateLine`. */
export class Notices {
  #bursts = new Map();

  constructor(traded, marketListings, line = privateLine) {
    Object.assign(this, { account: traded, listings: marketListings, line });
    traded.addEventListener("fill", ({ detail }) => this.onFill(detail));
    traded.addEventListener("order", ({ detail }) => this.onOrder(detail));
  }

  left(fill) {
    const order = this.account.orders.get(fill.order_id);
    return order ? Math.max(0, order.quantity - (order.filled_quantity ?? 0)) : 0;
  }

  /** A sum of fills of one order, in words. */
  fillText({ symbol, side, quantity, value, count }, rest) {
    const say = count > 1 ? TEXT.fillAverage : TEXT.fill;
    return say(this.listings.name(symbol), side, won(quantity), won(Math.floor(value / quantity)), rest);
  }

  /** Fills of one order within a few seconds are one toast and one line, with the sum and the average price. */
  onFill(fill) {
    const now = Date.now();
    const known = this.#bursts.get(fill.order_id);
    const burst = known && now - known.at < BURST_MS ? known : { ...emptySum(fill), key: `fill:${fill.order_id}:${now}` };
    burst.at = now;
    this.#bursts.set(fill.order_id, addFill(burst, fill));
    if (this.#bursts.size > BURSTS_MAX) this.#bursts.delete(this.#bursts.keys().next().value);
    const text = this.fillText(burst, this.left(fill));
    toast(text, { level: "fill", key: burst.key });
    this.line(text, "fill", fill.traded_at, burst.key);
  }

  onOrder(order) {
    const name = this.listings.name(order.symbol);
    const side = TEXT.side[order.side] ?? "";
    const rest = (order.quantity ?? 0) - (order.filled_quantity ?? 0);
    if (order.code || order.status === "rejected") {
      const why = TEXT.errors[order.code ?? order.reason] ?? order.message ?? TEXT.errors.unknown;
      const text = TEXT.order.rejected(name, side, why);
      toast(text, { level: "error", key: `order:${order.order_id}` });
      this.line(text, "warning");
      return;
    }
    if (order.status !== "canceled" || rest <= 0) return;
    const said = {
      user: [TEXT.order.canceled(name, side, won(rest)), "info"],
      market_remainder: [TEXT.order.remainder(name, won(rest)), "warning"],
      self_trade: [TEXT.order.selfTrade(name, won(rest)), "warning"],
    }[order.reason];
    if (!said) return;
    toast(said[0], { level: said[1], key: order.reason === "user" ? "canceled" : `order:${order.order_id}` });
    this.line(said[0], said[1]);
  }
}

function onNotice(notice) {
  if (!notice.text) return;
  privateLine(notice.text, notice.level, notice.sent_at);
}

/** My fills of before, one line an order, and the notices, in the chat's history. */
function onHistory(notices, messages) {
  const sums = new Map();
  const lines = [];
  for (const message of messages) {
    if (message.kind === "notice" && message.text) lines.push(message);
    if (message.kind !== "fill") continue;
    const sum = addFill(sums.get(message.order_id) ?? emptySum(message), message);
    sums.set(message.order_id, Object.assign(sum, { at: message.traded_at }));
  }
  for (const sum of sums.values()) lines.push({ text: notices.fillText(sum, 0), level: "fill", sent_at: sum.at });
  replacePrivateLines(lines);
}

export function startNotices() {
  const notices = new Notices(account, listings);
  account.addEventListener("history", ({ detail }) => onHistory(notices, detail));
  account.addEventListener("notice", ({ detail }) => onNotice(detail));
}
