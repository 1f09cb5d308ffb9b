// The stocks of this game and their latest prices: topic `market`, upserted by symbol.
import { api } from "./api.js";
import { listOf, pageData } from "./dom.js";
import { stream } from "./socket.js";

const bySymbol = new Map();
const listeners = new Set();

for (const listing of listOf(pageData("listings-data"), "listings")) bySymbol.set(listing.symbol, listing);

export const listings = {
  get: (symbol) => bySymbol.get(symbol),
  all: () => [...bySymbol.values()],
  name: (symbol) => bySymbol.get(symbol)?.name ?? symbol,
  lastPrice: (symbol) => bySymbol.get(symbol)?.last_price ?? null,

  /** Call `listener(changedListings)` after every change. */
  onChange(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },

  /** A price that another topic of this page learned first (a trade, the book). */
  learnPrice(symbol, price) {
    const listing = bySymbol.get(symbol);
    if (!listing || !Number.isFinite(price) || listing.last_price === price) return;
    const change = listing.base_price > 0 ? Math.floor(((price - listing.base_price) * 10_000) / listing.base_price) : 0;
    upsert([{ symbol, last_price: price, change_bps: change }]);
  },

  /** Follow the prices. */
  start() {
    stream.subscribe("market", ({ data }) => upsert(listOf(data, "listings")));
  },

  /** Pages without prices need the names for their notices. */
  async learnNames() {
    const answer = await api.market().catch(() => null);
    upsert(listOf(answer, "listings"));
  },
};

function upsert(changed) {
  const updated = [];
  for (const item of changed) {
    if (!item?.symbol) continue;
    // The page's data has more (the sector); an update must not lose it.
    const merged = { ...bySymbol.get(item.symbol), ...item };
    bySymbol.set(item.symbol, merged);
    updated.push(merged);
  }
  if (updated.length) for (const listener of listeners) listener(updated);
}
