// The server's clock and the game's phase. Tenths below ten seconds; right again at once after the tab slept.
import { pageData, setText } from "./dom.js";
import { won } from "./format.js";
import { stream } from "./socket.js";
import { TEXT } from "./text.js";

// Offset = server time − our time; the sample with the shortest way is the most exact, and grows old slowly.
let offsetMs = 0;
let offsetError = Infinity;
const loadedAt = Number(document.body.dataset.serverTimeMs);
if (loadedAt > 0) {
  // The page was rendered before it arrived, so this first guess is late by the way here; a pong mends it.
  offsetMs = loadedAt - (performance.timeOrigin + (performance.getEntriesByType("navigation")[0]?.responseStart ?? 0));
  offsetError = 1000;
}

stream.addEventListener("pong", ({ detail: { roundTrip, serverTime, now } }) => {
  offsetError += 2;
  if (!Number.isFinite(serverTime) || roundTrip / 2 > offsetError) return;
  offsetError = roundTrip / 2;
  offsetMs = serverTime + roundTrip / 2 - now;
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) offsetError = Infinity;
});

export const serverNow = () => Date.now() + offsetMs;

// How long a phase usually lasts, for the bar, until we have seen one begin (milliseconds).
const USUAL_MS = { preparing: 60_000, trading: 540_000, settling: 10_000, intermission: 110_000 };

const listeners = new Set();
export const game = {
  current: pageData("game-data"),
  isPaused: () => Boolean(game.current?.paused_at_ms),
  isTrading: () => game.current?.phase === "trading" && !game.isPaused(),
};

/** Call `listener(now, before)` when the game, its phase or its pause changes; returns the function that ends it. */
export function onGame(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

let phaseSpan = { key: "", ms: 0 };

function remember(next) {
  const key = `${next.number}:${next.phase}:${next.paused_at_ms ? "" : next.phase_ends_at_ms}`;
  if (phaseSpan.key === key) return;
  const started = { trading: next.trading_at_ms, settling: next.closes_at_ms, intermission: next.closes_at_ms }[next.phase];
  phaseSpan = { key, ms: started ? endsAt(next) - started : Math.max(USUAL_MS[next.phase] ?? 0, timeLeft(next)) };
}

function endsAt(state) {
  if (state.phase === "intermission") return state.next_game_at_ms ?? state.phase_ends_at_ms;
  return state.phase_ends_at_ms ?? state.next_game_at_ms;
}

/** The server's time as far as the game's clock goes: while it is paused, the moment its times were told for. */
const gameNow = (state) => (state.paused_at_ms ? state.server_time_ms : serverNow());

/** What is left of the phase, in milliseconds. It stands still while the game is paused. */
export const timeLeft = (state = game.current) => endsAt(state) - gameNow(state);

export function countdown(ms) {
  if (!Number.isFinite(ms)) return "--:--";
  const left = Math.max(0, ms);
  if (left < 10_000) return (Math.floor(left / 100) / 10).toFixed(1);
  const seconds = Math.floor(left / 1000);
  return `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
}

const root = document.querySelector("[data-clock]");
const parts = Object.fromEntries(
  ["time", "phase", "game", "next", "bar"].map((name) => [name, document.querySelector(`[data-clock-${name}]`)]),
);

function draw() {
  const state = game.current;
  if (!root || !state?.phase) return;
  const left = timeLeft(state);
  const paused = Boolean(state.paused_at_ms);
  setText(parts.time, left <= 0 && state.phase !== "trading" ? TEXT.soon : countdown(left));
  const urgency = state.phase !== "trading" || paused || left >= 60_000 ? "" : left < 10_000 ? "seconds" : "minute";
  if (root.dataset.urgency !== urgency) root.dataset.urgency = urgency;
  if (root.dataset.phase !== state.phase) root.dataset.phase = state.phase;
  if (root.hasAttribute("data-paused") !== paused) root.toggleAttribute("data-paused", paused);
  setText(parts.phase, paused ? TEXT.paused : (TEXT.phases[state.phase] ?? state.phase));
  setText(parts.game, state.number ? `${TEXT.gameNumber(won(state.number))} · ` : "");
  if (state.phase === "trading") setText(parts.next, "");
  else if (state.phase === "preparing" && !paused) setText(parts.next, TEXT.opensSoon);
  else setText(parts.next, "");
  if (parts.bar) parts.bar.style.transform = `scaleX(${Math.min(1, Math.max(0, left / (phaseSpan.ms || 1))).toFixed(4)})`;
  for (const node of document.querySelectorAll("[data-countdown=next-game]")) {
    setText(node, countdown((state.next_game_at_ms ?? NaN) - gameNow(state)));
  }
  drawPause(state);
}

const banner = document.querySelector("[data-pause]");

/** Every page says that the game stands still, and why. */
function drawPause(state) {
  if (!banner) return;
  const paused = Boolean(state.paused_at_ms);
  if (banner.hidden === paused) banner.hidden = !paused;
  if (paused) setText(banner.querySelector("[data-pause-reason]"), state.pause_reason ?? "");
}

function replace(next) {
  if (!next?.phase) return;
  const before = game.current;
  game.current = next;
  remember(next);
  draw();
  const turned = Boolean(before?.paused_at_ms) !== Boolean(next.paused_at_ms);
  if (before?.phase !== next.phase || before?.number !== next.number || turned) {
    for (const listener of listeners) listener(next, before);
  }
}

export function startClock() {
  if (game.current?.phase) remember(game.current);
  stream.subscribe("game", ({ data }) => replace(Array.isArray(data) ? data.at(-1) : data));
  draw();
  setInterval(draw, 100);
}
