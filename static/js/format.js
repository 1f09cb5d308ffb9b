// Figures for people: won and shares with separators, basis points as percent, Korean times.
// The same formats exist on the server in stocking/pages/templatetags/figures.py.

export const DASH = "–";
const MINUS = "−";
const grouped = new Intl.NumberFormat("ko-KR");
const timeFormat = new Intl.DateTimeFormat("ko-KR", {
  timeZone: "Asia/Seoul", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});

export const isInteger = (value) => Number.isSafeInteger(value);

/** 128400 → "128,400"; a dash when there is no number. */
export function won(value) {
  return Number.isFinite(value) ? grouped.format(value).replace("-", MINUS) : DASH;
}

/** 8400 → "+8,400", −200 → "−200", 0 → "0". */
export function signed(value) {
  if (!Number.isFinite(value)) return DASH;
  return (value > 0 ? "+" : "") + won(value);
}

/** Basis points → "+7.00%". */
export function percent(bps) {
  if (!Number.isFinite(bps)) return DASH;
  const sign = bps > 0 ? "+" : bps < 0 ? MINUS : "";
  const size = Math.abs(Math.trunc(bps));
  return `${sign}${won(Math.floor(size / 100))}.${String(size % 100).padStart(2, "0")}%`;
}

/** 123456789 → "1억 2,345만": for places too narrow for the whole number. */
export function short(value) {
  if (!Number.isFinite(value)) return DASH;
  const size = Math.abs(value);
  const sign = value < 0 ? MINUS : "";
  if (size >= 100_000_000) {
    const rest = Math.floor((size % 100_000_000) / 10_000);
    return `${sign}${won(Math.floor(size / 100_000_000))}억${rest ? ` ${won(rest)}만` : ""}`;
  }
  if (size >= 1_000_000) return `${sign}${won(Math.floor(size / 10_000))}만`;
  return won(value);
}

export const direction = (value) => (value > 0 ? "up" : value < 0 ? "down" : "flat");
/** The sign beside a change; nothing where nothing changed, so that it is not read as a minus. */
export const arrow = (value) => (value > 0 ? "▲" : value < 0 ? "▼" : "");

/** Milliseconds since 1970 → "14:03:22" in Korea. */
export const timeOfDay = (ms) => (Number.isFinite(ms) ? timeFormat.format(ms) : DASH);

const momentFormat = new Intl.DateTimeFormat("ko-KR", { timeZone: "Asia/Seoul", month: "long", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
/** Milliseconds since 1970 → "11월 23일 14:03" in Korea. */
export const dayAndTime = (ms) => (Number.isFinite(ms) ? momentFormat.format(ms) : DASH);

/** Basis points of a change, rounded down like the server does it. */
export function changeBps(value, base) {
  return base > 0 && Number.isFinite(value) ? Math.floor(((value - base) * 10_000) / base) : 0;
}

/** "12,300원" → 12300; null when there is no digit. */
export function parseInteger(text) {
  const digits = String(text ?? "").replace(/\D/g, "").slice(0, 13);
  return digits ? Number(digits) : null;
}

/** An id for one order: 32 hexadecimal digits, also where crypto.randomUUID is missing (plain HTTP). */
export function freshId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
