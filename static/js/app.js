// Loaded by every page: theme, toasts, clock, connection, chat, notices, and what follows when the game turns.
import { account } from "./account.js";
import { api } from "./api.js";
import { startChat } from "./chat.js";
import { game, onGame, startClock } from "./clock.js";
import { isTyping, preferences, setText } from "./dom.js";
import { listings } from "./listings.js";
import { isLoginEnd, watchLoginEnd } from "./login-end.js";
import { startNotices } from "./notices.js";
import { stream } from "./socket.js";
import { TEXT } from "./text.js";
import { adoptServerToasts, toast } from "./toast.js";

function startTheme() {
  document.querySelector("[data-theme-toggle]")?.addEventListener("click", () => {
    const root = document.documentElement;
    root.dataset.theme = root.dataset.theme === "light" ? "dark" : "light";
    preferences.set("theme", root.dataset.theme);
    document.dispatchEvent(new CustomEvent("theme-change"));
  });
}

function startConnection() {
  const badge = document.querySelector("[data-connection]");
  const label = badge?.querySelector(".connection-text");
  const draw = () => {
    if (!badge) return;
    badge.dataset.state = stream.state === "stopped" ? "offline" : stream.state;
    badge.title = TEXT.connectionTitle[stream.state];
    const online = stream.latencyMs === null ? TEXT.connection.onlineUnknown : TEXT.connection.online(stream.latencyMs);
    setText(label, stream.state === "online" ? online : TEXT.connection[stream.state]);
  };
  let dropped = false;
  stream.addEventListener("pong", draw);
  stream.addEventListener("state", ({ detail: { state, code } }) => {
    draw();
    if (state === "online" && dropped) {
      dropped = false;
      toast(TEXT.backOnline, { level: "success", key: "connection", life: 2500 });
    } else if (state === "offline") dropped = true;
    else if (state === "stopped" && !isLoginEnd(code)) {
      const link = { href: location.href, text: TEXT.reload };
      toast(TEXT.stopped[code] ?? TEXT.connectionTitle.stopped, { level: "error", key: "connection", life: 0, link });
    }
  });
  stream.addEventListener("error-message", ({ detail }) => {
    if (detail.code === "not_authenticated" && detail.topic === "me") return;
    if (isLoginEnd(detail.code)) return; // the closing that follows says so
    if (detail.ref) return; // whoever asked for something says what came of it
    if (detail.message) toast(detail.message, { level: "error", key: `stream:${detail.code}` });
  });
  draw();
}

const RESULTS_SPREAD_MS = 1000;
const OFFER_MS = 15_000;

/** The results of a game that has just ended: opened for who took part in it, else offered. Ten thousand do not ask at once. */
async function showResults(number, mayOpen) {
  const results = `/games/${number}/`;
  await new Promise((resolve) => setTimeout(resolve, Math.random() * RESULTS_SPREAD_MS));
  if (location.pathname === results) {
    location.reload();
    return;
  }
  const answer = await api.gameResults(number, { limit: 1 }).catch(() => null);
  if (answer && answer.participants === null) return; // canceled, or late: the chat says so
  const tookPart = Boolean(answer?.me);
  if (tookPart && mayOpen && !isTyping() && !document.querySelector("dialog[open]")) location.assign(results);
  else toast(tookPart ? TEXT.myGameOver : TEXT.gameOver, { level: "success", key: `results:${number}`, life: tookPart ? 0 : OFFER_MS, link: { href: results, text: TEXT.seeResults } });
}

/** Pages that live in a game follow it: to its results at the end, to fresh data when the next one opens. */
function followGame() {
  const follows = document.body.classList.contains("follows-game");
  let shown = game.current?.phase === "intermission" ? game.current.number : null;
  onGame((now, before) => {
    if (!before) return;
    const turned = Boolean(before.paused_at_ms) !== Boolean(now.paused_at_ms);
    if (turned && before.number === now.number && before.phase === now.phase) {
      toast(now.paused_at_ms ? TEXT.gamePaused : TEXT.gameResumed, { level: now.paused_at_ms ? "warning" : "success", key: "game" });
      return;
    }
    if (before.number !== now.number) {
      if (follows) {
        stream.resync();
        account.refresh();
      }
      toast(TEXT.newGame, { key: "game", link: follows ? undefined : { href: "/", text: TEXT.toMarket } });
      // The end of the game before was slept through: its results are offered, the new game is not left for them.
      if (before.number && before.number !== shown) showResults(before.number, false);
    } else if (now.phase === "trading") {
      toast(TEXT.gameOpened, { level: "success", key: "game", link: follows ? undefined : { href: "/", text: TEXT.toMarket } });
    } else if (now.phase === "settling") toast(TEXT.gameClosed, { key: "game" });
    if (now.phase !== "intermission" || now.number === shown) return;
    shown = now.number;
    showResults(now.number, follows);
  });
}

/** No shortcut and no Enter may fire in the middle of a Hangul syllable. */
function watchComposition() {
  document.addEventListener("compositionstart", ({ target }) => (target.dataset.composing = "1"));
  document.addEventListener("compositionend", ({ target }) => delete target.dataset.composing);
}

/** A form marked data-once is sent once, however often its button is pressed. */
function sendFormsOnce() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-once], .site-header form")) return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
  });
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });
}

adoptServerToasts();
startTheme();
watchComposition();
sendFormsOnce();
startConnection();
watchLoginEnd();
startClock();
startChat();
followGame();
if (document.getElementById("listings-data")) listings.start();
else if (account.signedIn) await listings.learnNames();
startNotices();
account.start();
