// The order form: every keystroke recalculates, the button says what it will do or why it cannot.
import { preferences, setText } from "./dom.js";
import { freshId, parseInteger, won } from "./format.js";
import { sayRefusal } from "./notices.js";
import { heldPrice, marketEstimate, maxQuantity, refusalReason } from "./order-rules.js";
import { TEXT } from "./text.js";
import { clampPrice, tickAbove, tickBelow } from "./ticks.js";
import { toast } from "./toast.js";
import { live } from "./venue.js";

export class OrderForm {
  /** @param card the section; `listing()` and `book()` give what is known now; `onAccepted(order)` the order just taken. */
  constructor(card, { listing, book, onAccepted, venue = live }) {
    this.venue = venue;
    this.card = card;
    this.form = card.querySelector("[data-order-form]");
    this.dialog = card.querySelector("[data-order-dialog]");
    this.listing = listing;
    this.book = book;
    this.onAccepted = onAccepted;
    this.parts = Object.fromEntries([...card.querySelectorAll("[data-order]")].map((node) => [node.dataset.order, node]));
    this.price = this.form.elements.price;
    this.quantity = this.form.elements.quantity;
    this.portion = null;
    this.touched = false;
    this.answer = null;
    this.sending = false;
    this.orderId = freshId();
    if (this.parts.confirm) this.parts.confirm.checked = preferences.get("confirm", "on") === "on";
    this.listen();
    this.formatInput(this.price);
    this.draw();
  }

  listen() {
    const { form } = this;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    form.addEventListener("input", ({ target }) => {
      if (target === this.price || target === this.quantity) this.formatInput(target);
      if (target === this.quantity) this.portion = null;
      this.changed();
    });
    form.addEventListener("change", ({ target }) => {
      if (target === this.parts.confirm) preferences.set("confirm", target.checked ? "on" : "off");
      else this.changed();
    });
    form.addEventListener("click", ({ target }) => {
      const step = target.closest("[data-step]");
      const portion = target.closest("[data-portion]");
      if (step) this.step(step.dataset.stepFor, Number(step.dataset.step));
      if (portion) this.takePortion(Number(portion.dataset.portion));
    });
    for (const input of [this.price, this.quantity]) {
      input.addEventListener("keydown", (event) => this.keyStep(event));
      input.addEventListener("focus", () => input.select());
      // The wheel steps only where the field has the focus; elsewhere the page scrolls.
      input.addEventListener("wheel", (event) => {
        if (document.activeElement !== input) return;
        event.preventDefault();
        this.step(input.name, event.deltaY < 0 ? 1 : -1);
      }, { passive: false });
    }
    this.venue.account.addEventListener("account", () => this.draw());
    this.venue.onTurn(() => {
      this.answer = null;
      this.draw();
    });
  }

  /** Anything the player changes makes it a new order, with a new id. */
  changed() {
    this.touched = true;
    this.answer = null;
    if (!this.sending) this.orderId = freshId();
    this.draw();
  }

  formatInput(input) {
    const digitsAfter = input.value.slice(input.selectionEnd ?? input.value.length).replace(/\D/g, "").length;
    const number = parseInteger(input.value);
    const text = number === null ? "" : won(number);
    if (input.value === text) return;
    input.value = text;
    if (document.activeElement !== input) return;
    // The caret stays behind the same digit although separators moved.
    let at = text.length;
    for (let seen = 0; seen < digitsAfter && at > 0; at -= 1) if (/\d/.test(text[at - 1])) seen += 1;
    input.setSelectionRange(at, at);
  }

