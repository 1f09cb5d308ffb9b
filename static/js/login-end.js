// The end of a login, as the socket tells it (4401 ended, 4409 logged in elsewhere): said once, and nothing goes on here.
//
// The socket has tried again before it stops: another tab may only have given this browser another session, as a new
// password does. Who is a visitor by now, or somebody else, must not be left with a page that looks alive.
import { api } from "./api.js";
import { el } from "./dom.js";
import { LOGIN_ENDED, stream } from "./socket.js";
import { TEXT } from "./text.js";

const player = document.body.dataset.player;
const AGAIN_MS = 2000;
let isCleared = false;

/** Connected again: as the same player, or the page is of somebody who is not here any more. */
async function checkPlayer({ detail: code }) {
  if (!player) return;
  try {
    if ((await api.account()).nickname !== player) location.reload();
  } catch (error) {
    if (error.status === 401) show(code);
    else setTimeout(() => checkPlayer({ detail: code }), AGAIN_MS);
  }
}

/** A visitor's page with the cookie of a session that is over: any answer takes the cookie away. Tried once. */
async function clearCookie() {
  isCleared = true;
  await api.account().catch(() => null);
  stream.restart();
}

function show(code) {
  if (document.querySelector("dialog.login-end")) return;
  const { title, text } = TEXT.loginEnd[code];
  const login = `/accounts/login/?${new URLSearchParams({ next: location.pathname + location.search })}`;
  document.querySelector("dialog[open]")?.close("cancel");
  const dialog = el("dialog", { class: "login-end", "aria-labelledby": "login-end-title", "aria-describedby": "login-end-text" },
    el("div", { class: "dialog-body" },
      el("h2", { id: "login-end-title", text: title }),
      el("p", { id: "login-end-text", text }),
      el("div", { class: "dialog-actions" },
        el("button", { type: "button", class: "button", text: TEXT.loginEnd.look, onclick: () => dialog.close() }),
        el("a", { class: "button button-primary", autofocus: true, href: login, text: TEXT.loginEnd.again }))));
  // Whichever way it is closed: what stands behind it is nobody's page any more.
  dialog.addEventListener("close", () => location.reload());
  document.body.append(dialog);
  dialog.showModal();
}

export function watchLoginEnd() {
  stream.addEventListener("renewed", checkPlayer);
  stream.addEventListener("state", ({ detail: { state, code } }) => {
    if (state !== "stopped" || !LOGIN_ENDED.has(code)) return;
    if (player || isCleared) show(code);
    else clearCookie();
  });
}

export const isLoginEnd = (code) => LOGIN_ENDED.has(code) || code === "session_ended" || code === "logged_in_elsewhere";
