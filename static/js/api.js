// Calls to the JSON API. An error is always an ApiError with the server's code and its words for the player.
import { TEXT } from "./text.js";

const TIMEOUT_MS = 10_000;

export class ApiError extends Error {
  constructor(code, message, { status = 0, retryAfter = 0 } = {}) {
    super(message || TEXT.errors[code] || TEXT.errors.unknown);
    this.code = code;
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

// Over HTTPS the cookie's name has a prefix by which browsers take it from this host alone.
const COOKIES = ["__Host-csrftoken=", "csrftoken="];

function csrfToken() {
  const cookies = document.cookie.split("; ");
  for (const name of COOKIES) {
    const cookie = cookies.find((part) => part.startsWith(name));
    if (cookie) return decodeURIComponent(cookie.slice(name.length));
  }
  return document.querySelector("input[name=csrfmiddlewaretoken]")?.value ?? "";
}

async function call(method, path, body) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRFToken"] = csrfToken();
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, {
      method, headers, credentials: "same-origin",
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new ApiError("network");
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  throw new ApiError(answer.code ?? `http_${response.status}`, answer.message, {
    status: response.status, retryAfter: Number(response.headers.get("Retry-After")) || 0,
  });
}

const query = (parameters) => {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return given.length ? `?${new URLSearchParams(given)}` : "";
};

const RETRY_MS = [300, 900, 2000];
const UNSURE = new Set(["network", "outcome_unknown", "recovering", "overloaded"]);

/** Send an order. When the outcome is unknown, ask again with the same id: it is placed once at most. */
async function placeOrder(order) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await call("POST", "/api/orders", order);
    } catch (error) {
      if (!UNSURE.has(error.code) || attempt >= RETRY_MS.length) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS[attempt]));
    }
  }
}

export const api = {
  placeOrder,
  amendOrder: (id, change) => call("PATCH", `/api/orders/${encodeURIComponent(id)}`, change),
  cancelOrder: (id) => call("DELETE", `/api/orders/${encodeURIComponent(id)}`),
  cancelAll: (symbol) => call("DELETE", `/api/orders${query({ symbol })}`),
  orders: (parameters = {}) => call("GET", `/api/orders${query(parameters)}`),
  fills: (parameters = {}) => call("GET", `/api/fills${query(parameters)}`),
  account: () => call("GET", "/api/account"),
  game: () => call("GET", "/api/game"),
  market: () => call("GET", "/api/market"),
  candles: (symbol, parameters) => call("GET", `/api/market/${encodeURIComponent(symbol)}/candles${query(parameters)}`),
  practiceDaily: () => call("GET", "/api/practice/daily"),
  gameResults: (number, parameters = {}) => call("GET", `/api/games/${number}${query(parameters)}`),
  gameReview: (number) => call("GET", `/api/games/${number}/review`),
  mute: (messageId) => call("POST", "/api/chat/mutes", { message_id: messageId }),
  report: (messageId, reason, note) => call("POST", "/api/chat/reports", { message_id: messageId, reason, note }),
  gameRanking: () => call("GET", "/api/rankings/game"),
};
