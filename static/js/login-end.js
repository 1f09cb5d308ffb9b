// The end of a login, as the socket tells it (4401 ended, 4409 logged in elsewhere): said once, and nothing goes on here.
//
// Another tab may only have given this browser another session, as a new password does; then the page just connects
// again. Who is a visitor by now, or somebody else, must not be left with a page that looks alive.
import { api } from "./api.js";
import { el } from "./dom.js";
import { stream } from "./socket.js";
import { TEXT } from "./text.js";

const ENDED_CODES = new Set([4401, 4409]);
const TRIES = 5;
const AGAIN_MS = 1000;
const QUIET_MS = 60_000;
const QUIET_MAX = 3;
const quietly = [];

/** Who is logged in in this browser: a nickname, "" for a visitor, null when the server does not answer. */
async function whoIsHere() {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    try {
      return (await api.account()).nickname;
    } catch (error) {
      if (error.status === 401) return "";
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
  return null;
}

/** Whether the page may connect again without a word; not for ever, should the server close it each time. */
function mayGoOn(nickname) {
  if (nickname !== document.body.dataset.player) return false;
  const now = performance.now();
  while (quietly.length && now - quietly[0] > QUIET_MS) quietly.shift();
  quietly.push(now);
  return quietly.length <= QUIET_MAX;
}

function show(code) {
  const { title, text } = TEXT.loginEnd[code];
  const login = `/accounts/login/?${new URLSearchParams({ next: location.pathname + location.search })}`;
  document.querySelector("dialog[open]")?.close("cancel");
  const dialog = el("dialog", { class: "login-end", "aria-labelledby": "login-end-title", "aria-describedby": "login-end-text" },
    el("div", { class: "dialog-body" },
      el("h2", { id: "login-end-title", text: title }),
      el("p", { id: "login-end-text", text }),
      el("div", { class: "dialog-actions" },
        el("button", { type: "button", class: "button", text: TEXT.loginEnd.look, onclick: () => dialog.close() }),
        el("a", { class: "button button-primary", href: login, text: TEXT.loginEnd.again }))));
  // Whichever way it is closed: what stands behind it is nobody's page any more.
  dialog.addEventListener("close", () => location.reload());
  document.body.append(dialog);
  dialog.showModal();
}

export function watchLoginEnd() {
  stream.addEventListener("state", async ({ detail: { state, code } }) => {
    if (state !== "stopped" || !ENDED_CODES.has(code)) return;
    if (mayGoOn(await whoIsHere())) stream.restart();
    else show(code);
  });
}

export const isLoginEnd = (code) => ENDED_CODES.has(code) || code === "session_ended" || code === "logged_in_elsewhere";
