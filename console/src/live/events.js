// Server-sent events over fetch: unlike EventSource it can send a token; it resumes where it stopped.

import { BASE, authorization } from "./api.js";

/** @typedef {{id: string, type: string, data: any}} LiveEvent */

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8000;

/** The stream of events; `state` is told by "up" and "down", each event by its type and by "any". */
export class Events {
  /** @type {Map<string, Set<(event: LiveEvent) => void>>} */
  #listeners = new Map();
  #last = "";
  #wait = FIRST_WAIT_MS;
  #up = false;
  /** @type {AbortController | null} */
  #abort = null;

  get up() {
    return this.#up;
  }

  /**
   * @param {string} type  a type of the server, "any", "up" or "down"
   * @param {(event: LiveEvent) => void} listener
   * @returns {() => void} ends listening
   */
  on(type, listener) {
    const set = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, set);
    set.add(listener);
    return () => set.delete(listener);
  }

  /** Connects, and again whenever the connection ends. */
  async run() {
    for (;;) {
      this.#abort = new AbortController();
      try {
        await this.#once(this.#abort.signal);
      } catch {
        // Whatever ended it, the mend is the same: say so, wait, connect again.
      }
      this.#set(false);
      await new Promise((resume) => setTimeout(resume, this.#wait));
      this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT_MS);
    }
  }

  /** Connects anew, with another token. */
  again() {
    this.#wait = FIRST_WAIT_MS;
    this.#abort?.abort();
  }

  /** @param {AbortSignal} signal */
  async #once(signal) {
    const response = await fetch(`${BASE}/events`, {
      signal,
      headers: {
        Accept: "text/event-stream",
        ...authorization(),
        ...(this.#last ? { "Last-Event-ID": this.#last } : {}),
      },
    });
    if (!response.ok || !response.body) throw new Error(`events: status ${response.status}`);
    this.#wait = FIRST_WAIT_MS;
    this.#set(true);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      rest += value;
      const blocks = rest.split(/\r?\n\r?\n/);
      rest = blocks.pop() ?? "";
      for (const block of blocks) this.#take(block);
    }
  }

  /** @param {string} block */
  #take(block) {
    const event = { id: "", type: "message", data: "" };
    /** @type {string[]} */
    const lines = [];
    for (const line of block.split(/\r?\n/)) {
      const [, field, value] = /^([a-z]+):? ?(.*)$/.exec(line) ?? [];
      if (field === "id") event.id = value;
      else if (field === "event") event.type = value;
      else if (field === "data") lines.push(value);
    }
    if (!lines.length) return undefined;
    if (event.id) this.#last = event.id;
    // What happened meanwhile is lost: pages ask anew, as after a new connection.
    if (event.type === "gap") return this.#tell({ id: "", type: "up", data: null });
    return this.#tell({ ...event, data: JSON.parse(lines.join("\n")) });
  }

  /** @param {boolean} up */
  #set(up) {
    if (up === this.#up) return;
    this.#up = up;
    this.#tell({ id: "", type: up ? "up" : "down", data: null });
  }

  /** @param {LiveEvent} event */
  #tell(event) {
    for (const listener of this.#listeners.get(event.type) ?? []) listener(event);
    if (event.type !== "up" && event.type !== "down")
      for (const listener of this.#listeners.get("any") ?? []) listener(event);
  }
}
