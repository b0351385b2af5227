// The globe's stage: renderer, layers of the scene, one frame after another, and what is under the pointer.

import * as THREE from "../../vendor/three/three.module.js";
import { EARTH_KM, sun } from "../parts/geo.js";
import { positionAt } from "../live/sky.js";
import { stillness } from "../parts/dom.js";
import { Eye } from "./camera.js";
import { Earth, lines, scene } from "./earth.js";
import { Marks } from "./marks.js";
import { Overlay, hidden } from "./overlay.js";
import { SatellitePoints } from "./satellites.js";

/** @typedef {{kind: "terminal" | "gateway" | "pop", key: string, text: string, latitude: number, longitude: number}} Thing */
/** @typedef {{kind: string, name: string, latitude: number, longitude: number, altitude: number, index: number}} Stop */

const REACH_PX = 12; // how near the pointer must be
const STILL_MS = 1000; // between two pictures where the reader wants little motion
const CLAIM_COLOURS = [0xffffff, 0xf0e442, 0xff8a5b, 0xcc79a7, 0x4fd1a5, 0x9b8cff];

/** Thrown where the browser draws no WebGL. */
export class NoWebGL extends Error {}

export class Stage {
  satellites = new SatellitePoints();
  #marks = new Marks();
  #scene = new THREE.Scene();
  #claims = new THREE.Group();
  /** @type {import("../live/sky.js").Keyframe | null} */
  #frame = null;
  /** @type {readonly Thing[]} */
  #things = [];
  /** @type {{from: Stop, to: Stop, kind: string}[]} */
  #path = [];
  /** @type {import("./overlay.js").Label[]} */
  #labels = [];
  /** @type {import("./overlay.js").Label[]} */
  #claimLabels = [];
  /** @type {string[]} */
  #claimNames = [];
  /** @type {number[]} */
  #marked = [];
  #request = 0;
  #ended = false;
  #turned = true; // drawn at once, even where little motion is wanted
  #drawn = 0;

