// The rules a price must keep, after the Korea Exchange; the same as trading/core/ticks.py. The server checks again.

const BANDS = [[2_000, 1], [5_000, 5], [20_000, 10], [50_000, 50], [200_000, 100], [500_000, 500]];
const LARGEST = 1_000;
const PROTECTION_PERCENT = 10;

export function tickSize(price) {
  for (const [bound, tick] of BANDS) if (price < bound) return tick;
  return LARGEST;
}

export const isOnTick = (price) => price > 0 && price % tickSize(price) === 0;
export const floorToTick = (price) => Math.max(0, price - (price % tickSize(price)));
export const ceilToTick = (price) => Math.max(1, price + ((tickSize(price) - (price % tickSize(price))) % tickSize(price)));

/** One step up or down from any price, off the tick or not. */
export const tickAbove = (price) => ceilToTick(price + 1);
export const tickBelow = (price) => floorToTick(price - 1);

/** The worst price a market order may trade at: 10 % from the last price, within the day's limits. */
export function protectionPrice(side, { last_price: last, upper_limit: upper, lower_limit: lower }) {
  const price = side === "buy"
    ? floorToTick(Math.floor((last * (100 + PROTECTION_PERCENT)) / 100))
    : ceilToTick(Math.ceil((last * (100 - PROTECTION_PERCENT)) / 100));
  return Math.min(Math.max(price, lower), upper);
}

/** The nearest valid price to `price` within the day's limits. */
export function clampPrice(price, { upper_limit: upper, lower_limit: lower }) {
  return Math.min(Math.max(floorToTick(price), lower), upper);
}
