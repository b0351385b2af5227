// The state of the whole system, asked for once and then after every slot.

import { Unreachable, ask } from "./api.js";
import { seconds } from "../parts/words.js";

/** @typedef {any} System  what GET /system answers */

const AGAIN_MS = 5000;
const DOWN_AGAIN_MS = 1000;

export class SystemState {
  /** @type {System | null} */
  latest = null;
  reachable = true;
  /** @type {Set<(state: SystemState) => void>} */
  #listeners = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {import("./clock.js").Clock} clock */
  constructor(clock) {
    this.clock = clock;
  }

  /**
   * @param {(state: SystemState) => void} listener
   * @returns {() => void} ends listening
   */
  on(listener) {
    this.#listeners.add(listener);
    if (this.latest) listener(this);
    return () => this.#listeners.delete(listener);
  }

  /** Asks now, and again by itself. */
  async refresh() {
    clearTimeout(this.#timer);
    try {
      this.latest = await ask("/system");
      this.reachable = true;
      const time = seconds(this.latest.time);
      if (time !== null) this.clock.hear(time, this.latest.paused ? 0 : this.latest.speed);
    } catch (error) {
      // A problem document is an answer too: somebody is there.
      this.reachable = !(error instanceof Unreachable);
    }
    for (const listener of this.#listeners) listener(this);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.refresh(), this.reachable ? AGAIN_MS : DOWN_AGAIN_MS);
  }
}