  /**
   * @param {HTMLElement} box
   * @param {number[][][]} land
   * @param {import("../live/clock.js").Clock} clock
   * @param {object} calls
   * @param {(found: Thing | {kind: "satellite", index: number} | null) => void} calls.chosen
   * @param {(found: Thing | {kind: "satellite", index: number} | null) => void} calls.hovered
   */
  constructor(box, land, clock, { chosen, hovered }) {
    this.box = box;
    this.clock = clock;
    this.canvas = document.createElement("canvas");
    const over = document.createElement("canvas");
    over.setAttribute("aria-hidden", "true");
    over.style.pointerEvents = "none";
    const attributes = { antialias: true, alpha: true, premultipliedAlpha: true };
    const gl = /** @type {WebGL2RenderingContext | null} */ (this.canvas.getContext("webgl2", attributes));
    if (!gl) throw new NoWebGL("WebGL 2 is switched off or not supported here");
    this.renderer = new THREE.WebGLRenderer({ canvas: this.canvas, context: /** @type {any} */ (gl), ...attributes });
    box.prepend(this.canvas, over);
    this.overlay = new Overlay(over);
    this.earth = new Earth(land);
    this.#marks.object.renderOrder = -1; // below the satellites
    this.earth.object.renderOrder = -2;
    this.#scene.add(this.earth.object, this.#claims, this.#marks.object, this.satellites.object);
    let hoverAt = 0;
    this.eye = new Eye(this.canvas, {
      click: (x, y) => chosen(this.#under(x, y)),
      hover: (x, y) => {
        if (performance.now() - hoverAt < 80) return;
        hoverAt = performance.now();
        hovered(this.#under(x, y));
      },
      change: () => (this.#turned = true),
    });
    this.#resize();
    this.observer = new ResizeObserver(() => this.#resize());
    this.observer.observe(box);
    this.#loop();
  }

  /** @param {import("../live/sky.js").Keyframe} frame */
  take(frame) {
    this.#frame = frame;
    this.satellites.take(frame);
  }

  /**
   * @param {readonly Thing[]} things
   * @param {readonly import("./marks.js").Mark[]} marks
   * @param {readonly {latitude: number, longitude: number, text: string, strong?: boolean}[]} labels
   */
  ground(things, marks, labels) {
    this.#things = things;
    this.#marks.show(marks);
    this.#labels = labels.map((label) => ({ at: scene(label.latitude, label.longitude), text: label.text, strong: label.strong }));
  }

  /** @param {{from: Stop, to: Stop, kind: string}[]} path  from the dish to the point of presence */
  path(path) {
    this.#path = path;
  }

  /** @param {readonly number[]} indices  satellites whose names are written */
  name(indices, /** @type {(index: number) => string} */ words) {
    this.#marked = [...indices];
    this.words = words;
  }

  /**
   * Lines of a territory layer, dashed, one colour and one label a holder.
   * @param {readonly {holder: string, text: string, rings: number[][][]}[]} areas
   */
  claims(areas) {
    for (const child of [...this.#claims.children]) {
      this.#claims.remove(child);
      if (child instanceof THREE.LineSegments) {
        child.geometry.dispose();
        child.material.dispose();
      }
    }
    const holders = [...new Set(areas.map((area) => area.holder))];
    for (const area of areas) {
      const colour = CLAIM_COLOURS[holders.indexOf(area.holder) % CLAIM_COLOURS.length];
      this.#claims.add(lines(area.rings, colour, 1.0025, 1, 0.012));
    }
    this.#claimNames = holders;
    this.#claimLabels = areas
      .filter((area) => area.rings.length)
      .map((area) => {
        const ring = area.rings[0];
        const [x, y] = ring.reduce(([a, b], p) => [a + p[0] / ring.length, b + p[1] / ring.length], [0, 0]);
        return { at: scene(y, x), text: area.text };
      });
  }

  get claimHolders() {
    return this.#claimNames.map((name, i) => ({ name, colour: `#${CLAIM_COLOURS[i % CLAIM_COLOURS.length].toString(16).padStart(6, "0")}` }));
  }

  dispose() {
    this.#ended = true;
    cancelAnimationFrame(this.#request);
    this.observer.disconnect();
    this.satellites.dispose();
    this.#marks.dispose();
    this.earth.dispose();
    this.claims([]);
    this.renderer.dispose();
    this.renderer.forceContextLoss();
  }

  /**
   * @param {number} index
   * @returns {THREE.Vector3 | null}
   */
  satellite(index) {
    if (!this.#frame || index < 0 || index >= this.#frame.count) return null;
    const [x, y, z] = positionAt(this.#frame, index, this.clock.now());
    return new THREE.Vector3(x / EARTH_KM, z / EARTH_KM, -y / EARTH_KM);
  }

  /** @param {Stop} stop */
  #at(stop) {
    return (stop.index >= 0 && this.satellite(stop.index)) || scene(stop.latitude, stop.longitude, stop.altitude);
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.box;
    if (!width || !height) return;
    this.renderer.setPixelRatio(Math.min(devicePixelRatio || 1, 2));
    this.renderer.setSize(width, height, false);
    this.eye.camera.aspect = width / height;
    // A narrow screen sees the whole globe too: the angle is that of the shorter side.
    this.eye.camera.fov = width < height ? (2 * Math.atan(Math.tan((38 * Math.PI) / 360) * (height / width)) * 180) / Math.PI : 38;
    this.eye.camera.updateProjectionMatrix();
    this.#turned = true;
  }

  /** Draws anew, where something other than time has changed. */
  refresh() {
    this.#turned = true;
  }

  #loop() {
    if (this.#ended) return;
    this.#request = requestAnimationFrame(() => this.#loop());
    if (stillness() && !this.#turned && performance.now() - this.#drawn < STILL_MS) return;
    this.#turned = this.eye.place();
    this.#drawn = performance.now();
    const now = this.clock.now();
    this.earth.shine(sun(now));
    const ratio = this.renderer.getPixelRatio();
    const near = Math.max(1, Math.min(2.2, 2.4 / this.eye.distance));
    this.satellites.move(this.#frame ? now - this.#frame.time : 0, ratio * near);
    this.#marks.scale(ratio * Math.min(near, 1.4));
    this.renderer.render(this.#scene, this.eye.camera);
    const legs = this.#path.map((leg) => ({ from: this.#at(leg.from), to: this.#at(leg.to), kind: leg.kind }));
    /** @type {import("./overlay.js").Label[]} */
    const labels = [...this.#labels, ...this.#claimLabels];
    for (const index of this.#marked) {
      const at = this.satellite(index);
      if (at) labels.push({ at, text: this.words?.(index) ?? "", strong: true });
    }
    this.overlay.draw(this.eye.camera, legs, labels);
  }

  /**
   * @param {number} x
   * @param {number} y
   * @returns {Thing | {kind: "satellite", index: number} | null}
   */
  #under(x, y) {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const { camera } = this.eye;
    let best = REACH_PX;
    /** @type {Thing | {kind: "satellite", index: number} | null} */
    let found = null;
    for (const thing of this.#things) {
      const p = this.overlay.project(scene(thing.latitude, thing.longitude), camera, width, height);
      const far = p ? Math.hypot(p[0] - x, p[1] - y) : Infinity;
      if (far < best) [best, found] = [far, thing];
    }
    if (found || !this.#frame) return found;
    const now = this.clock.now();
    const at = new THREE.Vector3();
    for (let i = 0; i < this.#frame.count; i++) {
      const [px, py, pz] = positionAt(this.#frame, i, now);
      at.set(px / EARTH_KM, pz / EARTH_KM, -py / EARTH_KM);
      if (hidden(at, camera.position)) continue;
      at.project(camera);
      const far = Math.hypot(((at.x + 1) / 2) * width - x, ((1 - at.y) / 2) * height - y);
      if (far < best) [best, found] = [far, { kind: /** @type {const} */ ("satellite"), index: i }];
    }
    return found;
  }
}
