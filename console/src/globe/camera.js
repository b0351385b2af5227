// The eye above the globe: north stays up; it is turned by drag, touch, wheel and keys.

import * as THREE from "../../vendor/three/three.module.js";
import { wrap } from "../parts/geo.js";
import { stillness } from "../parts/dom.js";
import { scene } from "./earth.js";

const NEAREST = 1.12; // Earth radii from its centre
const FARTHEST = 8;
const TURN_DEG = 6; // of an arrow key
const FLIGHT_MS = 700;

export class Eye {
  latitude = 35;
  longitude = 20;
  distance = 3.1;
  camera = new THREE.PerspectiveCamera(38, 1, 0.01, 50);
  /** @type {{from: number[], to: number[], start: number} | null} */
  #flight = null;
  /** @type {Map<number, [number, number]>} */
  #fingers = new Map();
  #moved = 0;

  /**
   * @param {HTMLElement} element
   * @param {object} calls
   * @param {(x: number, y: number) => void} calls.click
   * @param {(x: number, y: number) => void} calls.hover
   * @param {() => void} calls.change
   */
  constructor(element, { click, hover, change }) {
    element.addEventListener("pointerdown", (event) => {
      element.setPointerCapture(event.pointerId);
      this.#fingers.set(event.pointerId, [event.clientX, event.clientY]);
      this.#moved = 0;
    });
    element.addEventListener("pointermove", (event) => {
      const last = this.#fingers.get(event.pointerId);
      if (!last) return hover(event.offsetX, event.offsetY);
      const [dx, dy] = [event.clientX - last[0], event.clientY - last[1]];
      const spread = this.#spread();
      this.#fingers.set(event.pointerId, [event.clientX, event.clientY]);
      this.#moved += Math.abs(dx) + Math.abs(dy);
      if (this.#fingers.size === 2 && spread) this.zoom(spread / (this.#spread() || spread));
      else {
        const perPixel = (this.distance - 1) * 0.11;
        this.turn(dy * perPixel, -dx * perPixel);
      }
      return change();
    });
    const up = (/** @type {PointerEvent} */ event) => {
      const held = this.#fingers.delete(event.pointerId);
      if (held && event.type === "pointerup" && this.#moved < 5) click(event.offsetX, event.offsetY);
    };
    element.addEventListener("pointerup", up);
    element.addEventListener("pointercancel", up);
    element.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        this.zoom(Math.exp(event.deltaY * 0.001));
        change();
      },
      { passive: false },
    );
    element.addEventListener("keydown", (event) => {
      const step = TURN_DEG * Math.min(1, this.distance - 1);
      if (event.key === "ArrowLeft") this.turn(0, -step);
      else if (event.key === "ArrowRight") this.turn(0, step);
      else if (event.key === "ArrowUp") this.turn(step, 0);
      else if (event.key === "ArrowDown") this.turn(-step, 0);
      else if (event.key === "+" || event.key === "=") this.zoom(0.85);
      else if (event.key === "-") this.zoom(1 / 0.85);
      else return;
      event.preventDefault();
      change();
    });
  }

  /**
   * @param {number} latitude  deg
   * @param {number} longitude  deg
   */
  turn(latitude, longitude) {
    this.#flight = null;
    this.latitude = Math.max(-88, Math.min(88, this.latitude + latitude));
    this.longitude = wrap(this.longitude + longitude);
  }

  /** @param {number} factor  of the height above ground */
  zoom(factor) {
    this.#flight = null;
    this.distance = Math.max(NEAREST, Math.min(FARTHEST, 1 + (this.distance - 1) * factor));
  }

  /**
   * @param {number} latitude
   * @param {number} longitude
   * @param {number} [distance]
   */
  fly(latitude, longitude, distance = Math.min(this.distance, 2.2)) {
    const turn = wrap(longitude - this.longitude);
    const to = [Math.max(-88, Math.min(88, latitude)), this.longitude + turn, distance];
    if (stillness()) [this.latitude, this.longitude, this.distance] = to;
    else this.#flight = { from: [this.latitude, this.longitude, this.distance], to, start: performance.now() };
  }

  /** Puts the camera where it is now; whether it is still flying. */
  place() {
    const flight = this.#flight;
    if (flight) {
      const t = Math.min(1, (performance.now() - flight.start) / FLIGHT_MS);
      const s = t * t * (3 - 2 * t);
      [this.latitude, this.longitude, this.distance] = flight.from.map((a, i) => a + (flight.to[i] - a) * s);
      if (t === 1) this.#flight = null;
    }
    const at = scene(this.latitude, this.longitude).normalize().multiplyScalar(this.distance);
    this.camera.position.copy(at);
    this.camera.up.set(0, 1, 0);
    this.camera.lookAt(0, 0, 0);
    this.camera.updateMatrixWorld();
    return Boolean(this.#flight);
  }

  #spread() {
    const [a, b] = [...this.#fingers.values()];
    return a && b ? Math.hypot(a[0] - b[0], a[1] - b[1]) : 0;
  }
}
