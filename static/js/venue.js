// Where a page trades: what the order form and the panel of orders need of a market. Practice has one of its own.
import { account } from "./account.js";
import { api } from "./api.js";
import { game, onGame } from "./clock.js";
import { el } from "./dom.js";
import { listings } from "./listings.js";
import { stream } from "./socket.js";

/** The real one: the game that everybody plays. */
export const live = {
  account,
  listings,
  /** The phase as the rules of orders ask for it. */
  game: () => game.current,
  isConnected: () => stream.state === "online",
  /** Call `listener` whenever one of these two changes. */
  onTurn(listener) {
    stream.addEventListener("state", listener);
    onGame(listener);
  },
  placeOrder: api.placeOrder,
  amendOrder: api.amendOrder,
  cancelOrder: api.cancelOrder,
  cancelAll: () => api.cancelAll(),
  stockLink: (symbol) => el("a", { href: `/stocks/${encodeURIComponent(symbol)}/` }, el("b", { text: listings.name(symbol) })),
};
