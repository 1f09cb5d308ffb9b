// The one WebSocket of a page: topics with versions, resync on a gap, latency, reconnect by itself.
//
// stream.subscribe(topic, handler): the handler gets { type: "snapshot" | "update", data }. A snapshot plus the
// updates after it is the truth; on a gap or a lower version the topic is subscribed again and a snapshot comes.

const BACKOFF_MS = [200, 500, 1000, 2000, 3000];
const PING_EVERY_MS = 4000;
const SILENCE_MAX_MS = 10_000;
const OPEN_MAX_MS = 5000;
const STOP_CODES = new Set([4401, 4403, 4409]);
export const LOGIN_ENDED = new Set([4401, 4409]);
// The browser may be about to get another session, whose cookie is still on its way to another tab.
const RENEWAL_MS = [300, 900];

class Stream extends EventTarget {
  #socket = null;
  #topics = new Map();
  #attempt = 0;
  #retryTimer = 0;
  #heardAt = 0;
  #openedOnce = false;
  #renewals = 0;
  #endedBy = 0;
  state = "connecting";
  latencyMs = null;

  constructor() {
    super();
    setInterval(() => this.#watch(), 1000);
    setInterval(() => this.#ping(), PING_EVERY_MS);
    addEventListener("online", () => this.#retryNow());
    addEventListener("offline", () => this.#socket?.close());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.#state() === "open" ? this.#ping() : this.#retryNow();
    });
  }

  /** Listen to a topic; returns the function that ends it. */
  subscribe(topic, handler) {
    let entry = this.#topics.get(topic);
    if (!entry) {
      entry = { version: null, waiting: true, handlers: new Set() };
      this.#topics.set(topic, entry);
      this.send({ op: "subscribe", topics: [topic] });
    } else if (!entry.waiting) {
      // A late second listener needs a snapshot of its own.
      entry.waiting = true;
      this.send({ op: "subscribe", topics: [topic] });
    }
    entry.handlers.add(handler);
    this.#connect();
    return () => {
      entry.handlers.delete(handler);
      if (entry.handlers.size || this.#topics.get(topic) !== entry) return;
      this.#topics.delete(topic);
      this.send({ op: "unsubscribe", topics: [topic] });
    };
  }

  /** Ask for a snapshot of every topic again, e.g. when a new game starts. */
  resync() {
    for (const entry of this.#topics.values()) entry.waiting = true;
    if (this.#topics.size) this.send({ op: "subscribe", topics: [...this.#topics.keys()] });
  }

  /** Connect again after the server has ended the connection for good. */
  restart() {
    if (this.state !== "stopped") return;
    this.#setState("offline");
    this.#connect();
  }

  /** Send one message; false when there is no connection. */
  send(message) {
    if (this.#state() !== "open") return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  #state() {
    const state = this.#socket?.readyState;
    return state === WebSocket.OPEN ? "open" : state === WebSocket.CONNECTING ? "connecting" : "closed";
  }

  #connect() {
    if (this.#state() !== "closed" || this.#retryTimer || this.state === "stopped") return;
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/`);
    this.#socket = socket;
    this.#heardAt = performance.now();
    this.#setState(this.#openedOnce ? "offline" : "connecting");
    socket.addEventListener("open", () => {
      if (socket !== this.#socket) return;
      this.#heardAt = performance.now();
      this.#openedOnce = true;
      for (const entry of this.#topics.values()) entry.waiting = true;
      if (this.#topics.size) this.send({ op: "subscribe", topics: [...this.#topics.keys()] });
      this.#ping();
      this.#setState("online");
    });
    socket.addEventListener("message", (event) => socket === this.#socket && this.#receive(event.data));
    socket.addEventListener("close", (event) => socket === this.#socket && this.#closed(event.code));
  }

  #closed(code) {
    this.#socket = null;
    this.latencyMs = null;
    if (LOGIN_ENDED.has(code) && this.#renewals < RENEWAL_MS.length) {
      this.#setState("offline", code);
      this.#retryIn(RENEWAL_MS[this.#renewals]);
      this.#renewals += 1;
      this.#endedBy = code;
      return;
    }
    if (STOP_CODES.has(code)) {
      this.#renewals = 0;
      this.#setState("stopped", code);
      return;
    }
    this.#setState("offline", code);
    const wait = BACKOFF_MS[Math.min(this.#attempt, BACKOFF_MS.length - 1)];
    this.#attempt += 1;
    // A little spread, so that a restarted server is not met by everyone at once; never more than 3 s.
    this.#retryIn(wait * (0.7 + Math.random() * 0.3));
  }

  #retryIn(wait) {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = 0;
      this.#connect();
    }, wait);
  }

  #retryNow() {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = 0;
    this.#connect();
  }

  #watch() {
    const state = this.#state();
    const silence = performance.now() - this.#heardAt;
    if ((state === "connecting" && silence > OPEN_MAX_MS) || (state === "open" && silence > SILENCE_MAX_MS)) {
      // Half-open connections never say goodbye: give this one up and start anew.
      const socket = this.#socket;
      this.#closed(0);
      socket?.close();
    }
  }

  #ping() {
    this.send({ op: "ping", sent_at_ms: Date.now() });
  }

  #receive(text) {
    this.#heardAt = performance.now();
    this.#attempt = 0;
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return;
    }
    if (message.type === "pong") this.#pong(message);
    else if (message.type === "error") this.dispatchEvent(new CustomEvent("error-message", { detail: message }));
    else if (message.topic) this.#deliver(message);
  }

  #pong({ sent_at_ms: sentAt, server_time_ms: serverTime }) {
    if (this.#renewals) {
      this.#renewals = 0;
      this.dispatchEvent(new CustomEvent("renewed", { detail: this.#endedBy }));
    }
    const now = Date.now();
    const roundTrip = now - sentAt;
    if (!(roundTrip >= 0 && roundTrip < 60_000)) return;
    this.latencyMs = roundTrip;
    this.dispatchEvent(new CustomEvent("pong", { detail: { roundTrip, serverTime, now } }));
  }

  #deliver({ topic, type, version, data }) {
    const entry = this.#topics.get(topic);
    if (!entry) return;
    if (type === "snapshot") {
      entry.waiting = false;
      entry.version = version;
    } else {
      if (entry.waiting) return;
      if (version !== entry.version + 1) {
        if (version === entry.version) return;
        entry.waiting = true;
        this.send({ op: "subscribe", topics: [topic] });
        return;
      }
      entry.version = version;
    }
    for (const handler of entry.handlers) handler({ type, data });
  }

  #setState(state, code) {
    if (this.state === state) return;
    this.state = state;
    document.documentElement.dataset.connection = state;
    this.dispatchEvent(new CustomEvent("state", { detail: { state, code } }));
  }
}

export const stream = new Stream();
