// Keeps the orders page fresh: after news of mine the list is asked for again and only what differs is changed,
// so that the page keeps its place and a form one is typing in stays as it is. Without this the page still works.
import { account } from "./account.js";
import { pageOf, setText } from "./dom.js";
import { onGame } from "./clock.js";
import { stream } from "./socket.js";

const QUIET_MS = 250;
const EVERY_MS = 1000;

const list = document.getElementById("orders-list");
let timer = 0;
let fetchedAt = 0;
let running = false;
let again = false;

function isBusy(row) {
  return row.contains(document.activeElement) && document.activeElement.matches("input") || row.querySelector("details[open]");
}

/** Take over the cells that differ; a row being amended keeps its form. */
function updateRow(row, fresh) {
  let changed = false;
  [...fresh.cells].forEach((cell, index) => {
    const old = row.cells[index];
    if (!old || (old.classList.contains("actions") && isBusy(row))) return;
    // The form's token is new with every answer and says nothing about the order.
    if (old.textContent === cell.textContent && old.querySelectorAll("form").length === cell.querySelectorAll("form").length) return;
    old.replaceWith(document.importNode(cell, true));
    changed = true;
  });
  if (changed) row.classList.add("row-changed");
}

function updateRows(body, freshBody) {
  const key = (row) => row.dataset.order ?? row.dataset.trade;
  const known = new Map([...body.rows].map((row) => [key(row), row]));
  const wanted = [...freshBody.rows].map((fresh) => {
    const row = known.get(key(fresh));
    if (!row) return document.importNode(fresh, true);
    known.delete(key(fresh));
    updateRow(row, fresh);
    return row;
  });
  for (const row of known.values()) row.remove();
  wanted.forEach((row, index) => {
    if (body.rows[index] !== row) body.insertBefore(row, body.rows[index] ?? null);
  });
}

function update(page) {
  const fresh = page.getElementById("orders-list");
  if (!fresh) return;
  const [body, freshBody] = [list, fresh].map((node) => node.querySelector("tbody"));
  if (body && freshBody) updateRows(body, freshBody);
  else if (Boolean(body) !== Boolean(freshBody)) list.replaceChildren(...document.importNode(fresh, true).childNodes);
  const count = document.querySelector("[data-open-count]");
  const freshCount = page.querySelector("[data-open-count]");
  if (count && freshCount) {
    setText(count, freshCount.textContent);
    count.className = freshCount.className;
  }
}

async function refresh() {
  timer = 0;
  if (running) {
    again = true;
    return;
  }
  running = true;
  fetchedAt = performance.now();
  try {
    const answer = await fetch(location.href, { credentials: "same-origin", signal: AbortSignal.timeout(10_000) });
    if (answer.ok && !answer.redirected) update(pageOf(await answer.text()));
  } catch {
    // The next change, or the socket's return, asks again.
  } finally {
    running = false;
    if (again) {
      again = false;
      schedule();
    }
  }
}

/** Ask soon, but no more than once a second however much happens. */
function schedule() {
  if (timer) return;
  const since = performance.now() - fetchedAt;
  timer = setTimeout(refresh, Math.max(QUIET_MS, EVERY_MS - since));
}

// A choice counts at once; the button is for those without scripts, and for the search.
for (const choice of document.querySelectorAll(".filters select")) {
  choice.addEventListener("change", () => choice.form.requestSubmit());
}

if (list) {
  account.addEventListener("order", schedule);
  account.addEventListener("fill", schedule);
  stream.addEventListener("state", ({ detail: { state } }) => state === "online" && schedule());
  onGame(schedule);
}
