// The board of the current game follows the prices: it is asked for again every two seconds while one looks.
import { game } from "./clock.js";
import { pageOf } from "./dom.js";

const EVERY_MS = 2000;
const board = document.getElementById("board");
let running = false;

async function refresh() {
  if (running || document.hidden || !game.isTrading()) return;
  running = true;
  try {
    const answer = await fetch(location.href, { credentials: "same-origin", signal: AbortSignal.timeout(10_000) });
    if (!answer.ok || answer.redirected) return;
    const page = pageOf(await answer.text());
    const fresh = page.getElementById("board");
    if (fresh && fresh.innerHTML !== board.innerHTML && !board.contains(document.activeElement)) {
      board.replaceChildren(...document.importNode(fresh, true).childNodes);
    }
  } catch {
    // Asked again in two seconds.
  } finally {
    running = false;
  }
}

if (board) setInterval(refresh, EVERY_MS);
