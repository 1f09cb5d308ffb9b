// The stocks of this game and their latest prices: topic `market`, upserted by symbol.
import { api } from "./api.js";
import { listOf, pageData } from "./dom.js";
import { stream } from "./socket.js";

/** The stocks of one market. */
export class Listings {
  #bySymbol = new Map();
  #listeners = new Set();

  constructor(known = []) {
    for (const listing of known) this.#bySymbol.set(listing.symbol, listing);
  }

  get(symbol) {
    return this.#bySymbol.get(symbol);
  }

  all() {
    return [...this.#bySymbol.values()];
  }

  name(symbol) {
    return this.get(symbol)?.name ?? symbol;
  }

  lastPrice(symbol) {
    return this.get(symbol)?.last_price ?? null;
  }

  /** Call `listener(changedListings)` after every change. */
  onChange(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A price that another topic of this page learned first (a trade, the book). */
  learnPrice(symbol, price) {
    const listing = this.get(symbol);
    if (!listing || !Number.isFinite(price) || listing.last_price === price) return;
    const change = listing.base_price > 0 ? Math.floor(((price - listing.base_price) * 10_000) / listing.base_price) : 0;
    this.upsert([{ symbol, last_price: price, change_bps: change }]);
  }

  /** Follow the prices. */
  start() {
    stream.subscribe("market", ({ data }) => this.upsert(listOf(data, "listings")));
  }

  /** Pages without prices need the names for their notices. */
  async learnNames() {
    const answer = await api.market().catch(() => null);
    this.upsert(listOf(answer, "listings"));
  }

  /** What is new of some listings. */
  upsert(changed) {
    const updated = [];
    for (const item of changed) {
      if (!item?.symbol) continue;
      // The page's data has more (the sector); an update must not lose it.
      const merged = { ...this.get(item.symbol), ...item };
      this.#bySymbol.set(item.symbol, merged);
      updated.push(merged);
    }
    if (updated.length) for (const listener of this.#listeners) listener(updated);
  }
}

export const listings = new Listings(listOf(pageData("listings-data"), "listings"));
