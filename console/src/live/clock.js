// The system's time between two messages: it may run faster, stand still, or jump to another date.

const JUMP_S = 2; // a difference beyond this, in seconds of the reader, is a jump and not jitter
const PULL = 0.1; // share of a small difference that each message takes away

export class Clock {
  #time = 0;
  #at = 0;
  speed = 1;
  paused = false;
  known = false;

  /** The system's time now, Unix seconds. */
  now() {
    if (this.paused || !this.known) return this.#time;
    return this.#time + ((performance.now() - this.#at) / 1000) * this.speed;
  }

  /**
   * What a message said.
   * @param {number} time  Unix seconds
   * @param {number} speed  0 where it stands still
   */
  hear(time, speed) {
    const paused = speed === 0;
    const difference = time - this.now();
    const jump = !this.known || paused !== this.paused || Math.abs(difference) > JUMP_S * Math.max(speed, 1);
    this.#time = jump ? time : this.now() + PULL * difference;
    this.#at = performance.now();
    this.paused = paused;
    if (!paused) this.speed = speed;
    this.known = true;
  }
}
