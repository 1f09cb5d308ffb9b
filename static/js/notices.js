// What happened to my orders, said in a toast and in the chat: fills, refusals, cancellations.
import { account } from "./account.js";
import { privateLine } from "./chat.js";
import { won } from "./format.js";
import { listings } from "./listings.js";
import { TEXT } from "./text.js";
import { toast } from "./toast.js";

const BURST_MS = 5000;
const bursts = new Map();

function left(fill) {
  const order = account.orders.get(fill.order_id);
  return order ? Math.max(0, order.quantity - (order.filled_quantity ?? 0)) : 0;
}

/** Fills of one order within a few seconds are one toast with the sum and the average price. */
function onFill(fill) {
  const now = Date.now();
  const known = bursts.get(fill.order_id);
  const burst = known && now - known.at < BURST_MS ? known : { quantity: 0, value: 0, count: 0 };
  burst.at = now;
  burst.count += 1;
  burst.quantity += fill.quantity;
  burst.value += fill.quantity * fill.price;
  bursts.set(fill.order_id, burst);
  if (bursts.size > 100) bursts.delete(bursts.keys().next().value);
  const say = burst.count > 1 ? TEXT.fillAverage : TEXT.fill;
  const average = Math.round(burst.value / burst.quantity);
  const name = listings.name(fill.symbol);
  toast(say(name, fill.side, won(burst.quantity), won(average), left(fill)), { level: "fill", key: `fill:${fill.order_id}` });
}

function onOrder(order) {
  const name = listings.name(order.symbol);
  const side = TEXT.side[order.side] ?? "";
  const rest = (order.quantity ?? 0) - (order.filled_quantity ?? 0);
  if (order.code || order.status === "rejected") {
    const why = TEXT.errors[order.code ?? order.reason] ?? order.message ?? TEXT.errors.unknown;
    toast(TEXT.order.rejected(name, side, why), { level: "error", key: `order:${order.order_id}` });
    return;
  }
  if (order.status !== "canceled" || rest <= 0) return;
  const said = {
    user: [TEXT.order.canceled(name, side, won(rest)), "info"],
    market_remainder: [TEXT.order.remainder(name, won(rest)), "warning"],
    self_trade: [TEXT.order.selfTrade(name, won(rest)), "warning"],
  }[order.reason];
  if (said) toast(said[0], { level: said[1], key: order.reason === "user" ? "canceled" : `order:${order.order_id}` });
}

function onNotice(notice) {
  if (!notice.text) return;
  privateLine(notice.text, notice.level, notice.sent_at);
}

/** A refusal the server gave at once: a toast, and a line in the chat. */
export function sayRefusal(message) {
  toast(message, { level: "error", key: "refusal" });
  privateLine(message, "warning");
}

export function startNotices() {
  account.addEventListener("fill", ({ detail }) => onFill(detail));
  account.addEventListener("order", ({ detail }) => onOrder(detail));
  account.addEventListener("notice", ({ detail }) => onNotice(detail));
}