  keyStep(event) {
    if (event.isComposing) return;
    const step = { ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
    if (!step) return;
    event.preventDefault();
    this.step(event.target.name, step);
  }

  step(name, steps) {
    const listing = this.listing();
    if (name === "quantity") {
      this.portion = null;
      this.quantity.value = won(Math.max(0, (parseInteger(this.quantity.value) ?? 0) + steps));
    } else {
      let price = parseInteger(this.price.value) ?? listing?.last_price ?? 0;
      for (let count = Math.abs(steps); count > 0; count -= 1) price = steps > 0 ? tickAbove(price) : tickBelow(price);
      this.price.value = won(listing ? clampPrice(price, listing) : price);
    }
    this.changed();
  }

  takePortion(portion) {
    this.portion = portion;
    this.applyPortion();
    this.changed();
  }

  applyPortion() {
    const most = this.most();
    const quantity = Math.floor((most * this.portion) / 100) || (most > 0 && this.portion > 0 ? 1 : 0);
    this.quantity.value = quantity ? won(quantity) : "";
  }

  /** A price of the book was chosen: filled in, as a limit order; nothing is sent. */
  choosePrice(price) {
    this.form.elements.type.value = "limit";
    this.price.value = won(price);
    if (this.portion) this.applyPortion();
    this.changed();
  }

  /** Another stock: the form begins anew with it. */
  chooseSymbol(symbol) {
    this.form.elements.symbol.value = symbol;
    this.quantity.value = "";
    this.portion = null;
    this.changed();
    this.touched = false;
    this.followPrice(this.listing()?.last_price);
  }

  chooseSide(side) {
    this.form.elements.side.value = side;
    this.changed();
  }

  /** Until the player touches the form, its price goes with the market. */
  followPrice(price) {
    if (this.touched || !price) return;
    this.price.value = won(price);
    this.draw();
  }

  order() {
    const { side, type } = this.form.elements;
    return {
      side: side.value, type: type.value, quantity: parseInteger(this.quantity.value) ?? 0,
      price: type.value === "limit" ? parseInteger(this.price.value) : null,
    };
  }

  means() {
    const symbol = this.form.elements.symbol.value;
    const { account } = this.venue;
    return { cash: account.state?.available_cash ?? 0, shares: account.holding(symbol)?.available_quantity ?? 0 };
  }

  most() {
    const listing = this.listing();
    return listing ? maxQuantity(this.order(), listing, this.means()) : 0;
  }

  refusal() {
    return refusalReason(this.order(), {
      signedIn: this.venue.account.signedIn, connected: this.venue.isConnected(), game: this.venue.game(), listing: this.listing(), ...this.means(),
    });
  }

  estimate(order, listing) {
    if (!order.quantity || !listing) return { label: TEXT.estimate.buy, text: "–" };
    if (order.type === "limit") {
      return { label: TEXT.estimate[order.side], text: order.price ? TEXT.amount(won(order.price * order.quantity)) : "–" };
    }
    const { value, unfilled } = marketEstimate(order, this.book(), listing);
    if (!unfilled) return { label: TEXT.estimate[order.side], text: `≈ ${TEXT.amount(won(value))}` };
    const bound = heldPrice(order, listing) * order.quantity;
    return { label: order.side === "buy" ? TEXT.estimate.marketBuy : TEXT.estimate.marketSell, text: TEXT.amount(won(bound)) };
  }

  draw() {
    const order = this.order();
    const listing = this.listing();
    const means = this.means();
    const buying = order.side === "buy";
    this.card.dataset.side = order.side;
    this.price.disabled = order.type === "market";
    this.form.querySelector("[data-field=price]").classList.toggle("is-market", order.type === "market");
    this.price.placeholder = order.type === "market" ? TEXT.market : "";
    for (const button of this.form.querySelectorAll("[data-portion]")) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.portion) === this.portion));
    }
    setText(this.parts["available-label"], TEXT.available[order.side]);
    setText(this.parts.available, buying ? TEXT.amount(won(means.cash)) : TEXT.shares(won(means.shares)));
    setText(this.parts.max, this.venue.account.signedIn ? TEXT.shares(won(this.most())) : "–");
    const estimate = this.estimate(order, listing);
    setText(this.parts["estimate-label"], estimate.label);
    setText(this.parts.estimate, estimate.text);
    this.drawSubmit(order, listing);
  }

  drawSubmit(order, listing) {
    const { submit } = this.parts;
    const refusal = this.refusal();
    const say = TEXT.reason[refusal?.[0]];
    const detail = refusal?.slice(1).map((value) => (typeof value === "number" ? won(value) : value)) ?? [];
    let why = "";
    if (refusal?.[0] === "phase") why = say[refusal[1]] ?? "";
    else if (refusal?.[0] === "cash" || refusal?.[0] === "sharesShort") why = refusal[1] > 0 ? say(detail[0]) : say(0);
    else if (typeof say === "function") why = say(...detail);
    else why = say ?? "";
    if (!this.sending && !this.answer) setText(this.parts.reason, why);
    this.parts.reason.classList.toggle("is-refusal", Boolean(refusal) && refusal[0] !== "noQuantity");
    if (!submit) return;
    submit.disabled = Boolean(refusal) || this.sending;
    submit.classList.toggle("button-buy", order.side === "buy");
    submit.classList.toggle("button-sell", order.side === "sell");
    const name = listing?.name ?? listing?.symbol ?? "";
    const label = order.side === "buy" ? TEXT.buyNow : TEXT.sellNow;
    setText(submit, this.sending ? TEXT.sending : label(name, order.quantity ? won(order.quantity) : ""));
  }

  async submit() {
    if (this.sending || this.dialog.open || this.refusal()) return;
    const order = this.order();
    if (this.parts.confirm.checked && !(await this.confirm(order))) return;
    if (this.sending || this.refusal()) return;
    await this.send(order);
  }

  confirm(order) {
    const { dialog } = this;
    const listing = this.listing();
    const part = (name) => dialog.querySelector(`[data-dialog=${name}]`);
    const estimate = this.estimate(order, listing);
    setText(part("title"), TEXT.confirmTitle(listing.name ?? listing.symbol, TEXT.side[order.side]));
    setText(part("type"), TEXT.type[order.type]);
    setText(part("price"), order.type === "market" ? TEXT.market : TEXT.amount(won(order.price)));
    setText(part("quantity"), TEXT.shares(won(order.quantity)));
    setText(part("estimate-label"), estimate.label);
    setText(part("estimate"), estimate.text);
    const send = part("send");
    setText(send, TEXT.side[order.side]);
    send.className = `button button-large ${order.side === "buy" ? "button-buy" : "button-sell"}`;
    part("skip").checked = false;
    dialog.returnValue = "cancel";
    dialog.showModal();
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => {
        const sent = dialog.returnValue === "send";
        if (sent && part("skip").checked) {
          this.parts.confirm.checked = false;
          preferences.set("confirm", "off");
        }
        resolve(sent);
      }, { once: true });
    });
  }

  async send(order) {
    const symbol = this.form.elements.symbol.value;
    const body = { client_order_id: this.orderId, symbol, side: order.side, type: order.type, quantity: order.quantity };
    if (order.type === "limit") body.price = order.price;
    this.sending = true;
    this.draw();
    try {
      const answer = await this.venue.placeOrder(body);
      const text = answer.duplicate ? TEXT.duplicate : TEXT.accepted(TEXT.side[order.side], won(order.quantity));
      this.onAccepted({ ...body, ...answer, price: body.price ?? heldPrice(order, this.listing()), filled_quantity: 0, status: "open", created_at: Date.now() });
      this.done(text);
    } catch (error) {
      if (error.code === "not_authenticated") toast(error.message, { level: "error", link: { href: "/accounts/login/", text: "→" } });
      else sayRefusal(error.message);
      this.done(error.message, true);
    }
  }

  /** The answer stands under the button until the player goes on; the next order gets a new id. */
  done(text, refused = false) {
    this.sending = false;
    this.answer = text;
    this.orderId = freshId();
    if (!refused) {
      this.quantity.value = "";
      this.portion = null;
    }
    this.draw();
    setText(this.parts.reason, text);
    this.parts.reason.classList.toggle("is-refusal", refused);
  }
}
