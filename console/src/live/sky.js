// The sky: binary keyframes of all satellites over a WebSocket, once a second.

import { BASE, token } from "./api.js";

const HEADER_BYTES = 32; // "SKY1", u32 N, f64 time, i64 slot, f64 speed
const MAGIC = 0x31594b53; // "SKY1", little endian
const RETRY_MS = 2000;

/**
 * @typedef {object} Keyframe
 * @property {number} count
 * @property {number} time  Unix seconds
 * @property {number} slot
 * @property {number} speed  0 where the system stands still
 * @property {Float32Array} position  Earth-fixed km, x y z of each satellite
 * @property {Float32Array} velocity  Earth-fixed km/s
 * @property {Uint8Array} state  0 idle, 1 serving, 2 out
 */

/**
 * @param {ArrayBuffer} buffer
 * @returns {Keyframe}
 */
export function decode(buffer) {
  const view = new DataView(buffer);
  if (buffer.byteLength < HEADER_BYTES || view.getUint32(0, true) !== MAGIC) throw new Error("sky: not a keyframe");
  const count = view.getUint32(4, true);
  if (buffer.byteLength !== HEADER_BYTES + count * 25) throw new Error(`sky: ${buffer.byteLength} bytes for ${count}`);
  return {
    count,
    time: view.getFloat64(8, true),
    slot: Number(view.getBigInt64(16, true)),
    speed: view.getFloat64(24, true),
    position: new Float32Array(buffer, HEADER_BYTES, count * 3),
    velocity: new Float32Array(buffer, HEADER_BYTES + count * 12, count * 3),
    state: new Uint8Array(buffer, HEADER_BYTES + count * 24, count),
  };
}

/** Keeps the latest keyframe while anybody listens; closed otherwise, so that other pages cost nothing. */
export class SkyStream {
  /** @type {Keyframe | null} */
  latest = null;
  /** @type {Set<(frame: Keyframe) => void>} */
  #listeners = new Set();
  /** @type {WebSocket | null} */
  #socket = null;

  /**
   * @param {(frame: Keyframe) => void} listener
   * @returns {() => void} ends listening
   */
  on(listener) {
    this.#listeners.add(listener);
    if (this.latest) listener(this.latest);
    if (!this.#socket) this.#connect();
    return () => {
      this.#listeners.delete(listener);
      if (!this.#listeners.size) {
        this.#socket?.close();
        this.#socket = null;
      }
    };
  }

  #connect() {
    const address = new URL(`${BASE}/sky`, location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const held = token(); // a browser sends a WebSocket no header of one's own but this
    const socket = held ? new WebSocket(address, ["sky1", `bearer.${held}`]) : new WebSocket(address);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      if (!(data instanceof ArrayBuffer)) return;
      this.latest = decode(data);
      for (const listener of this.#listeners) listener(this.latest);
    };
    socket.onclose = () => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      setTimeout(() => {
        if (this.#listeners.size && !this.#socket) this.#connect();
      }, RETRY_MS);
    };
  }
}

/**
 * Where a satellite is at a time near its keyframe: along the great circle of its Earth-fixed velocity.
 * The vertex shader of the globe does the same sum.
 * @param {Keyframe} frame
 * @param {number} index
 * @param {number} time  Unix seconds
 * @returns {[number, number, number]} Earth-fixed km
 */
export function positionAt(frame, index, time) {
  const i = 3 * index;
  const p = frame.position;
  const v = frame.velocity;
  const radius = Math.hypot(p[i], p[i + 1], p[i + 2]) || 1;
  const rise = (p[i] * v[i] + p[i + 1] * v[i + 1] + p[i + 2] * v[i + 2]) / radius;
  const along = [0, 1, 2].map((k) => v[i + k] - (rise * p[i + k]) / radius);
  const speed = Math.hypot(along[0], along[1], along[2]) || 1;
  const seconds = time - frame.time;
  const angle = (speed * seconds) / radius;
  const grow = 1 + (rise * seconds) / radius;
  const c = Math.cos(angle) * grow;
  const s = (Math.sin(angle) * grow * radius) / speed;
  return [p[i] * c + along[0] * s, p[i + 1] * c + along[1] * s, p[i + 2] * c + along[2] * s];
}
