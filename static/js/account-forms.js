// The account forms while they are filled in: form of the e-mail, nickname, the two passwords. The server checks again.
import { el } from "./dom.js";
import { TEXT } from "./text.js";

const PAUSE_MS = 350;
const NICKNAME = /^[0-9A-Za-z가-힣_]{2,12}$/;

/** The line below a field that says how it stands; spoken once the player pauses. */
function statusOf(input) {
  const line = el("p", { class: "field-status", id: `${input.id}-status`, "aria-live": "polite" });
  input.closest(".field").append(line);
  input.setAttribute("aria-describedby", `${input.getAttribute("aria-describedby") ?? ""} ${line.id}`.trim());
  return {
    /** `state` is "good", "bad" or nothing. */
    say(text = "", state = "") {
      line.textContent = text;
      line.dataset.state = state;
      if (state === "bad") input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
      if (state) for (const error of input.closest(".field").querySelectorAll(".errorlist")) error.remove();
    },
  };
}

/** Call `check` when the player pauses, never in the middle of a Hangul syllable. */
function whilePaused(input, check) {
  let timer;
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(check, PAUSE_MS);
  };
  input.addEventListener("input", (event) => {
    if (!event.isComposing) later();
  });
  input.addEventListener("compositionend", later);
}

/** Asks the server whether a nickname is free; an answer that comes late is not shown. */
function watchNickname(input) {
  const status = statusOf(input);
  const first = input.value;
  whilePaused(input, async () => {
    const wanted = input.value.trim().normalize("NFKC");
    if (!wanted || input.value === first) return status.say();
    if (!NICKNAME.test(wanted)) return status.say(TEXT.account.nicknameForm, "bad");
    try {
      const answer = await fetch(`/api/nickname?nickname=${encodeURIComponent(wanted)}`, { headers: { Accept: "application/json" } });
      if (!answer.ok || input.value.trim().normalize("NFKC") !== wanted) return;
      const { available, message } = await answer.json();
      status.say(message, available ? "good" : "bad");
    } catch {
      // Not to know is no hindrance: the form says it when it is sent.
    }
  });
}

/** Whether it has the form of an address. Whether anybody has it is nobody's business. */
function watchEmail(input) {
  const status = statusOf(input);
  const check = () => status.say(input.value && !input.validity.valid ? TEXT.account.emailForm : "", input.value && !input.validity.valid ? "bad" : "");
  input.addEventListener("change", check);
  input.addEventListener("input", () => {
    if (input.validity.valid) status.say();
  });
}

function watchPassword(input, again) {
  const status = statusOf(input);
  whilePaused(input, () => {
    const { value } = input;
    if (!value) status.say();
    else if ([...value].length < 8) status.say(TEXT.account.passwordShort, "bad");
    else if (/^\d+$/.test(value)) status.say(TEXT.account.passwordDigits, "bad");
    else status.say();
  });
  if (!again) return;
  const match = statusOf(again);
  const compare = () => {
    if (!again.value) match.say();
    else if (again.value !== input.value) match.say(TEXT.account.passwordsDiffer, "bad");
    else match.say(TEXT.account.passwordsMatch, "good");
  };
  whilePaused(again, compare);
  whilePaused(input, compare);
}

/** A button that shows what was typed: most mistakes are seen, not felt. */
function offerToShow(input) {
  const button = el("button", { type: "button", class: "field-show", "aria-pressed": "false", text: TEXT.account.show });
  const frame = el("div", { class: "field-secret" });
  input.replaceWith(frame);
  frame.append(input, button);
  button.setAttribute("aria-label", TEXT.account.showPassword);
  button.addEventListener("click", () => {
    const shown = input.type === "password";
    input.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
    button.textContent = shown ? TEXT.account.hide : TEXT.account.show;
    input.focus();
  });
}

for (const form of document.querySelectorAll("[data-account-form]")) {
  const { email, login, nickname, password1, password2 } = form.elements;
  for (const input of [email, login]) if (input) watchEmail(input);
  if (nickname?.hasAttribute("data-nickname")) watchNickname(nickname);
  if (password1) watchPassword(password1, password2);
  const secrets = [...form.querySelectorAll("input[type=password]")];
  for (const input of secrets) offerToShow(input);
  form.addEventListener("submit", () => {
    for (const input of secrets) input.type = "password";
  });
}
