// What an order costs, how much is possible, and why it cannot be sent yet. No DOM here; the server checks again.
import { isOnTick, protectionPrice, tickSize } from "./ticks.js";

const MAX_QUANTITY = 1_000_000_000;
const MAX_VALUE = 10_000_000_000_000;

/** The price the hold is computed with: the limit price, or a market order's protection price. */
export function heldPrice({ side, type, price }, listing) {
  return type === "market" ? protectionPrice(side, listing) : price;
}

/** The largest whole number of shares that is possible now. */
export function maxQuantity(order, listing, { cash, shares }) {
  if (order.side === "sell") return Math.max(0, shares);
  const price = heldPrice(order, listing);
  if (!price) return 0;
  return Math.max(0, Math.min(Math.floor(cash / price), MAX_QUANTITY, Math.floor((MAX_VALUE - 1) / price)));
}

/** What a market order would pay or get, walking the book; the rest at the last level's price. */
export function marketEstimate({ side, quantity }, book, listing) {
  const levels = (side === "buy" ? book?.asks : book?.bids) ?? [];
  const limit = protectionPrice(side, listing);
  let left = quantity;
  let value = 0;
  for (const [price, available] of levels) {
    if (left <= 0 || (side === "buy" ? price > limit : price < limit)) break;
    const taken = Math.min(left, available);
    value += taken * price;
    left -= taken;
  }
  return { value, unfilled: left };
}

/**
 * Why the order cannot be sent: [key, …arguments] of TEXT.reason, or null when it can.
 * `state` is { signedIn, connected, game, listing, cash, shares }.
 */
export function refusalReason(order, state) {
  const { listing, game } = state;
  if (!state.signedIn) return ["visitor"];
  if (!state.connected) return ["disconnected"];
  if (!game?.phase) return ["noGame"];
  if (game.paused_at_ms) return ["paused"];
  if (game.phase !== "trading") return ["phase", game.phase];
  if (!listing) return ["noGame"];
  if (listing.status === "halted") return ["halted"];
  if (order.type === "limit") {
    if (!order.price) return ["noPrice"];
    if (order.price < listing.lower_limit || order.price > listing.upper_limit) return ["range", listing.lower_limit, listing.upper_limit];
    if (!isOnTick(order.price)) return ["tick", tickSize(order.price)];
  }
  if (!order.quantity) return ["noQuantity"];
  const price = heldPrice(order, listing);
  if (order.quantity > MAX_QUANTITY || price * order.quantity >= MAX_VALUE) return ["tooLarge"];
  const most = maxQuantity(order, listing, state);
  if (order.quantity <= most) return null;
  if (order.side === "buy") return ["cash", most];
  return most > 0 ? ["sharesShort", most] : ["noShares"];
}
